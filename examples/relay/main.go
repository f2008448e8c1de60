// Command relay hands every change of a catalogue to a function, in order and at least once, and
// goes on where it was when it is started again. Here the function writes lines of JSON to the
// standard output; yours takes its place.
//
//	DATABASE_URL=mysql://user:password@host:3306/shop go run ./examples/relay [-position FILE]
//	DATABASE_URL=sqlite:///shop.db go run ./examples/relay
//	go run ./examples/relay -server http://127.0.0.1:8001/v1
//
// It runs until SIGTERM or Ctrl-C and exits with 0 then; with 2 if it was called wrongly and with
// 1 if it cannot go on. Of several that run at once each relays everything: run one, for one
// position.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/httpapi/client"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv("DATABASE_URL"), os.Stdout, os.Stderr))
}

// run relays until ctx ends and returns the exit code.
func run(ctx context.Context, args []string, databaseURL string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("relay", flag.ContinueOnError)
	flags.SetOutput(errOut)
	file := flags.String("position", "relay.position", "the file that keeps how far it has come")
	server := flags.String("server", "", "follow this catalogue instead of a database, such as http://127.0.0.1:8001/v1")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2 // flags has said why
	}
	if flags.NArg() > 0 || databaseURL == "" && *server == "" {
		fmt.Fprintln(errOut, "relay: set DATABASE_URL to mysql://user:password@host:3306/database or sqlite:///file.db, or give -server; there are no arguments but flags")
		return 2
	}
	r := relay{position: position(*file), log: slog.New(slog.NewTextHandler(errOut, nil)), deliver: func(_ context.Context, c product.Change) error {
		return json.NewEncoder(out).Encode(c)
	}}
	var err error
	if *server != "" {
		r.catalogue, err = client.New(*server, nil)
		if err == nil {
			err = r.run(ctx)
		}
	} else {
		err = r.runOn(ctx, databaseURL)
	}
	if err != nil {
		fmt.Fprintln(errOut, "relay:", err)
		return 1
	}
	return 0
}

// runOn opens the catalogue of a database, relays until ctx ends, and closes it.
func (r *relay) runOn(ctx context.Context, databaseURL string) (err error) {
	db, closeDB, err := open(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bounded(closeDB)) }()
	store, err := sqlstore.New(ctx, db, nil) // it does not migrate: that is the service's
	if err != nil {
		return err
	}
	svc := product.NewService(store, nil)
	defer func() { err = errors.Join(err, bounded(svc.Close)) }()
	r.catalogue = svc
	return r.run(ctx)
}

func open(ctx context.Context, databaseURL string) (*sql.DB, func(context.Context) error, error) {
	if file, ok := strings.CutPrefix(databaseURL, "sqlite:///"); ok {
		db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
		return db, func(context.Context) error { return db.Close() }, err
	}
	p, err := pool.Open(ctx, pool.Config{DSN: databaseURL, Attributes: map[string]string{"program_name": "productkit-relay"}})
	if err != nil {
		return nil, nil, err
	}
	return p.DB(), p.Shutdown, nil
}

func bounded(stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return stop(ctx)
}
