package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMetricsOnTheAPIsPortNeedAKey(t *testing.T) {
	t.Parallel()
	p := start(t, "MODE=production", "API_KEYS=prometheus:read:"+key)
	require.Equal(t, 401, p.call(t, "GET", "/metrics", "").status)
	require.Equal(t, 401, p.call(t, "GET", "/metrics", "", "Authorization: Bearer "+key[1:]).status)
	require.Equal(t, 200, p.call(t, "GET", "/metrics", "", "Authorization: Bearer "+key).status)
	require.NotContains(t, p.stderr.String(), "/metrics", "scrapes are told at debug level")
	p.stop(t)
}

// Clients can make up paths and methods, and yet no series.
func TestMetricsHaveFewSeries(t *testing.T) {
	t.Parallel()
	p := start(t)
	id := p.stocked(t, 5)
	for i := range 50 {
		n := strconv.Itoa(i)
		p.call(t, "GET", "/"+n, "")
		p.call(t, "GET", "/v1/"+n, "")
		p.call(t, "GET", "/v1/products/"+n+"/", "")
		p.call(t, "GET", "//v1/"+n, "")
		p.call(t, "BREW"+n, "/v1/products", "")
	}
	require.Equal(t, 200, p.call(t, "GET", "/v1/products/"+id, "").status)
	text := p.call(t, "GET", "/metrics", "").body
	for _, series := range []string{
		`http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/v1/products/{id}",url_scheme="http"} 1`,
		`http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="201",http_route="/v1/products",url_scheme="http"} 1`,
		`http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="404",http_route="",url_scheme="http"} 50`,
		`http_server_active_requests{http_request_method="GET",url_scheme="http"} 1`,
		`http_server_active_requests{http_request_method="_OTHER",url_scheme="http"} 0`,
		`productkit_catalogue_calls_total{lane="writes"} 1`,
		`productkit_health_check_status{check="database"} 1`,
		`productkit_ready 1`,
		fmt.Sprintf(`go_sql_max_open_connections{db_name="productkit"} %d`, min(runtime.GOMAXPROCS(0)+3, 16)),
		`go_memory_used_bytes{go_memory_type="other"} `,
		`process_thread_count `,
		`process_resident_memory_bytes `,
		`go_build_info{`,
	} {
		require.Contains(t, text, "\n"+series)
	}
	require.Less(t, strings.Count(text, "http_server_request_duration_seconds_count{"), 12)
	p.stop(t)
}

// get reads what is there, if anybody is.
func get(t *testing.T, url string) (body string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	require.NoError(t, err)
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, b)
	}
	return string(b), err
}

// metricsAt is the address at which the log says that the metrics are.
func (p *process) metricsAt(t *testing.T) string {
	t.Helper()
	var found []string
	require.Eventually(t, func() bool {
		found = regexp.MustCompile(`http://(\S+)/metrics`).FindStringSubmatch(p.stderr.String())
		return found != nil
	}, time.Minute, time.Millisecond)
	return found[1]
}

func TestMetricsHaveAPortOfTheirOwn(t *testing.T) {
	t.Parallel()
	p := start(t, "MODE=production", "API_KEYS=shop:write:"+key, "METRICS_ADDR=127.0.0.1:0", "DRAIN_WAIT=0s")
	address := p.metricsAt(t)
	text, err := get(t, "http://"+address+"/metrics")
	require.NoError(t, err)
	require.Contains(t, text, "productkit_ready")
	require.Equal(t, 404, p.call(t, "GET", "/metrics", "", "X-API-Key: "+key).status)
	taken, _ := launch(t, "METRICS_ADDR="+address)
	require.Equal(t, 1, taken.exit(t))
	require.Contains(t, taken.stderr.String(), "METRICS_ADDR: "+address+" is in use")
	p.stop(t)
	_, err = get(t, "http://"+address+"/metrics")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}
