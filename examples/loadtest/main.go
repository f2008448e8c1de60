// Command loadtest asks a running catalogue as shoppers do, so many times a second, and tells how
// long the answers took.
//
//	go run ./examples/loadtest -url http://127.0.0.1:8001/v1 -rate 500 -duration 30s -plot plot.html
//
// It sends on time whether or not earlier requests have been answered, so a server that falls behind
// is not spared ("coordinated omission"). Of a hundred requests 90 read a product, 8 a page of a
// category and 2 change the stock of one by one, up and down in turns; -mix changes that. The products
// are those of the catalogue, at most 10,000 of them; -create makes some where it is empty. The
// variable API_KEY is sent as a key.
//
// Ctrl-C ends it early, with the report of what was. It exits with
//
//	0  when enough was answered with success (-success)
//	1  when less was, or it ended before it could begin
//	2  when it was called wrongly
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	exitWell  = 0
	exitWrong = 1
	exitUsage = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the next one kills
	os.Exit(run(ctx, os.Args[1:], os.Getenv("API_KEY"), os.Stdout, os.Stderr))
}

// plan is what the flags say.
type plan struct {
	url      string
	rate     int // requests a second
	duration time.Duration
	timeout  time.Duration
	mix      mix
	create   int
	plot     string
	success  float64 // percent
	header   http.Header
}

func run(ctx context.Context, args []string, key string, out, errOut io.Writer) int {
	p, err := parse(args, key, errOut)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitWell
	case errors.Is(err, errFlags):
		return exitUsage // flag has said why
	case err != nil:
		fmt.Fprintln(errOut, "loadtest:", err)
		return exitUsage
	}
	rate, err := p.run(ctx, out, errOut)
	if err == nil && 100*rate < p.success {
		err = fmt.Errorf("%.2f %% of the answers were a success, and less than %g %% is too little", 100*rate, p.success)
	}
	if err != nil {
		fmt.Fprintln(errOut, "loadtest:", err)
		return exitWrong
	}
	return exitWell
}

var errFlags = errors.New("wrong flags")

// parse reads the flags. Its errors name the flag, the fault and the remedy.
func parse(args []string, key string, errOut io.Writer) (p plan, err error) {
	flags := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.StringVar(&p.url, "url", "http://127.0.0.1:8001/v1", "the catalogue: what stands before /products")
	flags.IntVar(&p.rate, "rate", 100, "requests a second")
	flags.DurationVar(&p.duration, "duration", 10*time.Second, "how long")
	flags.DurationVar(&p.timeout, "timeout", 30*time.Second, "how long one request may take")
	text := flags.String("mix", "get=90,list=8,stock=2", "what is asked for, in parts of the whole: get, list, stock")
	flags.IntVar(&p.create, "create", 0, "make so many products first, with SKUs from loadtest-1 on; those that are there stay")
	flags.StringVar(&p.plot, "plot", "", "write a page with a plot of all latencies into this `file.html`")
	flags.Float64Var(&p.success, "success", 99, "exit with 1 if less than this many percent succeed")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return p, err
	} else if err != nil {
		return p, errFlags
	}
	switch {
	case flags.NArg() > 0:
		return p, fmt.Errorf("%q is no flag; give -url and the others", flags.Arg(0))
	case p.rate < 1:
		return p, fmt.Errorf("-rate is %d; give 1 or more requests a second", p.rate)
	case p.duration <= 0 || p.timeout <= 0:
		return p, errors.New("-duration and -timeout must be longer than 0s")
	case p.create < 0:
		return p, fmt.Errorf("-create is %d; give 0 or more", p.create)
	}
	p.header = make(http.Header)
	if key != "" {
		p.header.Set("Authorization", "Bearer "+key)
	}
	p.mix, err = parseMix(*text)
	return p, err
}

// mix is how often each kind of request is sent, in parts of their sum.
type mix map[string]int

// kinds are the requests that there are, in the order of reports.
var kinds = []string{"get", "list", "stock"}

func parseMix(text string) (mix, error) {
	m := make(mix)
	sum := 0
	for _, part := range strings.Split(text, ",") {
		kind, number, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(number)
		if _, twice := m[kind]; err != nil || n < 0 || twice || !slices.Contains(kinds, kind) {
			return nil, fmt.Errorf("-mix is %q, where %q is not like get=90 with get, list or stock, each once", text, part)
		}
		m[kind] = n
		sum += n
	}
	if sum == 0 {
		return nil, fmt.Errorf("-mix is %q, which asks for nothing; give a part above 0", text)
	}
	return m, nil
}

// pick returns the kind of the nth request: the kinds spread evenly, whatever their parts.
func (m mix) pick(n uint64) string {
	sum := 0
	for _, parts := range m {
		sum += parts
	}
	// Steps of the golden section visit all of a circle evenly.
	at := int(n * 0x9E3779B97F4A7C15 >> 32 * uint64(sum) >> 32)
	for _, kind := range kinds {
		if at -= m[kind]; at < 0 {
			return kind
		}
	}
	return kinds[0]
}
