package pool_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// ownIDs is a proxy that greets its clients with connection IDs of its own, as
// multiplexing proxies do. It returns its address.
func ownIDs(t *testing.T, server string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer client.Close()
				up, err := net.Dial("tcp", server)
				if err != nil {
					return
				}
				defer up.Close()
				greeting := make([]byte, 4096)
				n, err := up.Read(greeting)
				if err != nil {
					return
				}
				id := 5
				for greeting[id] != 0 {
					id++
				}
				greeting[id+3] ^= 0x40 // the third byte of the ID
				if _, err := client.Write(greeting[:n]); err != nil {
					return
				}
				wg.Go(func() {
					io.Copy(up, client)
					up.Close()
				})
				io.Copy(client, up)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func TestMySQLBehindAProxyWithIDsOfItsOwnNothingIsKilled(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		c := db.Config()
		c.Net, c.Addr = "tcp", ownIDs(t, db.Addr())
		p, err := pool.Open(t.Context(), pool.Config{DSN: c.FormatDSN()})
		require.NoError(t, err)
		pooltest.NoLeaks(t, p)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err = p.DB().ExecContext(ctx, "DO SLEEP(2)")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Eventually(t, func() bool { s := p.Stats(); return s.Closes[pool.CloseBroken] == 1 && s.Closing == 0 }, 5*time.Second, time.Millisecond)
		require.Zero(t, p.Stats().Ended)
		require.Zero(t, p.Stats().Abandoned)
		held := hold(t, p)
		ended, stop := context.WithCancel(t.Context())
		stop()
		var left *pool.ShutdownError
		require.True(t, errors.As(p.Shutdown(ended), &left))
		require.Equal(t, "", left.Holders[0].Session)
		held.Close()
	})
}

func TestMySQLABreakWhileIdleIsFoundBeforeUse(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		p := openMySQL(t, db, pool.Config{MaxConns: 1, MaxOverflow: -1, PingAfterIdle: -1})
		for range 5 {
			var id int
			require.NoError(t, p.DB().QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id))
			_, err := db.Admin().ExecContext(t.Context(), "KILL "+strconv.Itoa(id))
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				var n int
				err := db.Admin().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?", id).Scan(&n)
				return err == nil && n == 0
			}, 5*time.Second, time.Millisecond)
		}
		require.EqualValues(t, 4, p.Stats().Closes[pool.CloseBroken], "by the driver's socket check, which needs SyscallConn")
		require.EqualValues(t, 5, p.Stats().Hold.Count, "no caller was given a dead one")
	})
}

func TestMySQLOverTLS(t *testing.T) {
	t.Parallel()
	db := mysqltest.NewOn(t, mysqltest.MySQL) // MariaDB makes itself no certificate
	c := db.Config()
	dsn := "mysql://" + c.User + ":" + c.Passwd + "@" + c.Addr + "/" + c.DBName + "?ssl_mode="
	p, err := pool.Open(t.Context(), pool.Config{DSN: dsn + "REQUIRED", AcquireTimeout: 10 * time.Second})
	require.NoError(t, err)
	pooltest.NoLeaks(t, p)
	var name, cipher string
	require.NoError(t, p.DB().QueryRowContext(t.Context(), "SHOW SESSION STATUS LIKE 'Ssl_cipher'").Scan(&name, &cipher))
	require.NotEmpty(t, cipher)
	require.NoError(t, p.Ping(t.Context()))
	ended, stop := context.WithCancel(t.Context())
	stop()
	held := hold(t, p)
	var left *pool.ShutdownError
	require.ErrorAs(t, p.Shutdown(ended), &left)
	require.NotEmpty(t, left.Holders[0].Session, "the greeting comes before TLS")
	held.Close()

	strict, err := pool.Open(t.Context(), pool.Config{DSN: dsn + "VERIFY_IDENTITY", AcquireTimeout: 10 * time.Second})
	require.NoError(t, err)
	pooltest.NoLeaks(t, strict)
	_, err = strict.DB().ExecContext(t.Context(), "DO 1")
	require.ErrorIs(t, err, pool.ErrDialFailed)
	require.ErrorContains(t, err, "certificate")
}
