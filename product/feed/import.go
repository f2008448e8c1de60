package feed

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/productkit-go/productkit/product"
)

// Format is how a file is laid out.
type Format string

// Shopify is the CSV that Shopify's product export writes. See the package comment.
const Shopify Format = "shopify"

// Config says how to read a file. Format is required, and with [Shopify] so is Currency.
type Config struct {
	Format Format

	// Currency is the ISO 4217 code of all prices in the file. Shopify's files name none.
	Currency string

	// MaxRecordBytes bounds one record of the file; longer ones are refused. The default of
	// 1 MiB holds a description of the greatest length with room for every other cell.
	MaxRecordBytes int

	// BatchSize is how many products are merged at once, at most [product.MaxMerge]. The default
	// is 500, for larger batches were measured to win nothing more.
	BatchSize int

	// ProgressEvery is the time between two progress events. The default is a second. It is
	// kept while the catalogue works; a stalled reader delays the next event.
	ProgressEvery time.Duration
}

// WithDefaults returns the configuration with its defaults filled in.
func (c Config) WithDefaults() Config {
	if c.MaxRecordBytes <= 0 {
		c.MaxRecordBytes = 1 << 20
	}
	if c.BatchSize <= 0 {
		c.BatchSize = 500
	}
	c.BatchSize = min(c.BatchSize, product.MaxMerge)
	if c.ProgressEvery <= 0 {
		c.ProgressEvery = time.Second
	}
	return c
}

// Validate returns a [product.InvalidError] that names the fields format and currency, or nil.
func (c Config) Validate() error {
	var faults []product.Fault
	if c.Format != Shopify {
		faults = append(faults, product.Fault{Field: "format", Code: "unknown", Message: fmt.Sprintf("is %q; use shopify", short(string(c.Format)))})
	}
	if _, ok := product.CurrencyDigits(c.Currency); !ok {
		fault := product.Fault{Field: "currency", Code: "unknown", Message: fmt.Sprintf("is %q; give the ISO 4217 code of the file's prices, such as EUR", short(c.Currency))}
		if c.Currency == "" {
			fault.Code, fault.Message = "required", "is missing, and the file does not name it; give the ISO 4217 code of its prices, such as EUR"
		}
		faults = append(faults, fault)
	}
	if len(faults) > 0 {
		return &product.InvalidError{Faults: faults}
	}
	return nil
}

// Merger takes what an import reads. It is [*product.Service]; the interface is here for dry runs
// and tests.
type Merger interface {
	Merge(ctx context.Context, entries []product.Entry) ([]product.Outcome, error)
}

// Import reads a file and merges it into the catalogue, batch by batch. The returned sequence
// does the work as it is consumed, and may be consumed once. Its last event is always a summary.
//
// What is wrong with the file as a whole, with cfg, or with the catalogue comes as an
// [EventFailed], whose Err is a [*StructureError], a [*product.InvalidError], the reader's
// error, the context's, or the catalogue's. If it comes before any row was read it is the first
// event.
//
// Import stops after the batch at hand when ctx ends or the consumer breaks. A batch under way
// is not cut off, and keeps ctx's values; so the counts tell what landed. No more than one batch
// and the rows of one handle are in memory.
func Import(ctx context.Context, to Merger, r io.Reader, cfg Config) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		i := importer{ctx: ctx, to: to, cfg: cfg.WithDefaults(), yield: yield, last: time.Now()}
		line, err := i.run(r)
		if err != nil {
			i.send(i.failed(line, err))
		}
		complete := err == nil
		i.send(Event{Kind: EventSummary, Counts: i.now(), Complete: &complete})
	}
}
