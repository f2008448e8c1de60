package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/productkit-go/productkit/health"
)

// process is a child that runs until it is told to stop.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// startProcess runs a command with these variables; nil means this process's. What it says about
// errors goes to errOut.
func startProcess(command, vars []string, errOut io.Writer) (*process, error) {
	p := &process{cmd: exec.Command(command[0], command[1:]...), exited: make(chan struct{})}
	p.cmd.Env = vars
	p.cmd.Stderr = errOut
	p.cmd.SysProcAttr = ofItsOwn()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // reason tells
		close(p.exited)
	}()
	return p, nil
}

// reason says how the process ended, such as "signal: killed".
func (p *process) reason() string { return p.cmd.ProcessState.String() }

// killAfter is longer than an instance takes to stop by itself.
const killAfter = time.Minute

// stop sends a signal and waits for the end, which it brings about at last.
func (p *process) stop(signal os.Signal) {
	_ = p.cmd.Process.Signal(signal) // it may have ended by itself
	timer := time.NewTimer(killAfter)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// readyWithin is much for a start, and not for a database that must be waited for.
const readyWithin = time.Minute

// ready waits until what listens on the address says that it is.
func (p *process) ready(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("%s is not ready after %v", address, readyWithin))
	defer cancel()
	for {
		last := health.Ask(ctx, "http://"+address+"/readyz")
		if last == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("what was to listen on %s ended: %s", address, p.reason())
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), last)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
