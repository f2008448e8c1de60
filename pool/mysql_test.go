package pool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

func openMySQL(t *testing.T, db *mysqltest.Database, cfg pool.Config) *pool.Pool {
	t.Helper()
	cfg.DSN = db.DSN()
	p, err := pool.Open(t.Context(), cfg)
	require.NoError(t, err)
	pooltest.NoLeaks(t, p)
	require.NoError(t, p.Ping(t.Context()))
	return p
}

// count asks the server, beside the pool, for the sessions in the test's database.
func count(t *testing.T, db *mysqltest.Database, where string) int {
	t.Helper()
	var n int
	require.NoError(t, db.Admin().QueryRowContext(t.Context(),
		"SELECT COUNT(*) FROM information_schema.processlist WHERE db = '"+db.Name()+"' AND "+where).Scan(&n))
	return n
}

func TestMySQLConnectionsAreSetUp(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		p := openMySQL(t, db, pool.Config{Attributes: map[string]string{"service": "shop", "version": "1.2"}})
		var charset, zone, text string
		var now time.Time
		require.NoError(t, p.DB().QueryRowContext(t.Context(),
			"SELECT @@character_set_connection, @@time_zone, CAST(? AS DATETIME), ?", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "naïve 🧵").
			Scan(&charset, &zone, &now, &text))
		require.Equal(t, []string{"utf8mb4", "+00:00", "naïve 🧵"}, []string{charset, zone, text})
		require.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), now)
		if db.Flavor() != mysqltest.MySQL {
			return // MariaDB has its performance_schema off
		}
		var service string
		require.NoError(t, p.DB().QueryRowContext(t.Context(),
			"SELECT attr_value FROM performance_schema.session_account_connect_attrs WHERE processlist_id = CONNECTION_ID() AND attr_name = 'service'").Scan(&service))
		require.Equal(t, "shop", service)
	})
}

func TestMySQLFeaturesAreReachedThroughRaw(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		c := db.Config()
		c.MultiStatements = true
		p, err := pool.Open(t.Context(), pool.Config{DSN: c.FormatDSN()})
		require.NoError(t, err)
		pooltest.NoLeaks(t, p)
		_, err = p.DB().ExecContext(t.Context(), "CREATE TABLE item (n INT PRIMARY KEY AUTO_INCREMENT, v INT)")
		require.NoError(t, err)
		held := hold(t, p)
		defer held.Close()
		require.NoError(t, held.Raw(func(raw any) error {
			// As in the driver's documentation of mysql.Result.
			//lint:ignore SA1019 it documents no other way
			res, err := raw.(driver.Execer).Exec("INSERT INTO item (v) VALUES (1),(2); UPDATE item SET v = 3", nil)
			if err != nil {
				return err
			}
			require.Equal(t, []int64{2, 2}, res.(mysql.Result).AllRowsAffected())
			return nil
		}))
	})
}

// sessions are the connections to a database, as its server sees them.
func sessions(ctx context.Context, db *mysqltest.Database) (ids []int64, err error) {
	rows, err := db.Admin().QueryContext(ctx, "SELECT id FROM information_schema.processlist WHERE db = ? AND command <> 'Quit'", db.Name())
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func TestMySQLNeverSeesMoreThanTheCap(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		p := openMySQL(t, db, pool.Config{MaxConns: 4, MaxOverflow: 3, MaxUses: 20, AcquireTimeout: 10 * time.Second})
		var wg sync.WaitGroup
		var done atomic.Bool
		for i := range 64 {
			wg.Go(func() {
				for n := range 40 {
					var got int
					if err := p.DB().QueryRowContext(t.Context(), "SELECT ? + 1", n+i).Scan(&got); err != nil || got != n+i+1 {
						t.Errorf("got %d, %v", got, err)
						return
					}
				}
			})
		}
		var most int
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			before := make(map[int64]bool)
			for !done.Load() {
				ids, err := sessions(t.Context(), db)
				if err != nil {
					t.Error(err)
					return
				}
				// The server hangs up before it takes a session off its list, which nobody outside can
				// tell; but such a one is gone at the next look.
				now, stayed := make(map[int64]bool), 0
				for _, id := range ids {
					now[id] = true
					if before[id] {
						stayed++
					}
				}
				before, most = now, max(most, stayed)
			}
		}()
		wg.Wait()
		done.Store(true)
		<-watched
		require.LessOrEqual(t, most, 4+3+1, "the cap and the health lane")
		require.Positive(t, most)
		require.NotZero(t, p.Stats().Closes[pool.CloseUses])
	})
}

func TestMySQLHealsWhenConnectionsAreKilledUnderLoad(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		p := openMySQL(t, db, pool.Config{MaxConns: 4, AcquireTimeout: 10 * time.Second, QueueTarget: -1})
		stop := make(chan struct{})
		var wg sync.WaitGroup
		var served, broken atomic.Int64
		for range 16 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					_, err := p.DB().ExecContext(t.Context(), "DO 1")
					var my *mysql.MySQLError
					switch {
					case err == nil:
						served.Add(1)
					case errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, driver.ErrBadConn), errors.As(err, &my) && my.Number == 1317, errors.As(err, &my) && my.Number == 1927:
						broken.Add(1) // it was running when it was killed
					default:
						t.Errorf("unexpected: %v", err)
						return
					}
				}
			})
		}
		kills := 0
		for range 10 {
			before := served.Load()
			rows, err := db.Admin().QueryContext(t.Context(), "SELECT id FROM information_schema.processlist WHERE db = ?", db.Name())
			require.NoError(t, err)
			var ids []int
			for rows.Next() {
				var id int
				require.NoError(t, rows.Scan(&id))
				ids = append(ids, id)
			}
			require.NoError(t, rows.Close())
			for _, id := range ids {
				if _, err := db.Admin().ExecContext(t.Context(), "KILL "+strconv.Itoa(id)); err == nil {
					kills++
				}
			}
			require.Eventually(t, func() bool { return served.Load() > before+50 }, 10*time.Second, time.Millisecond, "served again")
		}
		close(stop)
		wg.Wait()
		require.LessOrEqual(t, broken.Load(), int64(kills), "only calls in flight break")
		_, err := p.DB().ExecContext(t.Context(), "DO 1")
		require.NoError(t, err)
	})
}

func TestMySQLCancelledQueriesAreEndedOnTheServer(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		p := openMySQL(t, db, pool.Config{MaxConns: 2, MaxOverflow: -1, AcquireTimeout: 20 * time.Second, QueueTarget: -1})
		var wg sync.WaitGroup
		var done atomic.Bool
		for range 8 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c, err := acquire(ctx, p)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				time.AfterFunc(50*time.Millisecond, cancel)
				// CPU-bound: unlike SLEEP it does not notice that its client is gone.
				var n int
				err = c.QueryRowContext(ctx, "SELECT BENCHMARK(1000000000000, SHA2('a', 512))").Scan(&n)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		}
		var most int
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for !done.Load() {
				var n int
				if err := db.Admin().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.processlist WHERE db = ? AND info LIKE 'SELECT BENCH%'", db.Name()).Scan(&n); err != nil {
					t.Error(err)
					return
				}
				most = max(most, n)
				time.Sleep(time.Millisecond)
			}
		}()
		wg.Wait()
		require.Eventually(t, func() bool { return p.Stats().Closing == 0 }, 10*time.Second, time.Millisecond)
		require.Zero(t, count(t, db, "info LIKE 'SELECT BENCH%'"), "none runs on")
		done.Store(true)
		<-watched
		require.LessOrEqual(t, most, 2)
		require.Zero(t, p.Stats().Abandoned)
		require.EqualValues(t, 8, p.Stats().Ended)
	})
}

func TestMySQLPreparedStatementsAndTransactions(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		p := openMySQL(t, db, pool.Config{MaxConns: 2})
		_, err := p.DB().ExecContext(t.Context(), "CREATE TABLE item (n INT PRIMARY KEY, v INT)")
		require.NoError(t, err)
		insert, err := p.DB().PrepareContext(t.Context(), "INSERT INTO item VALUES (?, ?)")
		require.NoError(t, err)
		defer insert.Close()
		for i := range 5 {
			_, err := insert.ExecContext(t.Context(), i, i)
			require.NoError(t, err)
		}
		tx, err := p.DB().BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		require.NoError(t, err)
		_, err = tx.StmtContext(t.Context(), insert).ExecContext(t.Context(), 5, 5)
		require.NoError(t, err)
		require.NoError(t, tx.Rollback())
		var n int
		require.NoError(t, p.DB().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM item").Scan(&n))
		require.Equal(t, 5, n)
	})
}

func TestMySQLErrorsDoNotShowThePassword(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		c := db.Config()
		c.User, c.Passwd = "nobody", "hunter2secret"
		p, err := pool.Open(t.Context(), pool.Config{DSN: c.FormatDSN()})
		require.NoError(t, err)
		pooltest.NoLeaks(t, p)
		_, err = p.DB().ExecContext(t.Context(), "DO 1")
		require.ErrorIs(t, err, pool.ErrDialFailed)
		require.ErrorContains(t, err, "nobody")
		require.NotContains(t, err.Error()+p.Ping(t.Context()).Error(), "hunter2secret")
	})
}
