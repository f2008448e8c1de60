//go:build linux

package main

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/productkit-go/productkit/examples/internal/strictload"
	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/internal/testscale"
)

// until waits for so many lines of the log.
func (p *process) until(t *testing.T, says string, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Count(p.stderr.String(), says) >= n }, testscale.N(time.Minute, 10*time.Minute), 5*time.Millisecond, "%s\n%s", says, p.stderr)
}

// workers are the PIDs of the server's processes.
func (p *process) workers(t *testing.T) (pids []int) {
	t.Helper()
	pid := strconv.Itoa(p.cmd.Process.Pid)
	tasks, err := os.ReadDir("/proc/" + pid + "/task")
	require.NoError(t, err)
	for _, task := range tasks { // a child is its thread's
		children, err := os.ReadFile("/proc/" + pid + "/task/" + task.Name() + "/children")
		require.NoError(t, err)
		for _, child := range strings.Fields(string(children)) {
			n, err := strconv.Atoi(child)
			require.NoError(t, err)
			pids = append(pids, n)
		}
	}
	return pids
}

// On MySQL, because processes that share a file of SQLite ask for its lock again and again, in no order: on a
// busy machine one can wait for a second, after which a write is refused.
func TestWorkersAreReplacedWithoutLosingARequest(t *testing.T) {
	t.Parallel()
	p := start(t, "DATABASE_URL="+mysqltest.New(t).DSN(), "WORKERS=2", "MAX_REQUESTS=300", "MAX_REQUESTS_JITTER=100", "LOG_LEVEL=INFO")
	const stock = 1_000_000
	id := p.stocked(t, stock)
	l := strictload.Start(strings.TrimPrefix(p.url, "http://"), id, 0)
	p.until(t, "a worker took over", testscale.N(4, 50))
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	p.until(t, "because=SIGHUP", 1)
	p.until(t, "a worker took over", strings.Count(p.stderr.String(), "a worker took over")+2)
	_, sold, failed := l.Stop()
	require.Empty(t, failed)
	left := p.call(t, "GET", "/v1/products/"+id+"/stock", "").json(t)["available"]
	require.EqualValues(t, stock-sold, left)
	require.Equal(t, 1, strings.Count(p.banner, "listens on"))
	p.stop(t)
}

func TestAWorkerThatDiesIsReplaced(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKERS=2")
	require.Contains(t, p.call(t, "GET", "/metrics", "").body, "Set METRICS_ADDR")
	id := p.stocked(t, 5)
	require.Eventually(t, func() bool { return len(p.workers(t)) == 2 }, 10*time.Second, 5*time.Millisecond)
	first := p.workers(t)
	require.NoError(t, syscall.Kill(first[0], syscall.SIGKILL))
	p.until(t, "reason=\"signal: killed\"", 1)
	require.Eventually(t, func() bool {
		now := p.workers(t)
		return len(now) == 2 && now[0] != first[0] && now[1] != first[0]
	}, 20*time.Second, 5*time.Millisecond)
	for range 20 {
		require.Equal(t, 200, p.call(t, "GET", "/v1/products/"+id, "").status)
	}
	p.stop(t)
}

func TestWorkersEndWithTheirSupervisor(t *testing.T) {
	t.Parallel()
	p := start(t, "MAX_REQUESTS=1000000", "DRAIN_WAIT=0s")
	workers := p.workers(t)
	require.Len(t, workers, 1)
	require.NoError(t, p.cmd.Process.Kill())
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil && syscall.Kill(workers[0], 0) != nil
	}, 20*time.Second, 10*time.Millisecond)
}

// What every worker would die of ends the server with the reason.
func TestWorkersThatCannotStartEndTheServer(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/notes.db"
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("not a database ", 100)), 0o600))
	p, _ := launch(t, "WORKERS=2", "DATABASE_URL=sqlite:///"+file)
	require.Equal(t, 1, p.exit(t))
	require.Contains(t, p.stderr.String(), "cannot be used")
	require.Contains(t, p.stderr.String(), "ended before it could serve")
}

func TestWorkersShareTheConnections(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"DATABASE_URL": "mysql://shop@h/shop", "WORKERS": "2", "POOL_MIN_CONNS": "4"}
	c, err := loadConfig(vars)
	require.NoError(t, err)
	require.Equal(t, []int{2, 2, 5}, []int{c.database.Pool.MinConns, c.database.Pool.MaxConns, c.database.Pool.MaxOverflow})
	vars["WORKERS"], vars["POOL_MAX_OVERFLOW"] = "3", "2"
	c, err = loadConfig(vars)
	require.NoError(t, err)
	require.Equal(t, []int{1, 1, -1}, []int{c.database.Pool.MinConns, c.database.Pool.MaxConns, c.database.Pool.MaxOverflow})
	vars["WORKERS"] = "6"
	_, err = loadConfig(vars)
	require.ErrorContains(t, err, "WORKERS is 6 and POOL_MAX_CONNS is 5")
}

// A new program in the file of the old takes over with SIGHUP.
func TestAnUpgradeTakesOverWithSIGHUP(t *testing.T) {
	t.Parallel()
	built, err := program()
	require.NoError(t, err)
	binary, err := os.ReadFile(built)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "server")
	install := func() os.FileInfo {
		require.NoError(t, os.WriteFile(path+".new", binary, 0o700))
		require.NoError(t, os.Rename(path+".new", path))
		info, err := os.Stat(path)
		require.NoError(t, err)
		return info
	}
	var p *process
	allRun := func(program os.FileInfo) bool {
		for _, pid := range p.workers(t) {
			info, err := os.Stat("/proc/" + strconv.Itoa(pid) + "/exe")
			if err != nil || !os.SameFile(program, info) {
				return false // an old one, or one that has just gone
			}
		}
		return true
	}
	old := install()
	p = launching{path: path}.start(t, "MAX_REQUESTS=1000000", "DATABASE_URL="+mysqltest.NewOn(t, mysqltest.MySQL).DSN())
	id := p.stocked(t, 1_000_000)
	require.True(t, allRun(old))
	l := strictload.Start(strings.TrimPrefix(p.url, "http://"), id, 0)
	upgrade := install()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	p.until(t, "a worker took over", 1)
	require.Eventually(t, func() bool { return allRun(upgrade) }, 30*time.Second, 10*time.Millisecond)
	_, _, failed := l.Stop()
	require.Empty(t, failed)
	p.stop(t)
}

// Each worker has numbers, and so a port, of its own, and whoever takes its place has the same at once.
func TestWorkersShowTheirMetricsInTheirPlaces(t *testing.T) {
	t.Parallel()
	addresses := neighbours(t)
	p := start(t, "WORKERS=2", "METRICS_ADDR="+addresses[0])
	started := regexp.MustCompile(`(?m)^process_start_time_seconds .*`)
	born := func() (times [2]string) {
		for i, address := range addresses {
			require.Eventually(t, func() bool {
				text, err := get(t, "http://"+address+"/metrics")
				times[i] = started.FindString(text)
				return err == nil
			}, 20*time.Second, 10*time.Millisecond)
		}
		return times
	}
	before := born()
	upload, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://")) // which stalls, and so holds its worker up
	require.NoError(t, err)
	defer func() { _ = upload.Close() }()
	_, err = io.WriteString(upload, "POST /v1/import?format=shopify&currency=CAD HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nHandle,")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		active := ""
		for _, address := range addresses {
			text, err := get(t, "http://"+address+"/metrics")
			require.NoError(t, err)
			active += text
		}
		return strings.Contains(active, `http_server_active_requests{http_request_method="POST",url_scheme="http"} 1`)
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool {
		after := born()
		return after[0] != before[0] && after[1] != before[1]
	}, time.Minute, 10*time.Millisecond)
	require.Greater(t, len(p.workers(t)), 2)
	require.NoError(t, upload.Close())
	require.Equal(t, 404, p.call(t, "GET", "/metrics", "").status)
	p.stop(t)
	require.NotContains(t, p.stderr.String(), "still in use")

	_, port, err := net.SplitHostPort(addresses[1])
	require.NoError(t, err)
	clash, _ := launch(t, "WORKERS=2", "PORT="+port, "METRICS_ADDR="+addresses[0])
	require.Equal(t, 1, clash.exit(t))
	require.Contains(t, clash.stderr.String(), "METRICS_ADDR: "+addresses[1]+" is in use")
}

// neighbours are two free ports in a row, below those that the system gives away.
func neighbours(t *testing.T) (addresses [2]string) {
	t.Helper()
	for {
		free, port := true, 20_000+rand.N(10_000)
		for i := range addresses {
			addresses[i] = "127.0.0.1:" + strconv.Itoa(port+i)
			l, err := net.Listen("tcp", addresses[i])
			if free = free && err == nil; err == nil {
				require.NoError(t, l.Close())
			}
		}
		if free {
			return addresses
		}
	}
}

// Handing the port to one worker more leaves it as it is for the others: one that blocks cannot be closed.
func TestThePortIsHandedOnWithoutBlocking(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	file, err := handOn(listener.(*net.TCPListener))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	accepted := make(chan error, 1)
	go func() {
		_, err := listener.Accept()
		accepted <- err
	}()
	child := exec.Command("true")
	child.ExtraFiles = []*os.File{file}
	require.NoError(t, child.Run())
	flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
	require.NoError(t, err)
	require.NotZero(t, flags&unix.O_NONBLOCK)
	require.NoError(t, listener.Close())
	require.ErrorIs(t, <-accepted, net.ErrClosed)
}
