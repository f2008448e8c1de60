package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/internal/spool"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// importPage is what the page of one import shows.
type importPage struct {
	form
	ID, Name, Size string
	Kept           bool // the file is there, and nothing runs
	Progress       *progress
	Settings       []field
	Columns        []mappedColumn
	Sample         sample
	After          string // until when the file is kept without being looked at
}

// mappedColumn is one of the file with what it is read as.
type mappedColumn struct {
	Name  string
	Field field
	Cells []string
}

// showImport shows how a file is read, how far it is, or what came of it.
func (h *Handler) showImport(w http.ResponseWriter, r *http.Request) error {
	job, err := h.importOf(r)
	if err != nil {
		return h.importGone(w, r, err)
	}
	run := job.current()
	if r.Header.Get("HX-Target") == "progress" && (run == nil || run.over()) {
		w.Header().Set("HX-Refresh", "true") // there is more to show than progress
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	s := job.readAs()
	return h.renderImport(w, r, job, s, form{values: s.values()})
}

// importGone tells a page that waits for news that there will be none: it loads anew, and is told why.
func (h *Handler) importGone(w http.ResponseWriter, r *http.Request, err error) error {
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Refresh", "true")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return err
}

func (h *Handler) renderImport(w http.ResponseWriter, r *http.Request, job *importJob, s settings, f form) error {
	p := importPage{form: f, ID: job.id, Name: job.name, Size: bytesOf(job.file.Size()), After: inWords(h.opts.KeepImports)}
	running := false
	if run := job.current(); run != nil {
		now := run.progress()
		p.Progress, running = &now, !now.Over
	}
	if !running {
		tasted, err := job.taste(r.Context(), s)
		if err == nil || !errors.Is(err, errImportGone) {
			p.Kept, p.Sample = true, tasted
			p.tell(err)
			p.show(s)
		}
	}
	status := http.StatusOK
	if f.Wrong() {
		status = http.StatusUnprocessableEntity
	}
	return h.render(w, r, status, "import.html", p.Name, p)
}

// tell shows why the file cannot be read this way.
func (p *importPage) tell(err error) {
	var structure *feed.StructureError
	switch {
	case err == nil || p.Wrong():
	case errors.As(err, &structure):
		p.Others = append(p.Others, product.Fault{Field: fmt.Sprintf("Line %d:", structure.Line), Message: structure.Message})
	case !p.add(err, settingNames):
		p.Others = append(p.Others, product.Fault{Field: "The file", Message: "cannot be read"})
	}
}

func (p *importPage) show(s settings) {
	p.Settings = []field{
		p.field(field{Name: "format", Label: "Format", Type: "select", Options: []option{{"native", "CSV"}, {"shopify", "Shopify's CSV"}, {"ndjson", "NDJSON"}}}),
		p.field(field{Name: "encoding", Label: "Encoding", Type: "select", Options: []option{{"", "UTF-8 or UTF-16"}, {"windows-1252", "Windows-1252"}, {"utf-16le", "UTF-16, little-endian"}, {"utf-16be", "UTF-16, big-endian"}}}),
		p.field(field{Name: "currency", Label: "Currency", Type: "text", Hint: "Where the file names none, such as EUR"}),
		p.field(field{Name: "image_base", Label: "Images lie below", Type: "text", Hint: "Where the file has paths, such as https://shop.example/media"}),
	}
	for i, name := range s.columns {
		cells := p.Sample.cells[name]
		c := mappedColumn{Name: name, Cells: cells[:min(len(cells), 3)]}
		c.Field = p.field(field{Name: columnField(i), Label: "What " + name + " is read as", Options: fieldChoices(name, s.fields[name])})
		p.Columns = append(p.Columns, c)
	}
}

// changeImport takes how the file is to be read, and tries or runs it if asked to.
func (h *Handler) changeImport(w http.ResponseWriter, r *http.Request) error {
	job, err := h.importOf(r)
	if err != nil {
		return err
	}
	if run := job.current(); run != nil && !run.over() {
		return h.redirect(w, r, "/import/"+job.id) // from another window
	}
	s := job.readAs()
	s.fill(r.PostForm)
	f := form{values: r.PostForm}
	if err := s.config().Validate(); err != nil && !f.add(err, settingNames) {
		return err
	}
	if f.Wrong() {
		return h.renderImport(w, r, job, s, f)
	}
	if text := job.text(); text != nil {
		s.findColumns(text)
	}
	job.mu.Lock()
	job.settings = s
	job.mu.Unlock()
	if do := r.PostForm.Get("do"); do == "import" || do == "try" {
		if _, err := job.taste(r.Context(), s); err != nil {
			return h.redirect(w, r, "/import/"+job.id) // where it is told
		}
		if err := h.startImport(r.Context(), job, do == "try"); err != nil {
			return err
		}
	}
	return h.redirect(w, r, "/import/"+job.id)
}

// cancelImport ends what runs, after the batch at hand, or forgets a file that only waits.
func (h *Handler) cancelImport(w http.ResponseWriter, r *http.Request) error {
	job, err := h.importOf(r)
	if err != nil {
		return err
	}
	run := job.current()
	if run == nil || run.over() {
		h.imports.discard(job)
		return h.redirect(w, r, "/import")
	}
	run.stop()
	wait, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	select {
	case <-run.done: // so that the next page says what was written
	case <-wait.Done():
	}
	return h.redirect(w, r, "/import/"+job.id)
}

// refusedRows sends what was refused and warned of as a file.
func (h *Handler) refusedRows(w http.ResponseWriter, r *http.Request) error {
	job, err := h.importOf(r)
	if err != nil {
		return err
	}
	run := job.current()
	if run == nil || !run.over() {
		return product.ErrNotFound
	}
	body, err := run.refused()
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	header.Set("Content-Disposition", `attachment; filename="refused.csv"`)
	header.Set("Content-Length", strconv.FormatInt(body.Size(), 10))
	spool.Send(w, r, body, h.opts.StreamIdle)
	return nil
}

// maxWatchers is how many pages are told at once how imports go; others ask.
const maxWatchers = 64

// watchImport streams the page's part "#progress" as events (HTML, section 9.2), at least once a second.
func (h *Handler) watchImport(w http.ResponseWriter, r *http.Request) error {
	job, err := h.importOf(r)
	if err != nil {
		return err
	}
	defer h.watchers.Add(-1)
	if h.watchers.Add(1) > maxWatchers {
		return httpapi.ErrTooManyRequests
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	control := http.NewResponseController(w)
	send := func(event string, data []byte) bool {
		var deadline time.Time
		if h.opts.StreamIdle >= 0 {
			deadline = time.Now().Add(h.opts.StreamIdle)
		}
		_ = control.SetWriteDeadline(deadline)
		_, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, bytes.ReplaceAll(data, []byte("\n"), []byte("\ndata: ")))
		return err == nil && control.Flush() == nil
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		run := job.current()
		if run == nil || run.over() {
			send("end", []byte("end"))
			return nil
		}
		news := run.news()
		now := run.progress()
		var b bytes.Buffer
		if err := pages()["import.html"].ExecuteTemplate(&b, "#progress", page{Mount: h.mount(r), Data: importPage{ID: job.id, Progress: &now}}); err != nil {
			return err
		}
		if !send("part", bytes.TrimSpace(b.Bytes())) {
			return nil
		}
		select {
		case <-news:
		case <-tick.C:
		case <-run.done:
		case <-r.Context().Done():
			return nil
		case <-h.alive.Done():
			return nil // the browser comes again, to whoever serves then
		}
	}
}
