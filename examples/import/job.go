package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/httpapi/client"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// job is what the flags say.
type job struct {
	file     string
	report   string // a file; empty for the standard error
	cfg      feed.Config
	columns  string // cfg.Map as it was written
	dry      bool
	database database.Config
	server   string // sent to instead of a database; empty for none
}

// databaseWait is how long a database server is waited for that does not answer.
const databaseWait = 30 * time.Second

// closeWait bounds the closing of everything after the import.
const closeWait = 5 * time.Second

// run opens everything, imports, and closes everything. The error says why the import ended before
// the file did.
func (j job) run(ctx context.Context, out, errOut io.Writer) (summary feed.Counts, err error) {
	file, err := os.Open(j.file)
	if err != nil {
		return summary, err
	}
	defer func() { _ = file.Close() }() // it was only read
	// A pipe whose writer does nothing is waited for no longer.
	stopWaiting := context.AfterFunc(ctx, func() { _ = file.Close() })
	defer stopWaiting()
	size := int64(-1)
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}

	source := &counter{r: file}
	show := newDisplay(errOut, source, size)
	report, err := newReport(j.report, show)
	if err != nil {
		return summary, err
	}
	defer func() { err = errors.Join(err, report.Close()) }()
	if j.server != "" {
		events, err := j.send(ctx, source)
		if err != nil {
			return summary, err
		}
		return j.tell(events, show, report, out)
	}

	log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: slog.LevelWarn}))
	d, err := database.Open(ctx, j.database, "productkit-import", log)
	if err != nil {
		return summary, err
	}
	waiting, cancel := context.WithTimeout(ctx, databaseWait)
	store, err := d.Prepare(waiting, log)
	cancel()
	if err != nil {
		return summary, errors.Join(err, d.DB.Close())
	}
	catalogue := product.NewService(store, &product.Options{Logger: log})
	defer func() {
		bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWait)
		defer cancel()
		err = errors.Join(err, catalogue.Close(bound), d.Close(bound))
	}()
	return j.tell(j.merge(ctx, catalogue, source, show.every()), show, report, out)
}

// send imports the file through a server, whose events come each second.
func (j job) send(ctx context.Context, source io.Reader) (iter.Seq2[feed.Event, error], error) {
	c, err := client.New(j.server, nil)
	if err != nil {
		return nil, err
	}
	return c.Import(ctx, source, client.Import{Format: j.cfg.Format, Map: j.columns, Currency: j.cfg.Currency,
		Encoding: j.cfg.Encoding, ImageBase: j.cfg.ImageBase, DryRun: j.dry}), nil
}

// merge imports the file into a database.
func (j job) merge(ctx context.Context, catalogue *product.Service, source io.Reader, every time.Duration) iter.Seq2[feed.Event, error] {
	var to feed.Merger = catalogue
	if j.dry {
		to = feed.DryRun(catalogue)
	}
	cfg := j.cfg
	cfg.ProgressEvery = every
	return func(yield func(feed.Event, error) bool) {
		for e := range feed.Import(ctx, to, source, cfg) {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// tell shows what happens.
func (j job) tell(events iter.Seq2[feed.Event, error], show *display, report *report, out io.Writer) (summary feed.Counts, err error) {
	defer show.end()
	begin := time.Now()
	for e, broke := range events {
		switch {
		case broke != nil:
			return summary, broke
		case e.Kind == feed.EventProgress:
			show.progress(*e.Counts)
		case e.Kind == feed.EventRefused, e.Kind == feed.EventWarning:
			if reportErr := report.add(e); reportErr != nil {
				return summary, fmt.Errorf("the report cannot be written: %w", reportErr)
			}
		case e.Kind == feed.EventFailed:
			err = fmt.Errorf("line %d: %s", e.Line, e.Message)
		case e.Kind == feed.EventSummary:
			summary = *e.Counts
		}
	}
	show.end()
	note := ""
	if j.dry {
		note = ", in a dry run"
	}
	fmt.Fprintf(out, "%s, %d warnings, in %v%s\n", told(summary), summary.Warnings, time.Since(begin).Round(time.Millisecond), note)
	return summary, err
}

// counter counts what was read. It may be asked while it is read.
type counter struct {
	r io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
