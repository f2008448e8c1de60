package pool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// plain is a *sql.DB that is not ours.
func plain(t *testing.T, s *pooltest.Server) *sql.DB {
	t.Helper()
	db := sql.OpenDB(s.Connector())
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// borrow opens n connections at once and gives them back.
func borrow(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	var held []*sql.Conn
	for range n {
		c, err := db.Conn(t.Context())
		require.NoError(t, err)
		held = append(held, c)
	}
	for _, c := range held {
		require.NoError(t, c.Close())
	}
}

func TestApplySetsTheSizes(t *testing.T) {
	t.Parallel()
	db := plain(t, new(pooltest.Server))
	pool.Apply(db, pool.Config{MaxConns: 3, MaxOverflow: 2})
	borrow(t, db, 5)
	require.Equal(t, 5, db.Stats().MaxOpenConnections)
	require.Equal(t, 3, db.Stats().Idle, "the overflow is closed as it comes back")
	require.EqualValues(t, 2, db.Stats().MaxIdleClosed)

	pool.Apply(db, pool.Config{DSN: "mysql://app@db/shop?max_size=2", MaxOverflow: -1})
	require.Equal(t, 2, db.Stats().MaxOpenConnections)
	require.Equal(t, 2, db.Stats().Idle)
}

func TestApplySetsTheAges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                 string
		cfg                  pool.Config
		idleClosed, lifetime int64
	}{
		{"idle", pool.Config{MaxIdleTime: time.Nanosecond}, 1, 0},
		{"lifetime", pool.Config{MaxLifetime: time.Nanosecond}, 0, 1},
		{"defaults", pool.Config{}, 0, 0},
		{"off", pool.Config{MaxIdleTime: -1, MaxLifetime: -1}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := plain(t, new(pooltest.Server))
			db.SetConnMaxIdleTime(time.Nanosecond) // Apply overrides what was there
			db.SetConnMaxLifetime(time.Nanosecond)
			pool.Apply(db, test.cfg)
			borrow(t, db, 1)
			want := test.idleClosed + test.lifetime
			if want > 0 { // database/sql's cleaner looks once a second
				require.Eventually(t, func() bool { return db.Stats().OpenConnections == 0 }, 5*time.Second, 5*time.Millisecond)
			} else {
				borrow(t, db, 1) // looks at the ages
			}
			s := db.Stats()
			require.Equal(t, []int64{test.idleClosed, test.lifetime}, []int64{s.MaxIdleTimeClosed, s.MaxLifetimeClosed})
		})
	}
}

func TestApplySaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	all := pool.Config{
		MinConns: 1, MaxConns: 4, MaxOverflow: 1, MaxIdleTime: time.Minute, MaxLifetime: time.Hour, LifetimeJitter: 0.1, MaxUses: 50,
		PingAfterIdle: time.Nanosecond, PingTimeout: time.Second, AcquireTimeout: time.Second, MaxWaiters: 10, QueueTarget: time.Second, StatementCache: 8, ConnectTimeout: time.Second,
		OnConnect:  func(context.Context, driver.Conn) error { return nil },
		Wrap:       func(c driver.Connector) driver.Connector { return c },
		Logger:     slog.New(slog.DiscardHandler),
		Attributes: map[string]string{"service": "shop"},
	}
	for _, test := range []struct {
		name            string
		cfg             pool.Config
		asked, defaults []string
	}{
		{"everything", all,
			[]string{"MinConns", "MaxOverflow", "LifetimeJitter", "MaxUses", "PingAfterIdle", "AcquireTimeout", "MaxWaiters", "QueueTarget", "StatementCache", "ConnectTimeout", "OnConnect", "Wrap", "Logger", "Attributes"}, nil},
		{"defaults", pool.Config{}, nil,
			[]string{"MinConns", "MaxOverflow", "LifetimeJitter", "PingAfterIdle", "AcquireTimeout", "MaxWaiters", "QueueTarget", "StatementCache", "ConnectTimeout"}},
		{"all that can be off is off", pool.Config{MinConns: -1, MaxConns: 2, MaxOverflow: -1, MaxLifetime: -1, PingAfterIdle: -1, AcquireTimeout: -1, MaxWaiters: -1, QueueTarget: -1, StatementCache: -1}, nil,
			[]string{"ConnectTimeout"}},
		{"unlimited", pool.Config{MinConns: -1, MaxConns: -3, MaxOverflow: -1, LifetimeJitter: -1, PingAfterIdle: -1, AcquireTimeout: -1, MaxWaiters: -1, QueueTarget: -1, StatementCache: -1},
			[]string{"MaxConns"}, []string{"ConnectTimeout"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := plain(t, new(pooltest.Server))
			db.SetMaxOpenConns(7)
			var asked, defaults []string
			for _, u := range pool.Apply(db, test.cfg) {
				require.NotEmpty(t, u.Why)
				if u.Asked {
					asked = append(asked, u.Setting)
				} else {
					defaults = append(defaults, u.Setting)
				}
			}
			require.Equal(t, test.asked, asked)
			require.Equal(t, test.defaults, defaults)
			if test.cfg.MaxConns < 0 {
				require.Equal(t, 7, db.Stats().MaxOpenConnections, "left as it was, not unlimited")
			}
		})
	}
}

// A *sql.DB that a framework has opened gets bounds, and the log says what it
// still lacks.
func ExampleApply() {
	db := sql.OpenDB(new(pooltest.Server).Connector())
	defer db.Close()

	for _, left := range pool.Apply(db, pool.Config{MaxConns: 10, MaxOverflow: -1, MaxUses: 50}) {
		if left.Asked {
			fmt.Println(left)
		}
	}
	fmt.Println("at most", db.Stats().MaxOpenConnections)
	// Output:
	// MaxUses: connections are not counted out
	// at most 10
}
