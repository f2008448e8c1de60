package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
		time.Sleep(time.Minute)
		require.EqualError(t, p.Report().Checks[0].Err, "not checked yet", "what comes after stopping says nothing")
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
		time.Sleep(time.Minute)
		const took = time.Minute + 3500*time.Millisecond
		require.Equal(t, took, p.Report().Checks[0].Latency, "so far")
		close(release)
		synctest.Wait()
		require.Equal(t, http.StatusOK, get(p, "/readyz").Code)
		time.Sleep(4 * time.Second)
		require.Equal(t, took, p.Report().Checks[0].Latency)
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
		require.Equal(t, "[+]startup ok\n[-]database failed: reason withheld\n[+]drain ok\nreadyz check failed\n", w.Body.String())
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
		require.Equal(t, "[+]startup ok\n[+]database ok\n[-]drain failed: reason withheld\nreadyz check failed\n", get(p, "/readyz").Body.String())
		require.False(t, p.Report().Ready)
		require.Equal(t, http.StatusOK, get(p, "/livez").Code)
		require.Equal(t, http.StatusOK, get(p, "/").Code)
		require.Equal(t, "warn", decode(t, get(p, "/health"))["status"])
		d.set(errDown)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Equal(t, "fail", decode(t, get(p, "/health"))["status"], "draining hides no failure")
	})
}

func TestLivenessFollowsHeartbeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		beat := health.NewHeartbeat("worker", 10*time.Second)
		p := start(t, health.Options{Heartbeats: []*health.Heartbeat{beat}, Trusted: func(r *http.Request) bool { return r.URL.Query().Has("trusted") }})
		time.Sleep(9 * time.Second)
		require.Equal(t, http.StatusOK, get(p, "/livez").Code)
		beat.Beat()
		time.Sleep(10 * time.Second)
		require.Equal(t, http.StatusOK, get(p, "/livez").Code)
		time.Sleep(time.Second)
		require.Equal(t, "[-]worker failed: reason withheld\nlivez check failed\n", get(p, "/livez").Body.String())
		require.Equal(t, http.StatusOK, get(p, "/readyz").Code)
		require.Contains(t, get(p, "/livez?trusted").Body.String(), "[-]worker failed: no beat for 11s\n")
		require.False(t, p.Report().Live)
		for path, worker := range map[string]map[string]any{
			"/health":         {"status": "fail"},
			"/health?trusted": {"status": "fail", "output": "no beat for 11s"},
		} {
			report := decode(t, get(p, path))
			require.Equal(t, "fail", report["status"])
			require.Equal(t, []any{worker}, report["checks"].(map[string]any)["heartbeat:worker"])
		}
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
		p := start(t, health.Options{Checks: []health.Check{{Name: "database", Timeout: time.Hour, Failures: 1, Run: func(ctx context.Context) error {
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

func TestWrongNamesAreTold(t *testing.T) {
	t.Parallel()
	run := func(context.Context) error { return nil }
	_, err := health.New(&health.Options{
		Checks: []health.Check{
			{Name: "My DB", Run: run}, {Name: "a"}, {Name: "b", Run: run}, {Name: "b", Run: run}, {Name: "drain", Run: run}, {Name: "c", Run: run, Weight: 7},
		},
		Heartbeats: []*health.Heartbeat{health.NewHeartbeat("b", 0), health.NewHeartbeat("b/c", 0)},
		Startup:    []*health.Step{health.NewStep("b"), health.NewStep("s"), health.NewStep("s")},
	})
	for _, want := range []string{
		`check's name is "My DB"`, `"a" has no Run`, `check's name "b" is taken`, `check's name "drain" is taken`, `"c" has the unknown weight 7`,
		`heartbeat's name is "b/c"`, `step's name "s" is taken`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), `step's name "b"`, "each probe has names of its own")
}

func TestProbesFollowKubernetes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var well, ill dependency
		ill.set(errors.Join(errDown, errDown))
		migrated, warm := health.NewStep("migrated"), health.NewStep("warm")
		migrated.Done()
		p := start(t, health.Options{
			Checks: []health.Check{
				{Name: "database", Run: ill.run}, {Name: "queue", Run: well.run}, {Name: "pool", Run: ill.run, Weight: health.Degrading},
			},
			Heartbeats: []*health.Heartbeat{health.NewHeartbeat("worker", time.Minute)},
			Startup:    []*health.Step{migrated, warm},
			Trusted:    func(r *http.Request) bool { return r.URL.Query().Has("trusted") },
		})
		const (
			down     = "[-]startup failed: reason withheld\n[-]database failed: reason withheld\n[+]queue ok\n[+]drain ok\nreadyz check failed\n"
			excluded = "[+]startup excluded: ok\n[+]database excluded: ok\n[+]queue ok\n[+]drain ok\n"
		)
		for _, c := range []struct {
			path   string
			status int
			body   string
		}{
			{"/livez", 200, "ok\n"},
			{"/livez?verbose", 200, "[+]worker ok\nlivez check passed\n"},
			{"/livez/worker", 200, "ok\n"},
			{"/livez/database", 404, "livez has no check \"database\"; /livez?verbose lists them\n"},
			{"/livez?verbose&exclude=worker", 200, "[+]worker excluded: ok\nlivez check passed\n"},
			{"/readyz", 503, down},
			{"/readyz?verbose", 503, down},
			{"/readyz?exclude=database&exclude=startup", 200, "ok\n"},
			{"/readyz?exclude=database&verbose&exclude=startup", 200, excluded + "readyz check passed\n"},
			{"/readyz?exclude=database&verbose&exclude=startup&exclude=b&exclude=a%22", 200,
				excluded + "warn: some health checks cannot be excluded: no matches for \"a\\\"\",\"b\"\nreadyz check passed\n"},
			{"/readyz/queue", 200, "ok\n"},
			{"/readyz/drain?verbose", 200, "[+]drain ok\nreadyz check passed\n"},
			{"/readyz/database", 503, "[-]database failed: reason withheld\nreadyz check failed\n"},
			{"/readyz/database?trusted", 503, "[-]database failed: " + errDown.Error() + "; " + errDown.Error() + "\nreadyz check failed\n"},
			{"/readyz/pool", 404, "readyz has no check \"pool\"; /readyz?verbose lists them\n"},
			{"/readyz/a/b", 404, "404 page not found\n"},
			{"/startupz", 503, "[+]migrated ok\n[-]warm failed: reason withheld\nstartupz check failed\n"},
			{"/startupz/migrated", 200, "ok\n"},
			{"/startupz/warm?trusted", 503, "[-]warm failed: not done yet\nstartupz check failed\n"},
		} {
			w := get(p, c.path)
			require.Equal(t, c.status, w.Code, c.path)
			require.Equal(t, c.body, w.Body.String(), c.path)
			require.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"), c.path)
		}
	})
}

func TestAPortMayBeOpenBeforeTheDatabaseIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		migrated := health.NewStep("migrated")
		p := start(t, health.Options{Startup: []*health.Step{migrated}})
		codes := func() [4]int {
			return [4]int{get(p, "/livez").Code, get(p, "/startupz").Code, get(p, "/readyz").Code, get(p, "/health").Code}
		}
		require.Equal(t, [4]int{200, 503, 503, 503}, codes())
		require.Equal(t, "fail", decode(t, get(p, "/health"))["checks"].(map[string]any)["startup:migrated"].([]any)[0].(map[string]any)["status"])

		release := make(chan struct{})
		database := health.Check{Name: "database", Run: func(context.Context) error { <-release; return nil }}
		require.Error(t, p.Add(database, health.Check{Name: "startup"}))
		require.NoError(t, p.Add(database), "of those before none was added")
		require.ErrorContains(t, p.Add(database), "taken")
		migrated.Done()
		require.Equal(t, [4]int{200, 200, 503, 503}, codes(), "a check that was added must pass first")
		close(release)
		synctest.Wait()
		require.Equal(t, [4]int{200, 200, 200, 200}, codes())

		require.NoError(t, p.Stop(t.Context()))
		var late dependency
		require.NoError(t, p.Add(health.Check{Name: "late", Run: late.run}))
		time.Sleep(time.Minute)
		require.Zero(t, late.runs.Load())
	})
}

func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []string
		var runs atomic.Int64
		var p *health.Probe
		p, err := health.New(&health.Options{
			Checks: []health.Check{{Name: "database", Run: func(ctx context.Context) error {
				switch runs.Add(1) {
				case 1, 8, 12: // heeds no context
					time.Sleep(time.Minute)
					return ctx.Err()
				case 3, 5, 6, 10, 11: // the first is alone
					return errDown
				}
				return nil
			}}},
			OnChange: func(check string, err error) {
				known := p.Report().Checks[0].Err // it may ask
				told = append(told, fmt.Sprint(check, " ", runs.Load(), " ", err, " ", known == err))
			},
		})
		require.NoError(t, err)
		p.Start()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		const hangs = "the check has not returned for 3s true"
		require.Equal(t, []string{
			"database 1 " + hangs,
			"database 1 context deadline exceeded true", // its first result
			"database 2 <nil> true",
			"database 6 " + errDown.Error() + " true",
			"database 7 <nil> true",
			"database 8 " + hangs, // and ends with an error, which tells nothing new
			"database 9 <nil> true",
			"database 11 " + errDown.Error() + " true", // and then hangs, which tells nothing new
			"database 13 <nil> true",
		}, told)
		require.NoError(t, p.Stop(t.Context()))
	})
}

func TestTheHostCanReadWhatIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d dependency
		check := health.Check{Name: "pool", Weight: health.Degrading, Run: func(ctx context.Context) error {
			time.Sleep(time.Second)
			return d.run(ctx)
		}}
		p := start(t, health.Options{Checks: []health.Check{check}})
		r := p.Report()
		require.True(t, r.Checks[0].At.IsZero())
		require.Error(t, r.Checks[0].Err)
		require.Equal(t, health.Warn, r.Status)

		time.Sleep(2 * time.Second)
		d.set(errDown)
		time.Sleep(5 * time.Second)
		synctest.Wait() // the second run has failed, which does not count yet
		r = p.Report()
		c := r.Checks[0]
		require.Equal(t, "pool degrading 5s", fmt.Sprint(c.Check.Name, " ", c.Check.Weight, " ", c.Check.Interval))
		require.NoError(t, c.Err)
		require.Equal(t, errDown, c.Last)
		require.Equal(t, []any{health.Pass, time.Second, time.Duration(0), time.Now()}, []any{c.Status, c.Latency, c.Age, c.At})
		r.Checks = nil
		require.Equal(t, health.Report{Status: health.Pass, Live: true, Started: true, Ready: true}, r)
	})
}

func TestAskTellsWhatAProbeAnswers(t *testing.T) {
	t.Parallel()
	var d dependency
	d.set(errDown)
	p, err := health.New(&health.Options{Checks: []health.Check{{Name: "database", Run: d.run}}})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/", p)
	mux.Handle("/moved", http.RedirectHandler("/livez", http.StatusFound))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	mux.HandleFunc("/hangs", func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	mux.HandleFunc("/closed", func(w http.ResponseWriter, r *http.Request) {
		if !r.Close {
			w.WriteHeader(http.StatusConflict)
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	require.NoError(t, health.Ask(t.Context(), server.URL+"/livez"))
	require.EqualError(t, health.Ask(t.Context(), server.URL+"/readyz"), "health: "+server.URL+
		"/readyz answers 503 Service Unavailable: [+]startup ok; [-]database failed: reason withheld; [+]drain ok; readyz check failed")
	require.ErrorContains(t, health.Ask(t.Context(), server.URL+"/moved"), "302 Found")
	require.NoError(t, health.Ask(t.Context(), server.URL+"/closed"), "it keeps no connection")
	require.ErrorIs(t, health.Ask(ctx, server.URL+"/hangs"), context.Canceled)
	secure := httptest.NewTLSServer(mux)
	defer secure.Close()
	require.NoError(t, health.Ask(t.Context(), secure.URL+"/livez"))
	require.ErrorContains(t, health.Ask(t.Context(), "127.0.0.1:1/livez"), "health: ")
	server.Close()
	require.ErrorContains(t, health.Ask(t.Context(), server.URL+"/livez"), "no answer from "+server.URL)
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
