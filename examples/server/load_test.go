//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/examples/internal/strictload"
	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/internal/testscale"
)

// threads are those that the kernel sees.
func (p *process) threads(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	require.NoError(t, err)
	n, err := strconv.Atoi(regexp.MustCompile(`(?m)^Threads:\s+(\d+)$`).FindStringSubmatch(string(status))[1])
	require.NoError(t, err)
	return n
}

// observed is a number of the process in /health.
func (p *process) observed(t *testing.T, name string) float64 {
	t.Helper()
	var report struct {
		Checks map[string][]struct{ ObservedValue float64 }
	}
	r := p.call(t, "GET", "/health", "")
	require.NoError(t, json.Unmarshal([]byte(r.body), &report), r.body)
	require.Len(t, report.Checks[name], 1, r.body)
	return report.Checks[name][0].ObservedValue
}

// eachDatabase runs a test on servers that keep products in SQLite, MySQL and MariaDB.
func eachDatabase(t *testing.T, test func(t *testing.T, databaseURL string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "")
	})
	mysqltest.Each(t, func(t *testing.T, d *mysqltest.Database) { test(t, d.DSN()) })
}

// A thousand clients at once cost connections and goroutines, and no threads; what is more than
// MAX_WRITES is refused at once.
func TestThreadsStayFewUnderAThousandClients(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, databaseURL string) {
		p := start(t, "DATABASE_URL="+databaseURL, "MAX_WRITES=50", "LOG_LEVEL=WARN")
		id := p.stocked(t, 1_000_000)
		const clients = 1000
		get := "GET /v1/products/" + id + " HTTP/1.1\r\nHost: x\r\n\r\n"
		body := `{"delta":-1}`
		sell := fmt.Sprintf("POST /v1/products/%s/stock HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", id, len(body), body)
		var ok, refused, sold atomic.Int64
		var failed atomic.Value
		end := time.Now().Add(testscale.N(2*time.Second, 30*time.Second))
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() {
				c := &strictload.Client{Address: strings.TrimPrefix(p.url, "http://")}
				defer c.Close()
				for n := 0; time.Now().Before(end); n++ {
					request := get
					if i%10 == 0 {
						request = sell
					}
					status, err := c.RoundTrip(request)
					switch {
					case err == nil && status == 200 && request == sell:
						sold.Add(1)
					case err == nil && status == 200:
						ok.Add(1)
					case err == nil && status == 503:
						refused.Add(1)
					default:
						failed.Store(fmt.Errorf("%d: %w", status, err))
						return
					}
				}
			})
		}
		most := 0
		for time.Now().Before(end) {
			most = max(most, p.threads(t), int(p.observed(t, "process:threads")))
		}
		all.Wait()
		require.Nil(t, failed.Load())
		require.LessOrEqual(t, most, 20)
		require.NotZero(t, ok.Load())
		t.Logf("%d threads, %d reads, %d refused, %d sold", most, ok.Load(), refused.Load(), sold.Load())
		require.EqualValues(t, 1_000_000-sold.Load(), p.call(t, "GET", "/v1/products/"+id+"/stock", "").json(t)["available"])
		p.stop(t)
	})
}
