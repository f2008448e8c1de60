// Command import brings a file of products into a catalogue and shows how far it is.
//
//	go run ./examples/import [flags] FILE
//
// It shows a bar where the standard error is a terminal, and elsewhere a line each second. Refused
// rows and warnings are told there, too, each with its line, or in a file of CSV (-report). The
// catalogue is that of examples/server, unless DATABASE_URL or -database names another; the tables
// are made if they are not there. With -server the file is sent to a running catalogue, and no
// database is opened. "import -h" lists the flags.
//
// Ctrl-C ends it after the batch at hand, a second one at once. What has landed stays, and running
// it again completes it.
//
// It exits with
//
//	0  when every row was taken
//	1  when it ended before the file did, for the summary's reason
//	2  when it was called wrongly
//	3  when the file was read to its end and rows were refused
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/examples/internal/environ"
	"github.com/productkit-go/productkit/product/feed"
)

const (
	exitWell    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitRefused = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the next one kills
	os.Exit(run(ctx, os.Args[1:], environ.Of(os.Environ()), os.Stdout, os.Stderr))
}

// run imports as args say and returns the exit code.
func run(ctx context.Context, args []string, vars environ.Vars, out, errOut io.Writer) int {
	j, err := parse(args, vars, errOut)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitWell
	case errors.Is(err, errFlags):
		return exitUsage // flag has said why
	case err != nil:
		fmt.Fprintln(errOut, "import:", err)
		return exitUsage
	}
	summary, err := j.run(ctx, out, errOut)
	switch {
	case err != nil:
		fmt.Fprintln(errOut, "import:", err)
		return exitFailed
	case summary.Refused > 0:
		return exitRefused
	}
	return exitWell
}

var errFlags = errors.New("wrong flags")

// parse reads the flags. Its errors name the flag, the fault and the remedy.
func parse(args []string, vars environ.Vars, errOut io.Writer) (j job, err error) {
	flags := flag.NewFlagSet("import", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.Usage = func() {
		fmt.Fprintln(errOut, "usage: import [flags] FILE")
		flags.PrintDefaults()
	}
	format := flags.String("format", "", "native, ndjson or shopify (default: ndjson for files named so, or jsonl, and else native)")
	flags.StringVar(&j.columns, "map", "", "the fields of a native file's columns: Header:field,Header:field")
	flags.StringVar(&j.cfg.Currency, "currency", "", "the ISO 4217 code of prices whose currency the file does not name")
	flags.StringVar(&j.cfg.ImageBase, "image-base", "", "what images are below that a native file names by a path, such as https://shop.example/media")
	flags.StringVar(&j.cfg.Encoding, "encoding", "", "utf-8, windows-1252, utf-16le or utf-16be (default: UTF-16 is recognised)")
	flags.BoolVar(&j.dry, "dry-run", false, "tell what would happen and change nothing")
	flags.StringVar(&j.report, "report", "", "the file for refused rows and warnings, as CSV (default: the standard error)")
	flags.StringVar(&j.server, "server", "", "send the file to this catalogue instead of a database, such as http://127.0.0.1:8001/v1")
	url := flags.String("database", vars.Get("DATABASE_URL"), "mysql://user:password@host:3306/shop or sqlite:///shop.db (default: $DATABASE_URL, else that of examples/server)")
	flags.Lookup("database").DefValue = "" // it may hold a password
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return j, err
	} else if err != nil {
		return j, errFlags
	}
	if flags.NArg() != 1 {
		return j, fmt.Errorf("%d files are named; name one, behind the flags", flags.NArg())
	}
	j.file = flags.Arg(0)
	if j.cfg.Format = feed.Format(*format); j.cfg.Format == "" {
		j.cfg.Format = formatOf(j.file)
	}
	if j.columns != "" {
		if j.cfg.Map, err = feed.ParseMap(j.columns); err != nil {
			return j, err
		}
	}
	if err := j.cfg.Validate(); err != nil {
		return j, err
	}
	if j.server != "" {
		return j, nil
	}
	j.database, err = database.FromURL(*url, vars)
	return j, err
}

func formatOf(file string) feed.Format {
	switch filepath.Ext(file) {
	case ".ndjson", ".jsonl":
		return feed.NDJSON
	}
	return feed.Native
}
