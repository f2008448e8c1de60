package console

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/productkit-go/productkit/internal/spool"
	"github.com/productkit-go/productkit/product/feed"
)

// importJob is a file with how it is read, and its last run.
type importJob struct {
	id, owner, name string
	file            spool.Spool // written before others see the job

	// Guarded by imports.mu.
	busy   bool // it comes, or runs
	seen   time.Time
	keep   time.Duration
	expiry *time.Timer // nil while it comes

	mu       sync.Mutex
	settings settings
	run      *importRun // nil before the first
	gone     bool       // the file
}

// close removes the files.
func (j *importJob) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closeFile()
	if j.run != nil {
		_ = j.run.report.Close()
	}
}

func (j *importJob) closeFile() {
	if !j.gone {
		j.gone = true
		_ = j.file.Close() // it was taken out of its folder when it was made
	}
}

// text reads the file from its beginning; nil if it is gone.
func (j *importJob) text() *io.SectionReader {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.gone {
		return nil
	}
	section, err := j.file.Section()
	if err != nil {
		return nil
	}
	return section
}

func (j *importJob) current() *importRun {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.run
}

func (j *importJob) readAs() settings {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.settings
}

const (
	shownRefusals = 100     // on the page
	mostReported  = 100_000 // in the report
)

// importRun is one run of an import, which others watch.
type importRun struct {
	dry    bool
	size   int64 // of the file
	read   atomic.Int64
	begun  time.Time
	cancel context.CancelFunc
	done   chan struct{} // closed at the end

	mu        sync.Mutex
	changed   chan struct{} // closed when there is news, and replaced
	counts    feed.Counts
	failure   string
	complete  bool
	cancelled bool // by its user
	ended     time.Time
	told      []feed.Event // the first that refuse or warn
	reported  int
	report    spool.Spool
	csv       *csv.Writer
}

// startImport runs an import in the background: it goes on when the browser leaves.
func (h *Handler) startImport(ctx context.Context, job *importJob, dry bool) error {
	if err := h.imports.begin(job); err != nil {
		return err
	}
	text := job.text()
	if text == nil {
		h.imports.end(job)
		h.background.Done()
		return errImportGone
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.opts.ImportTimeout) // the actor stays
	run := &importRun{dry: dry, size: text.Size(), begun: time.Now(), cancel: cancel, done: make(chan struct{}), changed: make(chan struct{})}
	run.csv = csv.NewWriter(&run.report)
	_ = run.csv.Write([]string{"event", "line", "sku", "field", "code", "message"}) // its error stays
	job.mu.Lock()
	cfg := job.settings.config()
	if job.run != nil {
		_ = job.run.report.Close()
	}
	job.run = run
	job.mu.Unlock()
	cfg.ProgressEvery = 250 * time.Millisecond
	var to feed.Merger = h.svc
	if dry {
		to = feed.DryRun(h.svc)
	}
	go func() {
		defer h.background.Done()
		defer cancel()
		defer context.AfterFunc(h.alive, cancel)()
		for event := range feed.Import(ctx, to, counted{text, &run.read}, cfg) {
			run.take(&event)
		}
		h.logImport(ctx, run)
		if !dry {
			job.mu.Lock()
			job.closeFile()
			job.mu.Unlock()
		}
		h.imports.end(job)
		close(run.done)
	}()
	return nil
}

// counted counts the bytes that are read.
type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// take notes what happens.
func (r *importRun) take(e *feed.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e.Kind {
	case feed.EventRefused, feed.EventWarning:
		r.note(e)
		return // the next progress shows it
	case feed.EventProgress:
		r.counts = *e.Counts
	case feed.EventFailed:
		r.failure = e.Message
		if e.Line > 0 {
			r.failure = "line " + strconv.Itoa(e.Line) + ": " + e.Message
		}
	case feed.EventSummary:
		r.counts, r.complete, r.ended = *e.Counts, *e.Complete, time.Now()
		r.csv.Flush()
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *importRun) note(e *feed.Event) {
	if len(r.told) < shownRefusals {
		r.told = append(r.told, *e)
	}
	for _, f := range append([]feed.Fault{{Field: e.Field, Code: e.Code, Message: e.Message}}, e.More...) {
		if r.reported++; r.reported > mostReported {
			return
		}
		_ = r.csv.Write([]string{string(e.Kind), strconv.Itoa(e.Line), harmless(e.SKU), f.Field, f.Code, harmless(f.Message)})
	}
}

// harmless keeps a spreadsheet from running a cell (OWASP, CSV Injection), as exports do.
func harmless(cell string) string {
	if cell != "" && strings.IndexByte("=+-@\t\r\n'", cell[0]) >= 0 {
		return "'" + cell
	}
	return cell
}

// news is closed as soon as there is something new.
func (r *importRun) news() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// refused reads the report. The run must be over.
func (r *importRun) refused() (*io.SectionReader, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.report.Section()
}

// over reports whether it has ended.
func (r *importRun) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// stop ends it after the batch at hand.
func (r *importRun) stop() {
	r.mu.Lock()
	r.cancelled = true
	r.mu.Unlock()
	r.cancel()
}

// logImport keeps what landed, for a browser that has gone will not show it.
func (h *Handler) logImport(ctx context.Context, r *importRun) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counts
	h.opts.Logger.InfoContext(ctx, "console: an import ended", "complete", r.complete, "dry_run", r.dry, "rows", c.Rows,
		"created", c.Created, "updated", c.Updated, "unchanged", c.Unchanged, "refused", c.Refused, "failure", r.failure)
}
