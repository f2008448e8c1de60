//go:build faults

package faults_test

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/pool"
)

// TestServerFaults breaks one server after the other way round: it is started once for all of them.
func TestServerFaults(t *testing.T) {
	t.Parallel()
	for _, flavor := range mysqltest.Flavors() {
		t.Run(string(flavor), func(t *testing.T) {
			t.Parallel()
			server := mysqltest.Start(t, &mysqltest.Options{Flavor: flavor})
			for _, test := range []struct {
				name string
				run  func(t *testing.T, server *mysqltest.Server, r *rig)
			}{
				{"killed and started again", killServer},
				{"frozen", freezeServer},
				{"out of connections", exhaustServer},
				{"read-only and back", failOver},
			} {
				t.Run(test.name, func(t *testing.T) {
					db := server.NewDatabase(t)
					r := newRig(t, db, db.Addr(), nil)
					test.run(t, server, r)
					r.sees(t)
					r.load.stop(t)
					r.settles(t)
					r.load.audit(t, r.admin, r.database+".tally")
				})
			}
		})
	}
}

func killServer(t *testing.T, server *mysqltest.Server, r *rig) {
	for range testscale.N(3, 12) {
		server.Kill(t)
		told := r.suffers(t, 0)
		require.Positive(t, among(told, pool.ErrDialFailed.Error()+", dial failed"), told)
		require.Error(t, r.pool.Ping(t.Context()), "the health lane knows")
		server.Start(t)
		r.recovers(t)
		require.NoError(t, r.pool.Ping(t.Context()))
	}
}

// A frozen server accepts, for its kernel does, and says nothing.
func freezeServer(t *testing.T, server *mysqltest.Server, r *rig) {
	server.Pause(t)
	defer server.Resume(t) // for the tests after a failure
	told := r.suffers(t, testscale.N(2*time.Second, 10*time.Second))
	require.Positive(t, among(told, "pool: "), told)
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	start := time.Now()
	require.Error(t, r.pool.Ping(ctx))
	require.Less(t, time.Since(start), deadline+slack)
	server.Resume(t)
	r.recovers(t)
	require.NoError(t, r.pool.Ping(t.Context()))
}

func exhaustServer(t *testing.T, server *mysqltest.Server, r *rig) {
	var before int
	require.NoError(t, r.admin.QueryRowContext(t.Context(), "SELECT @@GLOBAL.max_connections").Scan(&before))
	set := func(n int) {
		_, err := r.admin.ExecContext(context.Background(), "SET GLOBAL max_connections = "+strconv.Itoa(n))
		require.NoError(t, err)
	}
	defer set(before)
	set(10) // MariaDB takes no less

	// Somebody else takes what is left, and then our connections die.
	config := server.Config()
	config.User, config.Passwd = r.user+"x", "other"
	_, err := r.admin.ExecContext(t.Context(), "CREATE USER '"+config.User+"'@'%' IDENTIFIED BY 'other'")
	require.NoError(t, err)
	connector, err := mysql.NewConnector(config)
	require.NoError(t, err)
	others := sql.OpenDB(connector)
	defer others.Close()
	full := func(err error) bool {
		my, ok := errors.AsType[*mysql.MySQLError](err)
		return ok && my.Number == 1040
	}
	grab := func() {
		for {
			c, err := others.Conn(t.Context())
			if err != nil {
				require.True(t, full(err), err)
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}
	var told map[string]int
	for end := time.Now().Add(20 * time.Second); among(told, "dial: server error 1040") == 0 || r.pool.Stats().Open > 0; {
		require.True(t, time.Now().Before(end), "the pool keeps connections: %+v", r.pool.Stats())
		kill(t, r)
		grab()
		told = r.suffers(t, 300*time.Millisecond)
	}
	_, err = r.pool.DB().ExecContext(t.Context(), "DO 1")
	require.True(t, full(err), err)
	require.NoError(t, others.Close())
	set(before)
	r.recovers(t)
}

// failOver makes the server read-only, as the old primary becomes in a failover.
func failOver(t *testing.T, server *mysqltest.Server, r *rig) {
	set := func(value string) {
		statement := "SET GLOBAL read_only = " + value
		if server.Flavor() == mysqltest.MySQL {
			statement = "SET GLOBAL super_read_only = " + value
			if value == "0" {
				statement = "SET GLOBAL read_only = 0" // ends both
			}
		}
		_, err := r.admin.ExecContext(context.Background(), statement)
		require.NoError(t, err)
	}
	generation := r.pool.Stats().Generation
	set("1")
	served := r.load.served.Load()
	told := r.suffers(t, testscale.N(500*time.Millisecond, 5*time.Second))
	set("0")
	require.Positive(t, among(told, "server error 1290", "server error 1836"), told)
	require.Greater(t, r.load.served.Load(), served, "reads go on")
	require.Greater(t, r.pool.Stats().Generation, generation, "connections to the old primary are retired")
	r.recovers(t)
}

// kill ends every session of the pool.
func kill(t *testing.T, r *rig) (killed int) {
	t.Helper()
	rows, err := r.admin.QueryContext(t.Context(), "SELECT id FROM information_schema.processlist WHERE user = ?", r.user)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var id int
		require.NoError(t, rows.Scan(&id))
		if _, err := r.admin.ExecContext(t.Context(), "KILL "+strconv.Itoa(id)); err == nil {
			killed++
		}
	}
	require.NoError(t, rows.Err())
	return killed
}

func TestSessionsKilled(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		r := newRig(t, db, newProxy(t, db.Addr()).Listen, nil)
		for range testscale.N(3, 30) {
			killed := kill(t, r)
			told := r.suffers(t, 0)
			require.LessOrEqual(t, among(told, ""), killed, "only statements in flight break: %v", told)
			r.recovers(t)
		}
		r.sees(t)
		r.load.stop(t)
		r.settles(t)
		r.load.audit(t, r.admin, r.database+".tally")
	})
}

func TestCancelledStatementsDoNotRunOn(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		r := newRig(t, db, newProxy(t, db.Addr()).Listen, nil)
		rounds := testscale.N(5, 50)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for range rounds {
					err := burn(r.pool.DB())
					if _, refused := errors.AsType[*pool.AcquireError](err); !refused && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("a statement without end ended: %v", err)
					}
				}
			})
		}
		wg.Wait()
		r.recovers(t)
		r.sees(t)
		r.load.stop(t)
		r.settles(t)
		var running int
		require.NoError(t, r.admin.QueryRowContext(t.Context(),
			"SELECT COUNT(*) FROM information_schema.processlist WHERE user = ? AND info LIKE 'SELECT BENCHMARK%'", r.user).Scan(&running))
		require.Zero(t, running)
		require.Zero(t, r.pool.Stats().Abandoned)
		require.Positive(t, r.pool.Stats().Ended)
		r.load.audit(t, r.admin, r.database+".tally")
	})
}

// burn cancels a statement that keeps a core of the server busy: unlike SLEEP it does not notice
// that nobody waits for it.
func burn(db *sql.DB) error {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var n int
	return db.QueryRowContext(ctx, "SELECT BENCHMARK(1000000000000, SHA2('a', 512))").Scan(&n)
}

func TestPasswordChanged(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		r := newRig(t, db, db.Addr(), nil)
		set := func(to string) {
			_, err := r.admin.ExecContext(t.Context(), "ALTER USER '"+r.user+"'@'%' IDENTIFIED BY '"+to+"'")
			require.NoError(t, err)
		}
		set("another")
		r.pool.Reset()
		told := r.suffers(t, 300*time.Millisecond)
		require.Positive(t, among(told, "dial: server error 1045"), told)
		require.ErrorContains(t, r.pool.Ping(t.Context()), r.user)
		require.False(t, leaks(r.pool.Ping(t.Context()).Error()))
		set(password)
		r.recovers(t)
		r.sees(t)
		r.load.stop(t)
		r.settles(t)
		r.load.audit(t, r.admin, r.database+".tally")
	})
}
