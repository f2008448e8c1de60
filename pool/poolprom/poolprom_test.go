package poolprom_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/poolprom"
	"github.com/productkit-go/productkit/pool/pooltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, s *pooltest.Server, cfg pool.Config) (*pool.Pool, *prometheus.Registry) {
	t.Helper()
	cfg.Connector = s.Connector()
	p, err := pool.Open(t.Context(), cfg)
	require.NoError(t, err)
	pooltest.NoLeaks(t, p)
	r := prometheus.NewPedanticRegistry()
	require.NoError(t, r.Register(poolprom.NewCollector(p, "orders")))
	return p, r
}

// scrape returns every series by its name and labels, without those that all
// have.
func scrape(t *testing.T, r prometheus.Gatherer) map[string]*dto.Metric {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	series := map[string]*dto.Metric{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				switch l.GetName() {
				case "db_client_connection_pool_name", "db_name":
					require.Equal(t, "orders", l.GetValue())
				default:
					name += " " + l.GetValue()
				}
			}
			series[name] = m
		}
	}
	return series
}

func value(m *dto.Metric) float64 { return m.GetGauge().GetValue() + m.GetCounter().GetValue() }

func TestMetricsAreTheStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { metricsAreTheStats(t) }) // in simulated time
}

func metricsAreTheStats(t *testing.T) {
	server := new(pooltest.Server)
	server.SetConnectDelay(3 * time.Millisecond)
	p, r := open(t, server, pool.Config{MinConns: 2, MaxConns: 3, MaxOverflow: 1, MaxIdleTime: -1, MaxLifetime: -1})
	time.Sleep(time.Second)
	for range 4 {
		_, err := p.DB().ExecContext(t.Context(), "UPDATE stock SET n = ?", 1)
		require.NoError(t, err)
	}

	// Four at once: three stay, and a fifth caller gets none.
	var held []*sql.Conn
	for range 4 {
		c, err := p.DB().Conn(t.Context())
		require.NoError(t, err)
		held = append(held, c)
	}
	_, err := p.DB().ExecContext(t.Context(), "DO 1")
	require.ErrorIs(t, err, pool.ErrAcquireTimeout)
	time.Sleep(time.Minute) // longer than HoldWarning
	for _, c := range held {
		require.NoError(t, c.Close())
	}
	server.SetStatementTime(time.Minute)
	_, err = p.DB().ExecContext(t.Context(), "DO 1")
	require.NoError(t, err)
	server.SetStatementTime(0)

	server.SetRefuse(errors.New("no luck"))
	p.Reset()
	_, err = p.DB().ExecContext(t.Context(), "DO 1")
	require.ErrorContains(t, err, "no luck")
	server.SetRefuse(nil)
	time.Sleep(time.Minute)

	s, series := p.Stats(), scrape(t, r)
	for name, want := range map[string]float64{
		"db_client_connection_count idle":        2,
		"db_client_connection_count used":        0,
		"db_client_connection_max":               4,
		"db_client_connection_idle_max":          3,
		"db_client_connection_idle_min":          2,
		"db_client_connection_pending_requests":  0,
		"db_client_connection_timeouts_total":    float64(s.Refused.Timeout),
		"go_sql_max_open_connections":            4,
		"go_sql_open_connections":                2,
		"go_sql_in_use_connections":              0,
		"go_sql_idle_connections":                2,
		"go_sql_wait_count_total":                float64(s.Queued),
		"go_sql_wait_duration_seconds_total":     s.Wait.Sum.Seconds(),
		"go_sql_max_idle_closed_total":           1,
		"go_sql_max_idle_time_closed_total":      0,
		"go_sql_max_lifetime_closed_total":       0,
		"productkit_pool_closed_total overflow":  1,
		"productkit_pool_refused_total timeout":  float64(s.Refused.Timeout),
		"productkit_pool_refused_total canceled": 0,
		"productkit_pool_dial_failures_total":    float64(s.DialFailures),
		"productkit_pool_abandoned_total":        0,
		"productkit_pool_lingering":              0,
		"productkit_pool_leaks_total":            4,
		"productkit_pool_slow_calls_total":       1,
		"productkit_pool_statements":             float64(s.Statements.Cached),
		"productkit_pool_statement_hits_total":   float64(s.Statements.Hits),
		"productkit_pool_statement_misses_total": float64(s.Statements.Misses),
	} {
		require.Contains(t, series, name)
		require.InDelta(t, want, value(series[name]), 1e-9, name)
	}
	require.NotZero(t, s.DialFailures)
	require.NotZero(t, s.Refused.Timeout)
	require.NotZero(t, s.Statements.Hits)
	require.NotZero(t, s.Statements.Misses)
	require.InDelta(t, s.Statements.Prepared, value(series["productkit_pool_statement_prepares_total"]), 0)
	require.NotZero(t, s.Queued)
	require.InDelta(t, s.Refused.DialFailed, value(series["productkit_pool_refused_total dial_failed"]), 0)
	for cause, n := range s.Closes {
		require.InDelta(t, n, value(series["productkit_pool_closed_total "+cause.String()]), 0)
	}

	for name, want := range map[string]pool.Histogram{
		"db_client_connection_create_time_seconds": s.Dial,
		"db_client_connection_wait_time_seconds":   s.Wait,
		"db_client_connection_use_time_seconds":    s.Hold,
	} {
		got := series[name].GetHistogram()
		require.NotZero(t, want.Count, name)
		require.Equal(t, want.Count, got.GetSampleCount(), name)
		require.InDelta(t, want.Sum.Seconds(), got.GetSampleSum(), 1e-9, name)
		bounds := pool.HistogramBounds()
		require.Len(t, got.Bucket, len(bounds), name)
		var sum uint64
		for i, b := range got.Bucket {
			sum += want.Counts[i]
			require.InDelta(t, bounds[i].Seconds(), b.GetUpperBound(), 1e-12, name)
			require.Equal(t, sum, b.GetCumulativeCount(), name)
		}
	}
}

func TestBusyAndWaitingAreGauges(t *testing.T) {
	t.Parallel()
	p, r := open(t, new(pooltest.Server), pool.Config{MaxConns: 1, MaxOverflow: -1, AcquireTimeout: -1})
	c, err := p.DB().Conn(t.Context())
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() { _ = p.DB().PingContext(t.Context()) })
	require.Eventually(t, func() bool { return p.Stats().Waiting == 1 }, 10*time.Second, time.Millisecond)
	series := scrape(t, r)
	require.InDelta(t, 1, value(series["db_client_connection_count used"]), 0)
	require.InDelta(t, 1, value(series["go_sql_in_use_connections"]), 0)
	require.InDelta(t, 1, value(series["db_client_connection_pending_requests"]), 0)
	require.NoError(t, c.Close())
	wg.Wait()
}

// What Stats learns to count must be exported too.
func TestNoReasonIsMissing(t *testing.T) {
	t.Parallel()
	p, r := open(t, new(pooltest.Server), pool.Config{})
	n := 0
	for name := range scrape(t, r) {
		if strings.HasPrefix(name, "productkit_pool_refused_total ") {
			n++
		}
	}
	require.Equal(t, reflect.TypeFor[pool.Refusals]().NumField(), n)
	require.NotEmpty(t, p.Stats().Closes)
}

// The names and types are those of client_golang's own collector.
func TestGoSQLMetricsAreThoseOfNewDBStatsCollector(t *testing.T) {
	t.Parallel()
	p, r := open(t, new(pooltest.Server), pool.Config{})
	theirs := prometheus.NewPedanticRegistry()
	require.NoError(t, theirs.Register(collectors.NewDBStatsCollector(p.DB(), "orders")))
	describe := func(g prometheus.Gatherer) map[string]string {
		families, err := g.Gather()
		require.NoError(t, err)
		found := map[string]string{}
		for _, f := range families {
			if strings.HasPrefix(f.GetName(), "go_sql_") {
				found[f.GetName()] = fmt.Sprint(f.GetType(), f.GetHelp(), f.Metric[0].Label)
			}
		}
		return found
	}
	want := describe(theirs)
	require.Len(t, want, 9)
	require.Equal(t, want, describe(r))
}

func TestNamesAreInOrder(t *testing.T) {
	t.Parallel()
	_, r := open(t, new(pooltest.Server), pool.Config{})
	problems, err := testutil.GatherAndLint(r)
	require.NoError(t, err)
	var found []string
	for _, p := range problems {
		found = append(found, p.Metric+": "+p.Text)
	}
	// OpenTelemetry's name, db.client.connection.count, is what it is.
	require.Equal(t, []string{`db_client_connection_count: non-histogram and non-summary metrics should not have "_count" suffix`}, found)
}

func TestScrapesMayComeTogetherWithLoadAndShutdown(t *testing.T) {
	t.Parallel()
	p, r := open(t, new(pooltest.Server), pool.Config{MaxConns: 2})
	handler := promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				_, _ = p.DB().ExecContext(t.Context(), "DO 1")
			}
		})
		wg.Go(func() {
			for range 10 {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
				if w.Code != 200 || !bytes.Contains(w.Body.Bytes(), []byte("db_client_connection_use_time_seconds_bucket")) {
					t.Errorf("%d: %s", w.Code, w.Body)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 200, p.Stats().Hold.Count)
	require.NoError(t, p.Shutdown(t.Context()))
	require.InDelta(t, 0, value(scrape(t, r)["go_sql_open_connections"]), 0)
}

func TestTwoPoolsInOneRegistry(t *testing.T) {
	t.Parallel()
	p, r := open(t, new(pooltest.Server), pool.Config{})
	require.NoError(t, r.Register(poolprom.NewCollector(p, "reports")))
	require.Error(t, r.Register(poolprom.NewCollector(p, "orders")), "the name is taken")
	names, err := testutil.GatherAndCount(r, "db_client_connection_max")
	require.NoError(t, err)
	require.Equal(t, 2, names)
}

// Register a Collector once per pool, and serve the registry as ever.
func Example() {
	ctx := context.Background()
	p, err := pool.Open(ctx, pool.Config{Connector: new(pooltest.Server).Connector()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Shutdown(ctx)

	registry := prometheus.NewRegistry()
	registry.MustRegister(poolprom.NewCollector(p, "orders"))
	// http.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	families, err := registry.Gather()
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names))[:3] {
		fmt.Println(name)
	}
	fmt.Println(len(names), err)
	// Output:
	// db_client_connection_count
	// db_client_connection_create_time_seconds
	// db_client_connection_idle_max
	// 30 <nil>
}
