package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/productkit-go/productkit/product"
)

// mergeTimeout bounds one batch. The Service has far shorter bounds of its own.
const mergeTimeout = time.Minute

// mergeAttempts is how often a batch is tried while the catalogue is busy. Merging again is
// harmless; the pauses between, from 100 ms doubling, add up to some 6 s.
const mergeAttempts = 7

// importer is one run of Import.
type importer struct {
	ctx    context.Context
	to     Merger
	cfg    Config
	counts Counts
	batch  []item
	under  []*flight // batches under way, the oldest first
	last   time.Time // of the last progress event

	yield   func(Event) bool
	stopped bool // by the consumer
}

// errStopped ends the run when the consumer has broken off. Nobody sees it.
var errStopped = errors.New("feed: stopped")

// readError is an error of the caller's reader.
type readError struct{ error }

func (e readError) Unwrap() error { return e.error }

// patience tells the progress while the file lets itself be waited for, and reads no further once
// the import is to end.
type patience struct {
	r io.Reader
	i *importer
}

func (p *patience) Read(b []byte) (n int, err error) {
	if err := p.i.ctx.Err(); err != nil {
		return 0, err
	}
	if p.i.stopped {
		return 0, errStopped
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n, err = p.r.Read(b)
	}()
	defer func() { <-done }() // even when the consumer panics
	p.i.awaitFile(done)
	return n, err
}

// source is what a format makes of a file.
type source interface {
	items() iter.Seq2[item, error] // what the rows come to, and at most one error, at the end
	read() int64                   // rows so far
	leftOut() []string             // columns that are not read
}

// open reads as far as a format must to know whether the file is of it.
func open(r io.Reader, cfg Config) (source, error) {
	text, err := decodeText(r, cfg.Encoding)
	switch {
	case err != nil:
		return nil, err
	case cfg.Format == NDJSON:
		return openLines(text, cfg), nil
	case cfg.Format == Shopify:
		return openShopify(text, cfg)
	}
	return openSheet(text, cfg)
}

// run returns the line at which it had to end before the file did, and why.
func (i *importer) run(r io.Reader) (line int, err error) {
	if err := i.cfg.Validate(); err != nil {
		return 0, err
	}
	source, err := open(&patience{r, i}, i.cfg)
	var structure *StructureError
	switch {
	case errors.As(err, &structure):
		return structure.Line, err
	case err != nil:
		return 1, readError{err}
	}
	if columns := source.leftOut(); len(columns) > 0 {
		i.counts.Warnings++
		i.send(Event{Kind: EventWarning, Line: 1, Code: "unmapped", Message: "these columns were left out, for they are mapped to no field: " + strings.Join(columns, ", ")})
	}
	defer i.waitForAll() // even when the consumer panics
	line, err = i.read(source)
	i.counts.Rows = source.read()
	for _, f := range i.under { // after an error: what has set out is counted, but not tried again
		i.await(f.done)
		if i.settle(f) != nil {
			line = min(line, f.items[0].line)
		}
	}
	return line, err
}

// read merges what the file holds.
func (i *importer) read(source source) (line int, err error) {
	for it, readErr := range source.items() {
		i.counts.Rows = source.read()
		switch {
		case readErr != nil:
			// What was read whole is good, wherever the stream broke off.
			if line, err := i.flush(); err != nil {
				return line, err
			}
			return it.line, readError{readErr}
		case it.faults != nil:
			i.refuse(it, it.faults)
		default:
			i.batch = append(i.batch, it)
		}
		if len(i.batch) >= i.cfg.BatchSize {
			if line, err := i.depart(); err != nil {
				return line, err
			}
		}
		i.progress()
		if i.stopped {
			return it.line, errStopped
		}
	}
	i.counts.Rows = source.read()
	return i.flush()
}

// passing reports whether merging again may help.
func passing(err error) bool {
	return errors.Is(err, product.ErrBusy) || errors.Is(err, product.ErrOverloaded) || errors.Is(err, product.ErrOutcomeUnknown) || err == errBeside
}

// ofRow reports whether an error concerns one row only.
func ofRow(err error) bool {
	return errors.Is(err, product.ErrInvalid) || errors.Is(err, product.ErrTaken) || errors.Is(err, product.ErrInsufficientStock) ||
		errors.Is(err, product.ErrPreconditionFailed) || errors.Is(err, product.ErrNotFound)
}

// tell tells what became of a row.
func (i *importer) tell(it item, outcome product.Outcome) {
	if outcome.Err != nil {
		i.refuse(it, faultsOf(outcome.Err))
		return
	}
	switch outcome.Result {
	case product.Created:
		i.counts.Created++
	case product.Unchanged:
		i.counts.Unchanged++
	default:
		i.counts.Updated++
	}
	for _, w := range it.warnings {
		i.counts.Warnings++
		i.send(Event{Kind: EventWarning, Line: it.line, SKU: it.sku, Field: w.Field, Code: w.Code, Message: w.Message})
	}
}

func (i *importer) refuse(it item, faults []Fault) {
	i.counts.Refused++
	first := faults[0]
	i.send(Event{Kind: EventRefused, Line: it.line, SKU: it.sku, Field: first.Field, Code: first.Code, Message: first.Message, More: faults[1:]})
}

// faultsOf tells a row's error in the words of a fault.
func faultsOf(err error) []Fault {
	var invalid *product.InvalidError
	var taken *product.TakenError
	var stock *product.StockError
	switch {
	case errors.As(err, &invalid):
		faults := make([]Fault, len(invalid.Faults))
		for n, f := range invalid.Faults {
			faults[n] = Fault(f)
		}
		return faults
	case errors.As(err, &taken) && taken.Field == "options":
		return []Fault{{taken.Field, "taken", fmt.Sprintf("are those of product %s of the same group; give each variant its own", taken.By)}}
	case errors.As(err, &taken):
		return []Fault{{taken.Field, "taken", fmt.Sprintf("belongs to product %s; give each product its own", taken.By)}}
	case errors.As(err, &stock):
		return []Fault{{"stock", "insufficient_stock", fmt.Sprintf("would be %d, and %d are reserved; import it when they are free", stock.Available, stock.Wanted)}}
	}
	return []Fault{{Code: "conflict", Message: "was changed by somebody else at the same time; import the file again"}}
}

// await waits for done and meanwhile tells the progress.
func (i *importer) await(done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Until(i.last.Add(i.cfg.ProgressEvery))):
			i.progress()
		}
	}
}

// progress tells the counts if it is time to.
func (i *importer) progress() {
	if now := time.Now(); now.Sub(i.last) >= i.cfg.ProgressEvery {
		i.last = now
		i.send(Event{Kind: EventProgress, Counts: i.now()})
	}
}

func (i *importer) now() *Counts {
	counts := i.counts
	return &counts
}

func (i *importer) send(e Event) {
	i.stopped = i.stopped || !i.yield(e)
}

// failed tells why the import ends early, and how to go on.
func (i *importer) failed(line int, err error) Event {
	e := Event{Kind: EventFailed, Line: line, Err: err, Counts: i.now()}
	const again = "; what landed stays, and importing the file again completes it"
	var structure *StructureError
	var invalid *product.InvalidError
	var read readError
	switch {
	case errors.As(err, &structure):
		e.Line, e.Code, e.Message = structure.Line, structure.Code, structure.Message
	case errors.As(err, &invalid):
		faults := faultsOf(err)
		e.Field, e.Code, e.Message, e.More = faults[0].Field, faults[0].Code, faults[0].Message, faults[1:]
	case i.ctx.Err() != nil:
		e.Err, e.Code, e.Message = i.ctx.Err(), "canceled", "the import was cut short"+again
	case errors.As(err, &read):
		e.Err, e.Code, e.Message = read.error, "read", fmt.Sprintf("the file broke off: %v%s", read.error, again)
	case errors.Is(err, product.ErrUnavailable):
		e.Code, e.Message = "unavailable", "the database is unavailable"+again
	case errors.Is(err, product.ErrOverloaded):
		e.Code, e.Message = "overloaded", "the catalogue is overloaded"+again
	case errors.Is(err, product.ErrOutcomeUnknown):
		e.Code, e.Message = "outcome_unknown", "it is not known whether the last rows landed; importing the file again completes it"
	case errors.Is(err, product.ErrClosed):
		e.Code, e.Message = "closed", "the catalogue is shutting down"+again
	default:
		e.Code, e.Message = "internal", "the catalogue failed"+again
	}
	return e
}
