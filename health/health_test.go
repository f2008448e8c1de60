package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/health"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// start returns a started Probe, in a synctest bubble.
func start(t *testing.T, opts health.Options) *health.Probe {
	t.Helper()
	p, err := health.New(&opts)
	require.NoError(t, err)
	p.Start()
	t.Cleanup(func() { require.NoError(t, p.Stop(context.Background())) })
	synctest.Wait()
	return p
}

// dependency is something to check that tests break and mend.
type dependency struct {
	err  atomic.Pointer[error]
	runs atomic.Int64
}

func (d *dependency) set(err error) { d.err.Store(&err) }

func (d *dependency) run(context.Context) error {
	d.runs.Add(1)
	if err := d.err.Load(); err != nil {
		return *err
	}
	return nil
}

var errDown = errors.New("dial tcp 10.1.2.3:3306: refused")

func TestNoProbeWaitsForACheckThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		var runs atomic.Int64
		p := start(t, health.Options{Checks: []health.Check{{Name: "database", Run: func(context.Context) error {
			runs.Add(1)
			<-release // heeds no context
			return nil
		}}}})
		begun := time.Now()
		for range 1000 {
			require.Equal(t, http.StatusServiceUnavailable, get(p, "/readyz").Code)
			require.Equal(t, http.StatusServiceUnavailable, get(p, "/health").Code)
			require.Equal(t, http.StatusOK, get(p, "/livez").Code)
			require.Equal(t, http.StatusOK, get(p, "/").Code)
		}
		require.Zero(t, time.Since(begun))
		require.EqualValues(t, 1, runs.Load(), "probes start no checks")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.Stop(ctx), context.DeadlineExceeded, "stopping is bounded, too")
	})
}

func TestACheckThatBeginsToHangFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var runs atomic.Int64
		p := start(t, health.Options{Checks: []health.Check{{Name: "database", Run: func(context.Context) error {
			if runs.Add(1) == 2 {
				<-release
			}
			return nil
		}}}})
		require.Equal(t, http.StatusOK, get(p, "/readyz").Code)
		time.Sleep(5*time.Second + 2*time.Second + 500*time.Millisecond)
		require.Equal(t, http.StatusOK, get(p, "/readyz").Code, "its timeout has not told yet")
		time.Sleep(time.Second)
		require.Equal(t, http.StatusServiceUnavailable, get(p, "/readyz").Code)
		close(release)
		synctest.Wait()
		require.Equal(t, http.StatusOK, get(p, "/readyz").Code)
	})
}

func TestThresholds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d dependency
		p := start(t, health.Options{Checks: []health.Check{{Name: "database", Run: d.run, Interval: time.Second, Failures: 3, Successes: 2}}})
		ready := func() bool { return get(p, "/readyz").Code == http.StatusOK }
		next := func() { time.Sleep(time.Second); synctest.Wait() }
		require.True(t, ready(), "the first run decides")

		d.set(errDown)
		next()
		next()
		d.set(nil)
		next()
		d.set(errDown)
		next()
		next()
		require.True(t, ready(), "never three in a row")
		next()
		require.False(t, ready())
		d.set(nil)
		next()
		require.False(t, ready(), "two successes are needed")
		next()
		require.True(t, ready())
	})
}

func TestAFirstFailureShowsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d dependency
		d.set(errDown)
		p := start(t, health.Options{Checks: []health.Check{{Name: "database", Run: d.run}}})
		w := get(p, "/readyz")
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, "[-]database failed\nreadyz check failed\n", w.Body.String())
		d.set(nil)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(t, "ok\n", get(p, "/readyz").Body.String())
	})
}

func TestWeightsDecideStatusAndReadiness(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		weight        health.Weight
		status        string
		health, ready int
	}{
		{health.Required, "fail", 503, 503},
		{health.Degrading, "warn", 200, 200},
		{health.Informational, "pass", 200, 200},
	} {
		synctest.Test(t, func(t *testing.T) {
			var d dependency
			d.set(errDown)
			p := start(t, health.Options{Checks: []health.Check{{Name: "thing", Run: d.run, Weight: c.weight}}})
			w := get(p, "/health")
			require.Equal(t, c.health, w.Code)
			require.Equal(t, c.ready, get(p, "/readyz").Code)
			require.Equal(t, http.StatusOK, get(p, "/livez").Code)
			require.Equal(t, c.status, decode(t, w)["status"])
		})
	}
}

func decode(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var body map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	return body
}

func TestTheReportTellsErrorsToTrustedCallersOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d dependency
		d.set(errDown)
		p := start(t, health.Options{
			Version: "1.2.3",
			Trusted: func(r *http.Request) bool { return r.URL.Query().Has("trusted") },
			Checks: []health.Check{{Name: "database", Run: func(ctx context.Context) error {
				time.Sleep(20 * time.Millisecond)
				return d.run(ctx)
			}, Details: func() any { return map[string]int{"idle": 3} }}},
		})
		time.Sleep(2 * time.Second)
		w := get(p, "/health")
		require.Equal(t, "application/health+json", w.Header().Get("Content-Type"))
		require.NotContains(t, w.Body.String(), "10.1.2.3")
		require.NotContains(t, get(p, "/readyz").Body.String(), "10.1.2.3")
		body := decode(t, w)
		require.Equal(t, "1.2.3", body["version"])
		checks := body["checks"].(map[string]any)
		database := checks["database"].([]any)[0].(map[string]any)
		require.Equal(t, "fail", database["status"])
		require.InDelta(t, 20, database["observedValue"], 0.001)
		require.Equal(t, "ms", database["observedUnit"])
		require.InDelta(t, 1.98, database["age_seconds"], 0.001)
		for _, name := range []string{"process:uptime", "process:goroutines", "process:threads", "process:memory", "process:heap"} {
			require.Positive(t, checks[name].([]any)[0].(map[string]any)["observedValue"], name)
		}

		require.Equal(t, map[string]any{"idle": 3.0}, database["details"])

		require.Contains(t, get(p, "/health?trusted").Body.String(), "10.1.2.3")
	})
}

func TestDrainingTurnsReadinessRedAndNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d dependency
		p := start(t, health.Options{Checks: []health.Check{{Name: "database", Run: d.run}}})
		require.Equal(t, http.StatusOK, get(p, "/readyz").Code)
		p.Drain()
		require.Equal(t, "[+]database ok\n[-]drain failed\nreadyz check failed\n", get(p, "/readyz").Body.String())
		require.Equal(t, http.StatusOK, get(p, "/livez").Code)
		require.Equal(t, http.StatusOK, get(p, "/").Code)
		require.Equal(t, "warn", decode(t, get(p, "/health"))["status"])
	})
}

func TestLivenessFollowsHeartbeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		beat := health.NewHeartbeat("worker", 10*time.Second)
		p := start(t, health.Options{Heartbeats: []*health.Heartbeat{beat}})
		time.Sleep(9 * time.Second)
		require.Equal(t, http.StatusOK, get(p, "/livez").Code)
		beat.Beat()
		time.Sleep(10 * time.Second)
		require.Equal(t, http.StatusOK, get(p, "/livez").Code)
		time.Sleep(time.Second)
		require.Equal(t, "[-]worker failed\nlivez check failed\n", get(p, "/livez").Body.String())
		require.Equal(t, http.StatusOK, get(p, "/readyz").Code)
	})
}

func TestAPanickingCheckFailsAndRunsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		p := start(t, health.Options{Checks: []health.Check{{Name: "database", Run: func(context.Context) error {
			if runs.Add(1) == 1 {
				panic("oh")
			}
			return nil
		}}}})
		require.Equal(t, http.StatusServiceUnavailable, get(p, "/readyz").Code)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(t, http.StatusOK, get(p, "/readyz").Code)
	})
}

func TestStoppingEndsARunAndKeepsTheAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		p := start(t, health.Options{Checks: []health.Check{{Name: "database", Timeout: time.Hour, Run: func(ctx context.Context) error {
			if runs.Add(1) > 1 {
				<-ctx.Done()
			}
			return ctx.Err()
		}}}})
		time.Sleep(6 * time.Second)
		require.NoError(t, p.Stop(t.Context()))
		require.NoError(t, p.Stop(t.Context()))
		require.Equal(t, http.StatusOK, get(p, "/readyz").Code, "being stopped is no failure")
		p.Start()
		time.Sleep(time.Minute)
		require.EqualValues(t, 2, runs.Load())
	})
}

func TestWrongChecksAreNamed(t *testing.T) {
	t.Parallel()
	run := func(context.Context) error { return nil }
	_, err := health.New(&health.Options{Checks: []health.Check{{Name: "My DB", Run: run}, {Name: "a"}, {Name: "b", Run: run}, {Name: "b", Run: run}}})
	require.ErrorContains(t, err, `"My DB"`)
	require.ErrorContains(t, err, `"a" has no Run`)
	require.ErrorContains(t, err, `two checks are named "b"`)
}

func TestOtherPathsAndMethodsAreNotAnswered(t *testing.T) {
	t.Parallel()
	p, err := health.New(nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, get(p, "/other").Code)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/health", nil))
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	w = httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/readyz", nil))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
}
