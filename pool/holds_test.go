package pool_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// journal is a log that may be read while it is written.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(b)
}

func (j *journal) count(pattern string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(regexp.MustCompile(pattern).FindAllString(j.buf.String(), -1))
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

const (
	held     = "held and not used"
	returned = "reported as held has come back"
	slow     = "a call takes long"
)

func TestALeakIsNamedAndReportedAsReturned(t *testing.T) {
	t.Parallel()
	for name, leak := range map[string]func(*testing.T, *sql.DB) (line int, end func()){
		"rows not closed": func(t *testing.T, db *sql.DB) (int, func()) {
			rows, err := db.Query("r") //nolint:rowserrcheck // that is the point
			_, _, line, _ := runtime.Caller(0)
			require.NoError(t, err)
			return line - 1, func() { rows.Close() }
		},
		"transaction forgotten": func(t *testing.T, db *sql.DB) (int, func()) {
			tx, err := db.Begin()
			_, _, line, _ := runtime.Caller(0)
			require.NoError(t, err)
			_, err = tx.Exec("w")
			require.NoError(t, err)
			return line - 1, func() { tx.Rollback() }
		},
		"connection kept": func(t *testing.T, db *sql.DB) (int, func()) {
			c, err := db.Conn(context.Background())
			_, _, line, _ := runtime.Caller(0)
			require.NoError(t, err)
			return line - 1, func() { c.Close() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *pooltest.Server) {
				var log journal
				p := fake(t, s, pool.Config{Logger: log.logger()})
				synctest.Wait()
				line, end := leak(t, p.DB())
				time.Sleep(29 * time.Second)
				require.Zero(t, log.count(held))
				time.Sleep(5 * time.Second)
				require.Equal(t, 1, log.count(fmt.Sprintf(`%s.*session=1 .*borrower=\S*holds_test.go:%d `, held, line)), log.buf.String())
				time.Sleep(time.Minute)
				require.Equal(t, 1, log.count(held), "once")
				require.EqualValues(t, 1, p.Stats().Leaks)
				require.Zero(t, log.count(returned))
				end()
				require.Equal(t, 1, log.count(fmt.Sprintf(`%s.*held=1m34s.*holds_test.go:%d `, returned, line)))
				require.Zero(t, log.count(slow))
			})
		})
	}
}

func TestASlowCallIsNoLeak(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(*sql.DB) error{
		"exec":   func(db *sql.DB) error { _, err := db.Exec("w"); return err },
		"query":  func(db *sql.DB) error { var n int; return db.QueryRow("r").Scan(&n) },
		"cached": func(db *sql.DB) error { _, err := db.Exec("w ?", 1); return err },
		"statement": func(db *sql.DB) error {
			stmt, err := db.Prepare("w ?")
			if err != nil {
				return err
			}
			defer stmt.Close()
			_, err = stmt.Exec(1)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *pooltest.Server) {
				var log journal
				p := fake(t, s, pool.Config{Logger: log.logger(), MaxConns: 1, MaxOverflow: -1})
				for range 2 {
					require.NoError(t, call(p.DB()))
				}
				s.SetStatementTime(2 * time.Minute)
				require.NoError(t, call(p.DB()))
				require.Zero(t, log.count(held)+log.count(returned), log.buf.String())
				require.Equal(t, 1, log.count(slow))
				require.EqualValues(t, 1, p.Stats().SlowCalls)
				require.Zero(t, p.Stats().Leaks)
			})
		})
	}
}

func TestALongTransactionThatWorksIsNoLeak(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		var log journal
		p := fake(t, s, pool.Config{Logger: log.logger(), HoldWarning: 10 * time.Second})
		tx, err := p.DB().Begin()
		require.NoError(t, err)
		for range 20 {
			_, err := tx.Exec("w")
			require.NoError(t, err)
			time.Sleep(8 * time.Second)
		}
		require.NoError(t, tx.Commit())
		require.Zero(t, log.count("."), log.buf.String())
	})
}

func TestHoldWarningOff(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		var log journal
		p := fake(t, s, pool.Config{Logger: log.logger(), HoldWarning: -1})
		c := hold(t, p)
		time.Sleep(time.Hour)
		c.Close()
		require.Zero(t, log.count("."))
	})
}

// Under load only some borrowers leave a stack; transactions do, and so does
// everybody once one without was found.
func TestUnderLoadTheSecondLeakIsNamedAtTheLatest(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		var log journal
		p := fake(t, s, pool.Config{Logger: log.logger()})
		flood := func() {
			for range 100 { // at one instant
				_, err := p.DB().Exec("w")
				require.NoError(t, err)
			}
		}
		flood()
		first := hold(t, p)
		tx, err := p.DB().Begin()
		require.NoError(t, err)
		time.Sleep(40 * time.Second)
		require.Equal(t, 1, log.count("borrower=unknown"))
		require.Equal(t, 1, log.count(`borrower=\S*holds_test.go`))
		flood()
		second := hold(t, p)
		time.Sleep(40 * time.Second)
		require.Equal(t, 1, log.count("borrower=unknown"))
		require.Equal(t, 1, log.count(`borrower=\S*main_test.go`))
		require.NoError(t, tx.Rollback())
		first.Close()
		second.Close()
	})
}

func TestKeepaliveInterval(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 2, MaxIdleTime: 10 * time.Minute, MaxLifetime: -1, PingAfterIdle: -1})
		var conns []*sql.Conn
		for range 3 {
			conns = append(conns, hold(t, p))
		}
		for _, c := range conns {
			c.Close()
		}
		time.Sleep(119 * time.Second)
		require.Zero(t, s.Counts().Pings)
		time.Sleep(2 * time.Second)
		require.Equal(t, 3, s.Counts().Pings)
		time.Sleep(6 * time.Minute)
		require.Equal(t, 12, s.Counts().Pings)
		require.Equal(t, 3, p.Stats().Idle)
		time.Sleep(2 * time.Minute)
		require.Equal(t, 2, p.Stats().Idle, "pings are no use: MaxIdleTime counts on")
		require.Zero(t, p.Stats().Leaks)
		s.KillIdle()
		time.Sleep(2 * time.Minute)
		require.EqualValues(t, 2, p.Stats().Closes[pool.ClosePing])
		require.Equal(t, 2, p.Stats().Idle, "and the dead are replaced")
	})
}

func TestKeepaliveIntervalOff(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		fake(t, s, pool.Config{KeepaliveInterval: -1})
		time.Sleep(time.Hour)
		require.Zero(t, s.Counts().Pings)
	})
}

func TestShutdownNamesTheBorrower(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{})
		rows, err := p.DB().Query("r")
		require.NoError(t, err)
		defer rows.Close()
		err = p.Shutdown(within(time.Second))
		require.ErrorContains(t, err, "holds_test.go:")
		var shutdown *pool.ShutdownError
		require.ErrorAs(t, err, &shutdown)
		require.True(t, strings.HasSuffix(shutdown.Holders[0].Stack[0], "pool_test.TestShutdownNamesTheBorrower.func1"), shutdown.Holders[0].Stack)
		require.NoError(t, rows.Err())
	})
}
