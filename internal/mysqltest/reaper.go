package mysqltest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"time"
)

// reaperVariable set to "1" makes a program that imports this package the reaper of the process
// that started it.
const reaperVariable = "PRODUCTKIT_MYSQLTEST_REAPER"

// init, because the program's own main, a test binary's, cannot be asked to do this.
func init() {
	if os.Getenv(reaperVariable) == "1" {
		reap(os.Stdin)
		os.Exit(0)
	}
}

// kind says how a resource is removed, and the order of the kinds is the order of removal.
type kind int

const (
	kindProcess   kind = iota // ID is the process number
	kindContainer             // ID is its name or Docker's ID
	kindDatabase              // ID is the name, DSN the server's
	kindFolder                // ID is the path
)

// resource is something that must not outlive this process.
type resource struct {
	Kind kind
	ID   string
	DSN  string `json:",omitempty"`
}

// message is a line of the pipe to the reaper.
type message struct {
	Resource resource
	Gone     bool
}

// reaper is this process's end of the pipe.
var reaper reaperPipe

type reaperPipe struct {
	mu   sync.Mutex
	pipe io.Writer
}

// add has the reaper remove r if this process ends without [reaperPipe.remove].
func (p *reaperPipe) add(r resource) { p.send(message{Resource: r}) }

// remove tells the reaper that r is gone.
func (p *reaperPipe) remove(r resource) { p.send(message{Resource: r, Gone: true}) }

func (p *reaperPipe) send(m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pipe == nil {
		pipe, err := startReaper()
		if err != nil {
			// Tests still clean up after themselves; only a crash would leave something.
			fmt.Fprintf(os.Stderr, "mysqltest: no reaper, a crash will leave servers behind: %v\n", err)
			pipe = io.Discard
		}
		p.pipe = pipe
	}
	_ = json.NewEncoder(p.pipe).Encode(m)
}

func startReaper() (io.Writer, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), reaperVariable+"=1")
	detach(cmd)
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	cmd.Stdin = read
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, err
	}
	return write, cmd.Process.Release() // nobody waits for it: it outlives this process
}

// reap collects the messages until the other process is gone and removes what it left.
func reap(pipe io.Reader) {
	var left []resource
	messages := json.NewDecoder(pipe)
	for {
		var m message
		if messages.Decode(&m) != nil {
			break
		}
		left = slices.DeleteFunc(left, func(r resource) bool { return r == m.Resource })
		if !m.Gone {
			left = append(left, m.Resource)
		}
	}
	slices.SortStableFunc(left, func(a, b resource) int { return int(a.Kind) - int(b.Kind) })
	for _, r := range left {
		r.remove()
	}
}

// remove has nobody to report a failure to.
func (r resource) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	switch r.Kind {
	case kindProcess:
		pid, err := strconv.Atoi(r.ID)
		if err != nil {
			return
		}
		process, err := os.FindProcess(pid)
		if err != nil {
			return
		}
		_ = process.Kill()
		wait(ctx, func() bool { return !alive(pid) })
	case kindContainer:
		if pool, err := connectDocker(ctx); err == nil {
			_ = removeContainer(ctx, pool.Client, r.ID)
		}
	case kindDatabase:
		if db, err := sql.Open("mysql", r.DSN); err == nil {
			_ = dropDatabase(ctx, db, r.ID)
			_ = db.Close()
		}
	case kindFolder:
		_ = os.RemoveAll(r.ID)
	}
}

// wait polls until done says so or ctx ends.
func wait(ctx context.Context, done func() bool) {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for !done() {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return
		}
	}
}
