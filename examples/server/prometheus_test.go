package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

const rules = "../fleet/prometheus/alerts.yml"

func TestPrometheusFindsWhatTheDashboardAndTheAlertsAskFor(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Skip("there is no prometheus; CI has Debian's")
	}
	p := start(t, "DATABASE_URL="+mysqltest.New(t).DSN(), "METRICS_ADDR=127.0.0.1:0", "MAX_WRITES=1")
	api := startPrometheus(t, p.metricsAt(t))
	defer shop(t, p)()

	var alerts struct {
		Groups []struct {
			Rules []struct{ Name, Query string }
		}
	}
	api.data(t, "/api/v1/rules", &alerts)
	require.Len(t, alerts.Groups, 1)
	asked := map[string]string{}
	for _, r := range alerts.Groups[0].Rules {
		asked[r.Name] = comparison.ReplaceAllString(r.Query, "")
		require.NotEqual(t, r.Query, asked[r.Name], "it compares with a number")
	}
	for title, expr := range panels(t) {
		asked[title] = strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*").Replace(expr)
	}
	require.Greater(t, len(asked), 50)

	deadline := time.Now().Add(time.Minute)
	for name, expr := range asked {
		for !api.has(t, expr) {
			require.True(t, time.Now().Before(deadline), "%s finds nothing: %s", name, expr)
			time.Sleep(200 * time.Millisecond)
		}
	}
}

// What is well raises no alert, and what is wrong each its own.
func TestTheAlertsAreRaisedByWhatIsWrongOnly(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("there is no promtool; CI has Debian's")
	}
	for _, args := range [][]string{{"check", "config", "prometheus.yml"}, {"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = filepath.Dir(rules)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%v: %s", args, out)
	}
}

// comparison is how an alert's expression ends.
var comparison = regexp.MustCompile(` (==|>) [0-9.]+$`)

// panels returns the expressions of the dashboard by panel.
func panels(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../fleet/grafana/dashboard.json")
	require.NoError(t, err)
	var board struct {
		Panels []struct {
			ID          int
			Type, Title string
			Targets     []struct{ RefID, Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &board))
	found := map[string]string{}
	for i, p := range board.Panels {
		require.Equal(t, i+1, p.ID, p.Title)
		require.Equal(t, p.Type == "row", len(p.Targets) == 0, p.Title)
		for _, q := range p.Targets {
			require.Contains(t, q.Expr, `job="productkit"`)
			found[p.Title+" "+q.RefID] = q.Expr
		}
	}
	return found
}

// startPrometheus runs it with our configuration, but for whom it asks, and how often.
func startPrometheus(t *testing.T, instance string) *process {
	t.Helper()
	config, err := os.ReadFile("../fleet/prometheus/prometheus.yml")
	require.NoError(t, err)
	alerts, err := filepath.Abs(rules)
	require.NoError(t, err)
	text := strings.NewReplacer(`"127.0.0.1:8001", "127.0.0.1:8002", "127.0.0.1:8003"`, instance, "15s", "200ms", "alerts.yml", alerts).Replace(string(config))
	require.Contains(t, text, "["+instance+"]")
	dir, address := t.TempDir(), nobody(t)
	file := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	cmd := exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=error")
	var log buffer
	cmd.Stderr = &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		_, err := get(t, "http://"+address+"/-/ready")
		return err == nil
	}, time.Minute, 20*time.Millisecond, "%s", &log)
	return &process{url: "http://" + address}
}

// data asks Prometheus' API.
func (p *process) data(t *testing.T, path string, into any) {
	t.Helper()
	r := p.call(t, "GET", path, "")
	require.Equal(t, 200, r.status, r.body)
	require.NoError(t, json.Unmarshal([]byte(r.body), &struct{ Data any }{into}))
}

// has reports whether Prometheus' answer to a query is not empty.
func (p *process) has(t *testing.T, expr string) bool {
	t.Helper()
	var found struct{ Result []any }
	p.data(t, "/api/v1/query?query="+url.QueryEscape(expr), &found)
	return len(found.Result) > 0
}

// shop keeps the server busy, with more writers than it takes, until the function is called.
func shop(t *testing.T, p *process) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	ask := func(method, path, body string) {
		req, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
		if err != nil {
			panic(err) // it is well formed
		}
		req.Header.Set("Content-Type", "application/json")
		if res, err := client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	}
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for n := 0; sleep(ctx, 50*time.Millisecond); n++ {
				sku := fmt.Sprintf("TEE-%d-%d", i, n)
				ask("POST", "/v1/products", strings.Replace(tee, "TEE", sku, 1))
				ask("GET", "/v1/skus/"+sku, "")
				ask("GET", "/v1/products?limit=2", "")
			}
		})
	}
	return func() {
		cancel()
		clients.Wait()
		client.CloseIdleConnections()
	}
}
