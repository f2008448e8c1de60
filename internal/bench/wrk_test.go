package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
)

// loaded is what one run of wrk found.
type loaded struct {
	rate float64 // requests a second
	p99  float64 // ms
}

// load runs wrk for a slice. An answer that is no success fails it, and so do more connections to MySQL
// than there may be.
func (l *lab) load(c contender, script string, clients int) loaded {
	l.Helper()
	file := filepath.Join(l.TempDir(), "request.lua")
	now := time.Now().UnixNano()
	var prepare strings.Builder
	for table, lines := range prepared {
		if strings.Contains(script, table+"[") {
			fmt.Fprintf(&prepare, "%s = {}; %s; ", table, lines)
		}
	}
	require.NoError(l, os.WriteFile(file, fmt.Appendf(nil, `math.randomseed(%d)
lines = function(file) local all = {}; if file ~= "" then for line in io.lines(file) do all[#all + 1] = line end end; return all end
ids = lines(%q); pages = lines(%q); json = {["Content-Type"] = "application/json"}; n = 0; run = "%s-%d"
init = function() %s end
request = function() %s end
`, now, c.ids, c.pages, c.name, now, &prepare, script), 0o600))
	defer l.watch(c)()
	wrk := exec.CommandContext(l.Context(), "wrk", "-t", "1", "-c", strconv.Itoa(clients), "-d", "60s", "--latency", "-s", file, c.url)
	var out strings.Builder
	wrk.Stdout, wrk.Stderr = &out, &out
	require.NoError(l, wrk.Start())
	// It counts whole seconds; interrupted, it tells what it has found so far. Before it begins it would die.
	require.Eventually(l, func() bool { return catchesInterrupt(wrk.Process.Pid) }, 10*time.Second, 5*time.Millisecond, "wrk does not begin")
	time.Sleep(*slice)
	require.NoError(l, wrk.Process.Signal(os.Interrupt))
	require.NoError(l, wrk.Wait(), &out)
	require.NotContains(l, out.String(), "Non-2xx", c.name)
	require.NotContains(l, out.String(), "Socket errors", c.name)
	rate, err := strconv.ParseFloat(l.found(out.String(), `Requests/sec:\s+(\S+)`), 64)
	require.NoError(l, err)
	p99, err := time.ParseDuration(l.found(out.String(), `\s99%\s+(\S+)`))
	require.NoError(l, err)
	return loaded{rate, float64(p99) / 1e6}
}

// catchesInterrupt looks SIGINT up in the mask of signals that a process catches (proc_pid_status(5)).
func catchesInterrupt(pid int) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, mask, _ := strings.Cut(string(text), "SigCgt:\t")
	mask, _, _ = strings.Cut(mask, "\n")
	n, _ := strconv.ParseUint(mask, 16, 64)
	return n&(1<<(syscall.SIGINT-1)) != 0
}

func (l *lab) found(out, pattern string) string {
	l.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(out)
	require.NotNil(l, m, out)
	return m[1]
}

// watch looks at the process list of MySQL until the end of what it returns, which fails if the
// contender has had more connections than it may have.
func (l *lab) watch(c contender) (end func()) {
	l.Helper()
	if c.db == nil {
		return func() {}
	}
	admin := c.db.Admin()
	watching, done := context.WithCancel(l.Context())
	most := make(chan int)
	go func() {
		seen := 0
		for watching.Err() == nil {
			var n int
			_ = admin.QueryRowContext(watching, "SELECT COUNT(*) FROM information_schema.processlist WHERE user = ?", c.user).Scan(&n)
			seen = max(seen, n)
			time.Sleep(50 * time.Millisecond) // between two looks
		}
		most <- seen
	}()
	return func() {
		done()
		require.LessOrEqual(l, <-most, c.connections, "connections of %s", c.name)
	}
}
