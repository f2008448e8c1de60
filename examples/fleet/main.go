// Command fleet starts several instances of examples/server behind nginx or HAProxy on this machine,
// and restarts them one after the other without losing a request.
//
//	go run ./examples/fleet [-balancer haproxy] [-instances 3]
//
// The instances read the same variables as the server, so DATABASE_URL says what they share; without
// it that is a file of SQLite. Before anything starts, it is checked that the connections of all
// instances fit into what the database's server allows. SIGHUP restarts all in turn, by what lies in
// the program's file then; an instance that dies is started again. Ctrl-C stops everything.
//
// It exits with 2 if a flag or variable is wrong, and with 1 if anything else is. The balancers'
// configurations lie beside it: nginx.conf.tmpl and haproxy.cfg.tmpl.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/productkit-go/productkit/examples/internal/environ"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	os.Exit(run(ctx, os.Args[1:], environ.Of(os.Environ()), hangups, os.Stdout, os.Stderr))
}

const (
	exitWell  = 0
	exitWrong = 1
	exitUsage = 2
)

// run starts a fleet, keeps it until ctx ends, and returns the exit code.
func run(ctx context.Context, args []string, vars environ.Vars, hangups <-chan os.Signal, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	flags.SetOutput(errOut)
	name := flags.String("balancer", "nginx", "nginx or haproxy")
	listen := flags.String("listen", "127.0.0.1:8000", "where the balancer listens")
	count := flags.Int("instances", 3, "how many instances there are")
	port := flags.Int("port", 8001, "port of the first instance; the others follow")
	server := flags.String("server", "", "program of the instances (default: examples/server is built)")
	every := flags.Duration("restart-every", 0, "restart all instances in turn so often (default: on SIGHUP only)")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitWell
	case err != nil:
		return exitUsage // flag has said why
	}
	fail := func(code int, err error) int {
		_, _ = fmt.Fprintln(errOut, "fleet:", strings.ReplaceAll(err.Error(), "\n", "; "))
		return code
	}
	b, err := balancerOf(*name)
	switch {
	case err != nil:
		return fail(exitUsage, err)
	case flags.NArg() > 0:
		return fail(exitUsage, fmt.Errorf("%q is no flag", flags.Arg(0)))
	case *count < 1 || *port < 1 || *port+*count > 65536:
		return fail(exitUsage, errors.New("-instances must be at least 1, and -port and those after it at most 65535"))
	}
	switch err := checkBudget(ctx, vars, *count); {
	case errors.Is(err, errUnknown):
		fail(exitWell, err) // the instances wait for the database, too
	case errors.Is(err, errBudget):
		return fail(exitWrong, err)
	case err != nil:
		return fail(exitUsage, err)
	}
	f := &fleet{server: *server, balancer: b, listen: *listen, vars: vars, errOut: errOut}
	for i := range *count {
		f.addresses = append(f.addresses, net.JoinHostPort("127.0.0.1", strconv.Itoa(*port+i)))
	}
	if f.server == "" {
		dir, err := os.MkdirTemp("", "productkit-fleet-*")
		if err != nil {
			return fail(exitWrong, err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		f.server = filepath.Join(dir, "server")
		build := exec.CommandContext(ctx, "go", "build", "-o", f.server, "github.com/productkit-go/productkit/examples/server")
		build.Stdout, build.Stderr = errOut, errOut
		if err := build.Run(); err != nil {
			return fail(exitWrong, fmt.Errorf("the server cannot be built: %w", err))
		}
	}
	var ticks <-chan time.Time
	if *every > 0 {
		ticks = time.Tick(*every)
	}
	up := func() {
		_, _ = fmt.Fprintf(out, "Productkit's fleet listens on http://%s, by %s\n", *listen, *name)
		for i, p := range f.instances {
			_, _ = fmt.Fprintf(out, "  an instance on %s (PID %d)\n", f.addresses[i], p.cmd.Process.Pid)
		}
		_, _ = fmt.Fprintf(out, "To restart them in turn: kill -HUP %d\n", os.Getpid())
	}
	if err := f.run(ctx, up, hangups, ticks); err != nil && ctx.Err() == nil {
		return fail(exitWrong, err)
	}
	return exitWell
}
