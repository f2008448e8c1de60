package feed

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/url"
	"time"

	"github.com/productkit-go/productkit/product"
)

// Format is how a file is laid out.
type Format string

// The formats. The package comment describes them.
const (
	Native  Format = "native"  // CSV with columns of our own, or with any others and [Config].Map
	NDJSON  Format = "ndjson"  // one product in a line, as JSON
	Shopify Format = "shopify" // the CSV that Shopify's product export writes
)

// Config says how to read a file. The zero value reads [Native] CSV.
type Config struct {
	// Format is the file's. Default [Native].
	Format Format

	// Map names the columns of a [Native] file that has others than ours. Default: none.
	Map Map

	// Currency is the ISO 4217 code of those prices beside which the file names none. Shopify's
	// files never do, so [Shopify] requires it. [NDJSON] always does, and takes none.
	Currency string

	// ImageBase is what the images of a [Native] file are below that it names by a path, such as
	// https://shop.example/media. Default: they must be absolute URLs.
	ImageBase string

	// Encoding is the file's: utf-8, windows-1252, utf-16le or utf-16be. Default: UTF-16 is
	// recognised, and everything else taken for UTF-8.
	Encoding string

	// MaxRecordBytes bounds one record of the file; longer ones are refused. The default of
	// 1 MiB holds a description of the greatest length with room for every other cell.
	MaxRecordBytes int

	// BatchSize is how many products one batch has, at most [product.MaxMerge]. The default
	// is 500, for larger batches were measured to win nothing more.
	BatchSize int

	// Batches is how many batches are merged at once, of different products and groups. The default
	// is 2: while the database keeps one, the next is read, checked and sent. With 1 a [Merger] need
	// not be safe for concurrent use, and sees the file's rows in their order.
	Batches int

	// ProgressEvery is the time between two progress events. The default is a second. It is
	// kept while the catalogue works and while the reader stalls.
	ProgressEvery time.Duration
}

// WithDefaults returns the configuration with its defaults filled in.
func (c Config) WithDefaults() Config {
	if c.Format == "" {
		c.Format = Native
	}
	if c.MaxRecordBytes <= 0 {
		c.MaxRecordBytes = 1 << 20
	}
	if c.BatchSize <= 0 {
		c.BatchSize = 500
	}
	c.BatchSize = min(c.BatchSize, product.MaxMerge)
	if c.Batches <= 0 {
		c.Batches = 2
	}
	if c.ProgressEvery <= 0 {
		c.ProgressEvery = time.Second
	}
	return c
}

// Validate returns a [product.InvalidError] that names the fields format, map, currency, image_base
// and encoding, or nil.
func (c Config) Validate() error {
	c = c.WithDefaults()
	faults := checkEncoding(c.Encoding)
	fault := func(field, code, format string, args ...any) {
		faults = append(faults, product.Fault{Field: field, Code: code, Message: fmt.Sprintf(format, args...)})
	}
	_, known := product.CurrencyDigits(c.Currency)
	switch {
	case c.Format != Native && c.Format != NDJSON && c.Format != Shopify:
		fault("format", "unknown", "is %q; use native, ndjson or shopify", short(string(c.Format)))
	case c.Format != Native && c.Map != nil:
		fault("map", "mismatch", "names the columns of a native file; leave it out with %s", c.Format)
	default:
		faults = append(faults, c.Map.check()...)
	}
	switch {
	case c.Format == Shopify && c.Currency == "":
		fault("currency", "required", "is missing, and the file does not name it; give the ISO 4217 code of its prices, such as EUR")
	case c.Format == NDJSON && c.Currency != "":
		fault("currency", "mismatch", "stands beside each price of an ndjson file; leave it out")
	case c.Currency != "" && !known:
		fault("currency", "unknown", "is %q; give the ISO 4217 code of the file's prices, such as EUR", short(c.Currency))
	}
	switch base, err := url.Parse(c.ImageBase); {
	case c.ImageBase == "":
	case c.Format != Native:
		fault("image_base", "mismatch", "is for native files; leave it out with %s", c.Format)
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https":
		fault("image_base", "format", "is no absolute http or https URL; give one such as https://shop.example/media")
	}
	if len(faults) > 0 {
		return &product.InvalidError{Faults: faults}
	}
	return nil
}

// Merger takes what an import reads. It is [*product.Service], or a [DryRun]. It must be safe for
// concurrent use unless [Config].Batches is 1: it is given a batch while it has not answered for the one
// before, unless both are of a SKU or a group.
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
// Two batches are under way at once, where they have no SKU and no group in common, and a third is read.
// What the catalogue refuses in one is tried again when the one before has landed, so that what comes
// of a file is as if its batches came one after the other.
//
// Import stops after the batches under way when ctx ends or the consumer breaks. They
// are not cut off, and keep ctx's values; so the counts tell what landed. Neither is a Read under
// way, for nothing can end it from here: whoever reads from a pipe or a socket gives it a deadline,
// or closes it when ctx ends. No more than three batches and the rows of one handle are in memory.
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
