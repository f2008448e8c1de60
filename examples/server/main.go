// Command server is Productkit wired up and nothing more: a catalogue on SQLite, MySQL or MariaDB
// behind HTTP.
//
//	HOST          where to listen; default 127.0.0.1
//	PORT          default 8001; 0 takes a free one
//	DATABASE_URL  mysql://user:password@host:3306/shop, mysql+aiomysql://…, the Go driver's form, or
//	              sqlite:///products.db; default: SQLite in a file in DATA_DIR
//	DATA_DIR      default $XDG_DATA_HOME/productkit, else ~/.local/share/productkit
//
// It exits with 0 after SIGTERM or Ctrl-C, which let requests under way finish; a second signal
// ends it at once. It exits with 2 if a variable is wrong, and with 1 if anything else is.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
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
	os.Exit(run(ctx, os.Getenv, os.Stdout, os.Stderr))
}

// run serves until ctx ends and returns the exit code.
func run(ctx context.Context, getenv func(string) string, out, errOut io.Writer) int {
	c, err := loadConfig(getenv)
	if err != nil {
		return fail(errOut, 2, err)
	}
	log := slog.New(slog.NewTextHandler(errOut, nil))
	err = serve(ctx, c, out, log)
	switch {
	case errors.Is(err, errAddress):
		return fail(errOut, 2, err)
	case err != nil:
		return fail(errOut, 1, err)
	}
	return 0
}

// errAddress: HOST and PORT are well formed and yet wrong.
var errAddress = errors.New("HOST and PORT: cannot listen on")

// bind takes the address. It comes last, because an open port tells others that we are there.
func bind(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("PORT: %s is in use; stop what listens there, or set PORT to another number", address)
	case err != nil:
		return nil, fmt.Errorf("%w %s: %v; set them to an address of this machine", errAddress, address, err)
	}
	return listener, nil
}

func fail(w io.Writer, code int, err error) int {
	_, _ = fmt.Fprintln(w, "productkit:", strings.ReplaceAll(err.Error(), "\n", "; "))
	return code
}

// serve opens everything, serves until ctx ends, and closes everything in reverse.
func serve(ctx context.Context, c config, out io.Writer, log *slog.Logger) (err error) {
	d, err := database.Open(ctx, c.database, "productkit", log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bounded(d.Close)) }()
	store, err := d.Prepare(ctx, c.startWait, log)
	if err != nil {
		if ctx.Err() != nil {
			return nil // told to stop meanwhile
		}
		return err
	}
	catalogue := product.NewService(store, &product.Options{Logger: log})
	defer func() { err = errors.Join(err, bounded(catalogue.Close)) }()
	api, err := httpapi.NewHandler(catalogue, &httpapi.Options{Prefix: "/v1", Logger: log})
	if err != nil {
		return err
	}
	probe, err := health.New(&health.Options{Version: version(), Checks: checks(d)})
	if err != nil {
		return err
	}
	listener, err := bind(c.address)
	if err != nil {
		return err
	}
	pruning, stopPruning := context.WithCancel(ctx)
	var pruner sync.WaitGroup
	pruner.Go(func() { prune(pruning, catalogue, log) })
	defer func() {
		stopPruning()
		pruner.Wait()
	}()
	probe.Start()
	defer func() { err = errors.Join(err, bounded(probe.Stop)) }()

	announce(out, listener.Addr(), fmt.Sprintf("%s (%s)", d.Name, store.Engine()))
	return listen(ctx, c, listener, api, probe, log)
}
