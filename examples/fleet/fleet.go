package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/productkit-go/productkit/examples/internal/environ"
)

// fleet is instances of a server behind a balancer.
type fleet struct {
	server    string // the program
	balancer  balancer
	listen    string
	addresses []string // of the instances
	vars      environ.Vars
	errOut    io.Writer

	instances []*process
	front     *process
}

// run starts everything, the balancer last, so that it finds instances. It restarts one instance after
// the other whenever one of the channels says so, and stops everything in reverse when ctx ends.
func (f *fleet) run(ctx context.Context, up func(), hangup <-chan os.Signal, every <-chan time.Time) error {
	dir, err := os.MkdirTemp("", "productkit-fleet-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o711); err != nil { // root's nginx has workers of another user
		return err
	}
	defer f.stop()
	f.instances = make([]*process, len(f.addresses))
	for i := range f.instances {
		if err := f.start(i); err != nil {
			return err
		}
	}
	for i, p := range f.instances {
		if err := p.ready(ctx, f.addresses[i]); err != nil {
			return err
		}
	}
	if f.front, err = f.balancer.start(dir, f.listen, f.addresses, f.errOut); err != nil {
		return fmt.Errorf("%w; it is Debian's package %s", err, f.balancer.name)
	}
	if err := f.front.ready(ctx, f.listen); err != nil {
		return err
	}
	up()
	watch := time.NewTicker(time.Second)
	defer watch.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-f.front.exited:
			return fmt.Errorf("%s ended: %s", f.balancer.name, f.front.reason())
		case <-watch.C:
			err = f.revive()
		case <-hangup:
			err = f.roll(ctx)
		case <-every:
			err = f.roll(ctx)
		}
		if err != nil && ctx.Err() == nil {
			f.say("%v", err)
		}
	}
}

func (f *fleet) say(format string, args ...any) {
	_, _ = fmt.Fprintf(f.errOut, "fleet: "+format+"\n", args...)
}

// start runs an instance. TLS ends at the balancer, and one address for metrics is not enough for all.
func (f *fleet) start(i int) (err error) {
	host, port, err := net.SplitHostPort(f.addresses[i])
	if err != nil {
		return err
	}
	vars := []string{"LOG_LEVEL=WARN"} // or each request would be two lines
	for name, value := range f.vars {
		vars = append(vars, name+"="+value)
	}
	vars = append(vars, "HOST="+host, "PORT="+port, "TLS_CERT_FILE=", "TLS_KEY_FILE=", "METRICS_ADDR=")
	f.instances[i], err = startProcess([]string{f.server}, vars, f.errOut)
	return err
}

// revive starts what has ended by itself.
func (f *fleet) revive() error {
	for i, p := range f.instances {
		select {
		case <-p.exited:
			f.say("the instance on %s died (%s) and is started again", f.addresses[i], p.reason())
			if err := f.start(i); err != nil {
				return err
			}
		default:
		}
	}
	return nil
}

// roll restarts one instance after the other. It goes no further where one does not become ready.
func (f *fleet) roll(ctx context.Context) error {
	for i, address := range f.addresses {
		f.instances[i].stop(syscall.SIGTERM)
		if err := f.start(i); err != nil {
			return err
		}
		if err := f.instances[i].ready(ctx, address); err != nil {
			return fmt.Errorf("the rolling restart ends here: %w", err)
		}
		select {
		case <-time.After(f.balancer.notices):
		case <-ctx.Done():
			return nil
		}
		f.say("restarted %s", address)
	}
	f.say("restarted all")
	return nil
}

// stop ends all that runs, first what sends requests.
func (f *fleet) stop() {
	if f.front != nil {
		f.front.stop(f.balancer.quit)
	}
	for _, p := range f.instances {
		if p != nil {
			_ = p.cmd.Process.Signal(syscall.SIGTERM) // all at once: nobody sends requests
		}
	}
	for _, p := range f.instances {
		if p != nil {
			p.stop(syscall.Signal(0))
		}
	}
}
