//go:build faults

package faults_test

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/pool"
)

func TestNetworkFaults(t *testing.T) {
	t.Parallel()
	lasting := testscale.N(300*time.Millisecond, 4*time.Second)
	for _, test := range []struct {
		name   string
		strike func(t *testing.T, p *proxy) (mend func())
		told   []string // one of these, at least
	}{
		{
			"connections are dropped and refused",
			func(t *testing.T, p *proxy) func() {
				p.Stop()
				return func() { require.NoError(t, p.Start()) }
			},
			[]string{pool.ErrDialFailed.Error()},
		},
		{
			"connections are reset",
			func(t *testing.T, p *proxy) func() { return p.poison(t, "reset_peer", nil) },
			[]string{pool.ErrDialFailed.Error()},
		},
		{
			"answers break off",
			func(t *testing.T, p *proxy) func() {
				return p.poison(t, "limit_data", map[string]any{"bytes": 200}, "downstream")
			},
			[]string{"connection lost in a statement", pool.ErrDialFailed.Error()},
		},
		{
			"nothing arrives",
			func(t *testing.T, p *proxy) func() {
				return p.poison(t, "latency", map[string]any{"latency": 1000 * 1000})
			},
			[]string{"pool: ", "deadline"},
		},
		{
			"everything takes longer than anybody waits",
			func(t *testing.T, p *proxy) func() {
				return p.poison(t, "latency", map[string]any{"latency": 400, "jitter": 100})
			},
			[]string{"pool: ", "deadline"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
				p := newProxy(t, db.Addr())
				r := newRig(t, db, p.Listen, nil)
				mend := sync.OnceFunc(test.strike(t, p))
				defer mend()
				told := r.suffers(t, lasting)
				mend()
				require.Positive(t, among(told, test.told...), told)
				r.recovers(t)
				r.sees(t)
				r.load.stop(t)
				r.settles(t)
				r.load.audit(t, r.admin, r.database+".tally")
			})
		})
	}
}

func TestConnectionsHalfClosed(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		p := newRelay(t, db.Addr())
		r := newRig(t, db, p.listener.Addr().String(), nil)
		for range testscale.N(3, 20) {
			p.halfClose()
			told := r.suffers(t, 100*time.Millisecond)
			require.Equal(t, among(told, "connection lost in a statement", "deadline"), among(told, ""), "idle ones are found before use")
			r.recovers(t)
		}
		r.sees(t)
		r.load.stop(t)
		r.settles(t)
		r.load.audit(t, r.admin, r.database+".tally")
	})
}

func TestWaitTimeoutOfTwoSeconds(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		r := newRig(t, db, db.Addr(), url.Values{"wait_timeout": {"2"}})
		r.load.quiet(func() {
			require.Positive(t, r.pool.Stats().Open)
			require.Eventually(t, func() bool {
				n, err := r.watch.count(t.Context())
				return err == nil && n == 0
			}, 20*time.Second, 20*time.Millisecond, "the server closes what lies idle")
		})
		require.Empty(t, r.recovers(t), "no caller notices")
		r.sees(t)
		r.load.stop(t)
		r.load.audit(t, r.admin, r.database+".tally")
	})
}
