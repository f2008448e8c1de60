// Command server is Productkit wired up and nothing more: a catalogue on SQLite, MySQL or MariaDB
// behind HTTP. The README has a table of the variables that set it up; without any it keeps products
// in a file and listens on 127.0.0.1:8001.
//
//	server                        serve
//	server -healthcheck           exit with 0 if the server with these variables is ready, else with 1
//	server -new-key shop:write    make a key, and its line for API_KEYS_FILE
//
// It exits with 0 after SIGTERM or Ctrl-C, which let requests under way finish; a second signal
// ends it at once. It exits with 2 if a variable is wrong, and with 1 if anything else is. SIGHUP
// reads the keys again; with workers it replaces them all by what lies in the program's file then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/productkit-go/productkit/examples/internal/environ"
)

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-signals
		signal.Stop(signals) // the next one kills
		cancel()
	}()
	vars, err := variables()
	if err != nil {
		os.Exit(fail(os.Stderr, exitUsage, err))
	}
	ownProcess = true
	os.Exit(run(ctx, os.Args[1:], vars, os.Stdout, os.Stderr))
}

const (
	exitWell  = 0
	exitWrong = 1
	exitUsage = 2
)

// run does what the arguments say, serving until ctx ends, and returns the exit code.
func run(ctx context.Context, args []string, vars environ.Vars, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	flags.SetOutput(errOut)
	who := flags.String("new-key", "", "make a key for `name:scope`, such as shop:write, and its line for API_KEYS_FILE")
	ask := flags.Bool("healthcheck", false, "ask the server with these variables whether it is ready")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitWell
	case err != nil:
		return exitUsage // flag has said why
	case flags.NArg() > 0:
		return fail(errOut, exitUsage, fmt.Errorf("%q is no flag; everything else is set by variables", flags.Arg(0)))
	case *who != "":
		return makeKey(*who, out, errOut)
	}
	c, err := loadConfig(vars)
	if err != nil {
		return fail(errOut, exitUsage, err)
	}
	if *ask {
		return healthcheck(ctx, c, errOut)
	}
	to := newLines(errOut)
	defer to.flush()
	log := newLogger(c, to)
	from, err := inherit(vars)
	switch {
	case err != nil:
		return fail(errOut, exitUsage, err)
	case from != nil:
		ctx, cancel := from.orphan(ctx)
		defer cancel()
		err = serve(ctx, c, from, out, log.With("worker", vars.Get(workerVariable)))
	default:
		if c.UseGunicorn {
			log.Info("USE_GUNICORN means MODE=production here")
		}
		if c.supervised() {
			err = supervise(ctx, c, out, log)
		} else {
			err = serve(ctx, c, nil, out, log)
		}
	}
	switch {
	case errors.Is(err, errAddress), errors.Is(err, errSetting):
		return fail(errOut, exitUsage, err)
	case err != nil:
		return fail(errOut, exitWrong, err)
	}
	return exitWell
}

var (
	// errAddress: an address is well formed and yet wrong.
	errAddress = errors.New("cannot listen on")
	// errSetting: so is another variable.
	errSetting = errors.New("a setting is wrong")
)

func makeKey(who string, out, errOut io.Writer) int {
	key, line, err := newKey(who)
	if err != nil {
		return fail(errOut, exitUsage, err)
	}
	_, _ = fmt.Fprintf(out, "The key, which is shown only now:\n%s\nIts line for API_KEYS_FILE:\n%s\n", key, line)
	return exitWell
}

func fail(w io.Writer, code int, err error) int {
	_, _ = fmt.Fprintln(w, "productkit:", strings.ReplaceAll(err.Error(), "\n", "; "))
	return code
}

// reloadOnHangup reads the keys again on each SIGHUP until ctx ends.
func reloadOnHangup(ctx context.Context, keys *keyring, log *slog.Logger) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-hangups:
			if err := keys.reload(); err != nil {
				log.Error("the keys could not be read again; those of before stay", "error", err)
				continue
			}
			log.Info("the keys were read again")
		case <-ctx.Done():
			return
		}
	}
}
