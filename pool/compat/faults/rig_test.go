//go:build faults

package faults_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/pool"
)

// share of the throughput before a fault that counts as full: the machine has other work.
const share = 0.7

// recovery is how soon full throughput must be back. Elsewhere than in the long run, where the
// machine is ours, a lost race for the two cores must fail nobody.
var recovery = testscale.N(10*time.Second, 2*time.Second)

// rig is a pool under load, a user of its own on a server, and an administrator who watches.
type rig struct {
	pool     *pool.Pool
	limit    int // sessions that the server may see, the health lane's included
	admin    *sql.DB
	user     string
	database string
	load     *load
	watch    *watch
	logs     *logs
	full     float64 // throughput without faults

	abandoned uint64 // at the last look
}

// newRig starts one. addr is where the pool connects to, a proxy or the server itself.
func newRig(t *testing.T, db *mysqltest.Database, addr string, params url.Values) *rig {
	t.Helper()
	r := &rig{admin: db.Admin(), database: db.Name(), logs: new(logs)}
	r.user = "f" + strings.TrimPrefix(db.Name(), "productkit_test_")
	_, err := db.DB().ExecContext(t.Context(), tally)
	require.NoError(t, err)
	for n := range callers {
		_, err := db.DB().ExecContext(t.Context(), "INSERT INTO tally VALUES (?, 0)", n)
		require.NoError(t, err)
	}
	for _, statement := range []string{
		"CREATE USER '" + r.user + "'@'%' IDENTIFIED BY '" + password + "'",
		"GRANT ALL ON " + r.database + ".* TO '" + r.user + "'@'%'",
	} {
		_, err := r.admin.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		// A private server may be down by now, and the user goes with it.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, _ = r.admin.ExecContext(ctx, "DROP USER IF EXISTS '"+r.user+"'@'%'")
	})

	dsn := url.URL{Scheme: "mysql", User: url.UserPassword(r.user, password), Host: addr, Path: r.database, RawQuery: params.Encode()}
	cfg := pool.Config{
		DSN: dsn.String(), MaxConns: 6, MaxOverflow: 3, Logger: r.logs.logger(),
		AcquireTimeout: deadline / 2,
	}
	r.limit = cfg.MaxConns + cfg.MaxOverflow + 1
	r.pool, err = pool.Open(t.Context(), cfg)
	require.NoError(t, err)
	require.False(t, leaks(fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg)))
	require.NoError(t, r.pool.Ping(t.Context()))
	var stop func()
	r.watch, stop = startWatch(r.admin, r.user)
	r.load = startLoad(t, r.pool.DB())
	t.Cleanup(func() {
		r.finish(t)
		stop()
	})
	r.load.everyone(t)
	for end := time.Now().Add(20 * time.Second); ; {
		r.load.failures(t)
		r.full = r.load.rate()
		told := r.load.failures(t)
		if len(told) == 0 {
			break
		}
		require.True(t, time.Now().Before(end), "nothing is broken yet, and callers are told %v", told)
	}
	return r
}

// suffers has every caller meet the fault, for d at least, and returns what they were told.
func (r *rig) suffers(t *testing.T, d time.Duration) map[string]int {
	t.Helper()
	pause(t.Context(), d)
	r.load.everyone(t)
	told := r.load.failures(t)
	t.Logf("callers were told: %v", told)
	return told
}

// recovers waits for full throughput from now on, and returns what callers were told until then.
func (r *rig) recovers(t *testing.T) map[string]int {
	t.Helper()
	took := r.regains(t)
	t.Logf("full throughput (%.0f a second) after %v", r.full, took.Round(time.Millisecond))
	return r.load.failures(t)
}

func (r *rig) regains(t *testing.T) time.Duration {
	t.Helper()
	took := r.load.regains(share*r.full, recovery)
	require.Less(t, took, recovery, "full throughput is %.0f a second; the pool: %+v", r.full, r.pool.Stats())
	return took
}

// sees checks what the server saw since the last time: never more than the cap and the health lane,
// but for sessions that the pool says it could not end within a second, the server being out of reach.
func (r *rig) sees(t *testing.T) {
	t.Helper()
	s := r.pool.Stats()
	require.LessOrEqual(t, r.watch.most(t), r.limit+int(s.Abandoned-r.abandoned),
		"sessions on the server: %v; the pool: %v, abandoned %d, before %d", r.watch.list(), s.State, s.Abandoned, r.abandoned)
	r.abandoned = s.Abandoned
}

// settles waits until, with no caller about, the pool and the server agree on what is open. The
// callers must be stopped or quiet.
func (r *rig) settles(t *testing.T) {
	t.Helper()
	var s pool.Stats
	var seen int
	agreed := func() bool {
		n, err := r.watch.count(context.Background())
		s, seen = r.pool.Stats(), n
		return err == nil && s.Busy+s.Dialing+s.Closing+s.Waiting == 0 && (n == s.Open || n == s.Open+1) // the health lane
	}
	for end := time.Now().Add(10 * time.Second); !agreed(); pause(t.Context(), 20*time.Millisecond) {
		if time.Now().After(end) {
			require.Fail(t, "lost connections", "the server has %d sessions: %v; the pool: %+v", seen, r.watch.list(), s.State)
		}
	}
}

// finish ends the rig and holds it to leaving nothing behind.
func (r *rig) finish(t *testing.T) {
	t.Helper()
	r.load.stop(t)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	stats := fmt.Sprintf("%+v %#v", r.pool.Stats(), r.pool.Stats())
	if err := r.pool.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if text := r.logs.take(); leaks(text) || leaks(stats) {
		t.Errorf("the password is in the log or the statistics:\n%s\n%s", text, stats)
	}
	r.load.failures(t)
	left := -1
	for left != 0 && ctx.Err() == nil {
		if n, err := r.watch.count(ctx); err == nil {
			left = n
		}
		pause(ctx, 10*time.Millisecond)
	}
	if left != 0 {
		t.Errorf("%d sessions are left on the server (-1: it does not answer): %v", left, r.watch.list())
	}
}
