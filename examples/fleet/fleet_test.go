//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/examples/internal/environ"
	"github.com/productkit-go/productkit/examples/internal/strictload"
	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/internal/testscale"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(built{mysqltest.Main(m)}) }

// built removes the server after the tests.
type built struct{ goleak.TestingM }

func (b built) Run() int {
	defer func() { _ = os.RemoveAll(binDir) }()
	return b.TestingM.Run()
}

var binDir string

// server builds the instances' program, once.
var server = sync.OnceValues(func() (path string, err error) {
	if binDir, err = os.MkdirTemp("", "productkit-fleet-test-*"); err != nil {
		return "", err
	}
	path = filepath.Join(binDir, "server")
	if out, err := exec.Command("go", "build", "-o", path, "../server").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// buffer is a bytes.Buffer that may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// running is a fleet.
type running struct {
	address string // of its balancer
	hangups chan os.Signal
	stop    func()
	exited  chan int
	out     *buffer
	errOut  *buffer
}

// freePorts returns the first of so many ports that nothing listens on. They are below those that the
// system gives to outgoing connections, which would take them while an instance is away.
func freePorts(t *testing.T, n int) int {
	t.Helper()
	for {
		first := 10000 + rand.IntN(10000)
		free := true
		for i := range n {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(first+i)))
			if free = free && err == nil; err == nil {
				require.NoError(t, l.Close())
			}
		}
		if free {
			return first
		}
	}
}

// start runs the program until its balancer serves.
func start(t *testing.T, balancer string, vars environ.Vars, args ...string) *running {
	t.Helper()
	if _, err := exec.LookPath(balancer); err != nil {
		t.Skipf("there is no %s: install Debian's package of this name", balancer)
	}
	path, err := server()
	require.NoError(t, err)
	port := freePorts(t, 4)
	vars["HOME"], vars["PATH"] = t.TempDir(), os.Getenv("PATH")
	ctx, stop := context.WithCancel(t.Context())
	r := &running{address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), hangups: make(chan os.Signal, 1), stop: stop, exited: make(chan int, 1), out: &buffer{}, errOut: &buffer{}}
	go func() {
		args := append(args, "-balancer", balancer, "-listen", r.address, "-port", strconv.Itoa(port+1), "-server", path)
		r.exited <- run(ctx, args, vars, r.hangups, r.out, r.errOut)
	}()
	t.Cleanup(func() {
		stop()
		require.Zero(t, <-r.exited, "%s", r.errOut)
	})
	r.until(t, func() bool { return strings.Contains(r.out.String(), "listens on") })
	return r
}

func (r *running) until(t *testing.T, done func() bool) {
	t.Helper()
	require.Eventually(t, done, testscale.N(2*time.Minute, 30*time.Minute), 20*time.Millisecond, "%s", r.errOut)
}

// call sends one request and returns what is in the answer's JSON.
func (r *running) call(t *testing.T, method, path, body string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.address+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Less(t, res.StatusCode, 300, "%s", text)
	var v map[string]any
	require.NoError(t, json.Unmarshal(text, &v))
	return v
}

func TestAllInstancesAreRestartedWithoutLosingARequest(t *testing.T) {
	t.Parallel()
	for _, b := range balancers {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			vars := environ.Vars{"DATABASE_URL": mysqltest.New(t).DSN(), "POOL_MAX_CONNS": "3", "POOL_MAX_OVERFLOW": "-1", "DRAIN_WAIT": "1s"}
			var args []string
			asks := b.name == "haproxy"
			if asks { // and is not told
				args = []string{"-restart-every", "1s"}
			}
			r := start(t, b.name, vars, args...)
			const stock = 1_000_000
			id := r.call(t, "POST", "/v1/products", fmt.Sprintf(`{"sku":"TEE","name":"T-shirt","price":{"amount":1999,"currency":"EUR"},"stock":%d}`, stock))["id"].(string)
			load := strictload.Start(r.address, id, testscale.N(10*time.Millisecond, 0))
			rounds := testscale.N(1, 10)
			for round := range rounds {
				if !asks {
					r.hangups <- syscall.SIGHUP
				}
				r.until(t, func() bool { return strings.Count(r.errOut.String(), "restarted all") > round })
			}
			answered, sold, failed := load.Stop()
			require.Empty(t, failed, "%s", r.errOut)
			if asks { // it has seen readiness turn red before it met a closed port
				require.Contains(t, r.errOut.String(), "is DOWN, reason: Layer7 wrong status, code: 503")
			}
			require.EqualValues(t, stock-sold, r.call(t, "GET", "/v1/products/"+id+"/stock", "")["available"])
			t.Logf("%s: %d restarts, %d requests of clients that repeat nothing, 0 failed", b.name, 3*rounds, answered)
		})
	}
}

// What a balancer must not change: bodies of any size, and streams that are seen while they go on.
func TestABalancerPassesBodiesAndStreams(t *testing.T) {
	t.Parallel()
	for _, b := range balancers {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, b.name, environ.Vars{"DATA_DIR": t.TempDir(), "DRAIN_WAIT": "0s"})
			body, upload := io.Pipe()
			req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+r.address+"/v1/import?format=ndjson&dry_run=true", body)
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/x-ndjson")
			told := make(chan string, 1)
			go func() {
				res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
				if err != nil {
					told <- err.Error()
					return
				}
				defer func() { _ = res.Body.Close() }()
				first := make([]byte, 1000)
				n, _ := res.Body.Read(first)
				told <- string(first[:n])
				rest, _ := io.ReadAll(res.Body)
				told <- string(rest)
			}()
			line := `{"sku":"TEE","name":"` + strings.Repeat("x", 200) + `","price":{"amount":1999,"currency":"EUR"}}` + "\n"
			_, err = io.WriteString(upload, strings.Repeat(line, 10_000)) // more than nginx takes by itself
			require.NoError(t, err)
			require.Contains(t, <-told, `"event":"refused"`, "while the upload goes on")
			require.NoError(t, upload.Close())
			require.Contains(t, <-told, `"complete":true`)

			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, err = http.NewRequestWithContext(ctx, "GET", "http://"+r.address+"/v1/changes", nil)
			require.NoError(t, err)
			req.Header.Set("Accept", "text/event-stream")
			res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
			require.NoError(t, err)
			defer func() { _ = res.Body.Close() }()
			r.call(t, "POST", "/v1/products", `{"sku":"CAP","name":"Cap","price":{"amount":999,"currency":"EUR"}}`)
			var seen string
			for event := make([]byte, 1000); !strings.Contains(seen, "CAP"); {
				n, err := res.Body.Read(event)
				require.NoError(t, err)
				seen += string(event[:n])
			}
		})
	}
}

func TestAnInstanceThatDiesIsStartedAgain(t *testing.T) {
	t.Parallel()
	r := start(t, "haproxy", environ.Vars{"DATA_DIR": t.TempDir(), "DRAIN_WAIT": "0s"})
	instance := regexp.MustCompile(`(\S+) \(PID (\d+)\)`).FindStringSubmatch(r.out.String())
	require.NotNil(t, instance, r.out)
	pid, err := strconv.Atoi(instance[2])
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	r.until(t, func() bool { return strings.Contains(r.errOut.String(), instance[1]+" died (signal: killed)") })
	r.until(t, func() bool { return health.Ask(t.Context(), "http://"+instance[1]+"/readyz") == nil })
}

func TestAFleetThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	dsn := mysqltest.New(t).DSN()
	for says, vars := range map[string]environ.Vars{
		"3 processes (3 and 0 more while deploying) × 311 connections (MaxConns + MaxOverflow + 1) = 933": {"POOL_MAX_CONNS": "300"},
		// Workers share the connections, and overlap while one is replaced.
		"12 processes (6 and 6 more while deploying) × 156 connections (MaxConns + MaxOverflow + 1) = 1872": {"POOL_MAX_CONNS": "300", "WORKERS": "2", "MAX_REQUESTS": "1000"},
	} {
		var out, errOut buffer
		vars["DATABASE_URL"] = dsn
		require.Equal(t, exitWrong, run(t.Context(), []string{"-server", "/nowhere"}, vars, nil, &out, &errOut))
		require.Contains(t, errOut.String(), says)
		require.Contains(t, errOut.String(), "raise max_connections to")
		require.Empty(t, out.String())
	}
}

func TestADatabaseThatIsDownMayComeLater(t *testing.T) {
	t.Parallel()
	vars := environ.Vars{"DATABASE_URL": fmt.Sprintf("mysql://shop@127.0.0.1:%d/shop", freePorts(t, 1))}
	require.ErrorIs(t, checkBudget(t.Context(), vars, 3), errUnknown)
	vars = environ.Vars{"DATA_DIR": t.TempDir()}
	require.NoError(t, checkBudget(t.Context(), vars, 3), "SQLite has no such limit")
}

func TestWrongFlagsAndVariablesAreNamed(t *testing.T) {
	t.Parallel()
	for says, c := range map[string]struct {
		args []string
		vars environ.Vars
	}{
		"nginx or haproxy": {[]string{"-balancer", "apache"}, nil},
		"-instances":       {[]string{"-instances", "0"}, nil},
		"at most 65535":    {[]string{"-port", "65534"}, nil},
		"no flag":          {[]string{"three"}, nil},
		"POOL_MAX_CONNS":   {nil, environ.Vars{"DATABASE_URL": "mysql://u@h/db", "POOL_MAX_CONNS": "many"}},
		"WORKERS":          {nil, environ.Vars{"DATABASE_URL": "mysql://u@h/db", "WORKERS": "many"}},
	} {
		var out, errOut buffer
		require.Equal(t, exitUsage, run(t.Context(), c.args, c.vars, nil, &out, &errOut))
		require.Contains(t, errOut.String(), says)
	}
}
