// Command doctor examines the MySQL or MariaDB server of DATABASE_URL as a pool of a service would
// meet it, and says what is wrong, on what evidence, and what to do.
//
//	DATABASE_URL=mysql://user:password@host:3306/shop go run ./examples/doctor -instances 30 [-json]
//
// It exits with 1 if something is wrong, and with 2 if it was called wrongly. "doctor -h" lists the
// flags. A service sees more than this program, namely its own statistics: it calls
// [pool.Pool.Doctor] itself.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/productkit-go/productkit/pool"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv("DATABASE_URL"), os.Stdout, os.Stderr))
}

const (
	exitWell  = 0
	exitWrong = 1
	exitUsage = 2
)

// run examines the database and returns the exit code.
func run(ctx context.Context, args []string, databaseURL string, out, errOut io.Writer) int {
	cfg := pool.Config{DSN: databaseURL, Attributes: map[string]string{"service": "productkit-doctor"}}
	o := &pool.DoctorOptions{Outside: true}
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	flags.SetOutput(errOut)
	asJSON := flags.Bool("json", false, "write the report as JSON")
	flags.IntVar(&cfg.MaxConns, "max-conns", 0, "MaxConns of each pool (default 5, or what DATABASE_URL says)")
	flags.IntVar(&cfg.MaxOverflow, "max-overflow", 0, "MaxOverflow of each pool; -1 for none (default 10)")
	flags.IntVar(&o.Fleet.Instances, "instances", 0, "processes that hold a pool (default: those in the process list)")
	flags.IntVar(&o.Fleet.Surge, "surge", 0, "further processes while deploying; -1 for none (default a quarter)")
	flags.IntVar(&o.Fleet.Pools, "pools", 0, "pools in each process (default 1)")
	flags.IntVar(&o.Fleet.Reserved, "reserved", 0, "connections kept for others; -1 for none (default a tenth, at least 5)")
	flags.StringVar(&o.Service, "service", "", "the fleet's connection attribute \"service\" (default: all connections of the user)")
	flags.DurationVar(&o.Timeout, "timeout", 10*time.Second, "how long the server may take to answer")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitWell
	} else if err != nil {
		return exitUsage // flags has said why
	}
	fail := func(code int, format string, args ...any) int {
		fmt.Fprintf(errOut, "doctor: "+format+"\n", args...)
		return code
	}
	switch {
	case flags.NArg() > 0:
		return fail(exitUsage, "%q is no flag; the database is given by DATABASE_URL", flags.Arg(0))
	case databaseURL == "":
		return fail(exitUsage, "DATABASE_URL is not set; set it to mysql://user:password@host:3306/database")
	}
	p, err := pool.Open(ctx, cfg)
	if err != nil {
		return fail(exitUsage, "%v", err)
	}
	defer func() {
		bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = p.Shutdown(bound) // nobody holds anything
	}()
	report, err := p.Doctor(ctx, o)
	if err != nil {
		return fail(exitWrong, "%v", err)
	}
	if *asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		err = e.Encode(report)
	} else {
		_, err = report.WriteTo(out)
	}
	if err != nil {
		return fail(exitWrong, "cannot write the report: %v", err)
	}
	if report.Wrong() {
		return exitWrong
	}
	return exitWell
}
