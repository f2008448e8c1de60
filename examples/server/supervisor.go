package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// supervisor runs the server in processes of their own, which share one port: it opens the port and
// they inherit it, so that nothing that connects meets a closed one while they come and go. There
// is one where WORKERS or MAX_REQUESTS ask for it.
type supervisor struct {
	c        config
	listener *os.File
	log      *slog.Logger
	out      io.Writer
	at       net.Addr

	serving atomic.Int64 // workers that are ready
	served  atomic.Bool  // one has been
}

const (
	// shortestPause and longestPause are between the death of a worker and its replacement; each
	// death soon after the one before doubles it.
	shortestPause = 100 * time.Millisecond
	longestPause  = 10 * time.Second
	// settledAfter is how long a worker lives before its death counts as the first.
	settledAfter = time.Minute
	// killAfter is longer than a worker takes to stop by itself.
	killAfter = lingerWait + finishWait + 3*closeWait
)

// supervise serves until ctx ends. Each SIGHUP replaces all workers, so that they run the program as it
// lies in its file then.
func supervise(ctx context.Context, c config, out io.Writer, log *slog.Logger) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	listener, err := bind("HOST", "PORT", c.address())
	if err != nil {
		return err
	}
	file, err := handOn(listener.TCPListener)
	if err != nil {
		return errors.Join(err, listener.TCPListener.Close())
	}
	defer func() { _ = errors.Join(file.Close(), listener.TCPListener.Close()) }() // nobody accepts any more
	if c.MetricsAddr != "" {
		for place := range c.Workers { // so that a wrong one is told now, and once
			probe, err := bind("METRICS_ADDR", "METRICS_ADDR", c.metricsAddress(place))
			if err != nil {
				return err
			}
			_ = probe.Close() // it has accepted nothing
		}
	}
	s := &supervisor{c: c, listener: file, log: log, out: out, at: listener.Addr()}

	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	replace := make([]chan struct{}, c.Workers)
	var places sync.WaitGroup
	for i := range replace {
		replace[i] = make(chan struct{}, 1)
		places.Go(func() {
			if err := s.tend(ctx, i, replace[i]); err != nil {
				fail(err)
			}
		})
	}
	places.Go(func() {
		for {
			select {
			case <-hangups:
				for _, r := range replace {
					select {
					case r <- struct{}{}:
					default: // it is to be replaced already
					}
				}
			case <-ctx.Done():
				return
			}
		}
	})
	places.Go(func() { // just before the workers close it
		<-ctx.Done()
		time.Sleep(c.DrainWait)
		shut(listener.TCPListener)
	})
	places.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// tend keeps one worker in a place until ctx ends. Its error is that of a worker which could not
// start at all, before any had served.
func (s *supervisor) tend(ctx context.Context, place int, replace <-chan struct{}) error {
	var retiring sync.WaitGroup
	defer retiring.Wait()
	current, err := s.spawn(place)
	if err != nil {
		return err
	}
	var next *worker // on its way to take the place
	defer func() {
		for _, w := range []*worker{current, next} {
			if w != nil {
				w.stop(syscall.SIGTERM)
			}
		}
	}()
	announced := false
	pause := shortestPause
	for {
		var nextReady, nextExited <-chan struct{}
		if next != nil {
			nextReady, nextExited = next.ready, next.exited
		}
		ready := current.ready
		if announced {
			ready = nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ready:
			announced = true
			if place == 0 {
				announce(s.out, s.c, s.at, current.keptIn)
			}
		case <-current.exited:
			if ctx.Err() != nil {
				current = nil
				return nil // told to stop as the supervisor was
			}
			if !s.served.Load() {
				return fmt.Errorf("worker %d ended before it could serve: %v", place+1, current.reason())
			}
			if time.Since(current.born) > settledAfter {
				pause = shortestPause
			}
			s.log.Error("a worker died and is replaced", "worker", place+1, "pid", current.pid(), "reason", current.reason(), "pause", pause)
			if next == nil {
				if !sleep(ctx, pause) {
					current = nil
					return nil
				}
				pause = min(2*pause, longestPause)
				if next, err = s.spawn(place); err != nil {
					current = nil
					return err
				}
			}
			current, next = next, nil
		case <-current.spent:
			current.spent = nil
			next, err = s.successor(place, next, "it has served its number of requests")
		case <-replace:
			next, err = s.successor(place, next, "SIGHUP")
		case <-nextReady:
			old := current
			current, next = next, nil
			s.log.Info("a worker took over", "worker", place+1, "pid", current.pid(), "from", old.pid())
			retiring.Go(old.retire)
		case <-nextExited:
			s.log.Error("a worker ended before it could take over; the one of before goes on", "worker", place+1, "reason", next.reason(), "pause", pause)
			next = nil
			if !sleep(ctx, pause) {
				return nil
			}
			pause = min(2*pause, longestPause)
			next, err = s.successor(place, next, "the one before it ended")
		}
		if err != nil {
			return err
		}
	}
}

// successor starts a worker that is to take a place, unless one is on its way.
func (s *supervisor) successor(place int, next *worker, why string) (*worker, error) {
	if next != nil {
		return next, nil
	}
	s.log.Info("a worker is to be replaced", "worker", place+1, "because", why)
	return s.spawn(place)
}

// worker is a process that serves.
type worker struct {
	cmd    *exec.Cmd
	born   time.Time
	orders *os.File      // ends with the supervisor, by which the worker knows
	ready  chan struct{} // closed when it serves
	spent  chan struct{} // closed when it wants to be replaced
	exited chan struct{}
	keptIn string // what it says about its database, once it is ready
}

// What a worker inherits behind the three standard files.
const (
	listenerFD = 3 + iota
	statusFD
	ordersFD
)

func (s *supervisor) spawn(place int) (*worker, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	statusRead, statusWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ordersRead, ordersWrite, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, statusRead.Close(), statusWrite.Close())
	}
	w := &worker{cmd: exec.Command(program), born: time.Now(), orders: ordersWrite,
		ready: make(chan struct{}), spent: make(chan struct{}), exited: make(chan struct{})}
	w.cmd.Env = append(os.Environ(), workerVariable+"="+strconv.Itoa(place+1))
	if place == 0 && s.serving.Load() == 0 { // one answers probes meanwhile; the others wait until they can serve
		w.cmd.Env = append(w.cmd.Env, firstVariable+"=1")
	}
	w.cmd.Stdout, w.cmd.Stderr = os.Stdout, os.Stderr
	w.cmd.ExtraFiles = []*os.File{s.listener, statusWrite, ordersRead}
	w.cmd.SysProcAttr = ownGroup() // a terminal's Ctrl-C is for the supervisor, which tells them
	err = w.cmd.Start()
	_ = errors.Join(statusWrite.Close(), ordersRead.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("a worker cannot be started: %w", err), statusRead.Close(), ordersWrite.Close())
	}
	spent := w.spent // which tend sets to nil
	go func() {
		lines := bufio.NewScanner(statusRead)
		for lines.Scan() {
			what, rest, _ := strings.Cut(lines.Text(), " ")
			switch what {
			case tellReady:
				w.keptIn = rest
				s.served.Store(true)
				s.serving.Add(1)
				defer s.serving.Add(-1)
				close(w.ready)
			case tellSpent:
				close(spent)
			}
		}
		_ = statusRead.Close()
		_ = w.cmd.Wait() // reason tells
		_ = ordersWrite.Close()
		close(w.exited)
	}()
	return w, nil
}

func (w *worker) pid() int { return w.cmd.Process.Pid }

// reason says how a process ended, such as "signal: killed".
func (w *worker) reason() string { return w.cmd.ProcessState.String() }

// retire lets the worker finish what is under way and waits for its end. Another one has its place,
// so it stays ready as long as it answers.
func (w *worker) retire() {
	_, _ = fmt.Fprintln(w.orders, orderRetire) // it may have ended by itself
	w.stop(nil)
}

// stop sends a signal, if one is given, and waits for the worker's end, which it brings about at last.
func (w *worker) stop(signal os.Signal) {
	if signal != nil {
		_ = w.cmd.Process.Signal(signal) // it may have ended by itself
	}
	timer := time.NewTimer(killAfter)
	defer timer.Stop()
	select {
	case <-w.exited:
	case <-timer.C:
		_ = w.cmd.Process.Kill()
		<-w.exited
	}
}

// sleep reports whether the time went by before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d + rand.N(d/2)):
		return true
	case <-ctx.Done():
		return false
	}
}
