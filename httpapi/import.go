package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/productkit-go/productkit/internal/spool"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

func importParams() []string {
	return []string{"format", "currency", "map", "image_base", "encoding", "dry_run"}
}

// importProducts streams both ways: it reads as fast as rows are merged, and tells what happens
// meanwhile. A file that cannot be read at all is answered with a problem; once the first event
// is out, whatever else goes wrong is an event too.
func (h *Handler) importProducts(w http.ResponseWriter, r *http.Request) error {
	if err := checkMedia(w, r, mediaCSV, mediaNDJSON); err != nil {
		return err
	}
	cfg, dry, err := importConfig(r)
	if err != nil {
		return err
	}
	var catalogue feed.Merger = h.svc
	if dry {
		catalogue = feed.DryRun(h.svc)
	}
	s := &stream{h: h, w: w, r: r, control: http.NewResponseController(w)}
	if err := s.control.EnableFullDuplex(); err != nil && r.ProtoMajor == 1 {
		// An HTTP/1 server would now read 256 KiB of the body away before it sends the first event.
		s.held = new(spool.Spool)
		defer func() { _ = s.held.Close() }()
	}
	// The server cancels a request whose body breaks off; what was read whole is merged anyway.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	stop := context.AfterFunc(r.Context(), func() {
		if s.ended.Load() {
			cancel() // the client has sent everything and gone
		}
	})
	defer stop()
	for event := range feed.Import(ctx, catalogue, s, cfg) {
		if err := refusal(&event); err != nil && !s.begun {
			s.hangUp()
			return err
		}
		if event.Kind == feed.EventSummary {
			s.log(&event, dry)
		}
		if !s.gone && !s.send(&event) {
			// Nobody listens any more. The batch under way lands, and the summary is still to come.
			s.gone = true
			s.hangUp()
			cancel()
			_ = s.control.SetReadDeadline(time.Now()) // nobody sends any more either
		}
	}
	return nil
}

// importConfig reads the parameters. The format follows from the media type, unless it is one of
// the formats in CSV.
func importConfig(r *http.Request) (cfg feed.Config, dry bool, err error) {
	v := paramReader{values: r.URL.Query()}
	cfg = feed.Config{
		Format:    feed.Format(v.values.Get("format")),
		Currency:  v.values.Get("currency"),
		Encoding:  v.values.Get("encoding"),
		ImageBase: v.values.Get("image_base"),
	}
	if flag := v.flag("dry_run"); flag != nil {
		dry = *flag
	}
	media, _, _ := mime.ParseMediaType(field(r, "Content-Type"))
	lines := media == mediaNDJSON
	if lines && cfg.Format == "" {
		cfg.Format = feed.NDJSON
	}
	if lines != (cfg.Format == feed.NDJSON) {
		v.fault("format", "mismatch", "does not fit Content-Type; send ndjson as "+mediaNDJSON+", and native and shopify as "+mediaCSV)
	}
	if text := v.values.Get("map"); text != "" {
		cfg.Map, err = feed.ParseMap(text)
		v.add(err)
	}
	v.add(cfg.Validate())
	return cfg, dry, badParameters(v.faults)
}

// refusal is why nothing of a file was taken, if so.
func refusal(e *feed.Event) error {
	var structure *feed.StructureError
	switch c := e.Counts; {
	case e.Kind != feed.EventFailed || c != nil && c.Created+c.Updated+c.Unchanged > 0:
		return nil
	case errors.As(e.Err, &structure):
		detail := fmt.Sprintf("The file cannot be read. Line %d: %s.", structure.Line, structure.Message)
		return &problem{kind: errMalformed, detail: detail, faults: []product.Fault{{Code: structure.Code, Message: structure.Message}}}
	}
	return e.Err
}

// stream is the two directions of an import.
type stream struct {
	h       *Handler
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	held    *spool.Spool // what is sent only when the body has ended; nil if events may go out before
	begun   bool         // the answer has begun
	gone    bool         // the client takes no more
	err     error        // of the body
	ended   atomic.Bool  // the body has been read to its end
}

// Read reads the body. It waits for the client as long as [Options].ImportIdle allows. Its
// first error stays.
func (s *stream) Read(p []byte) (n int, err error) {
	switch {
	case s.err != nil:
	case s.r.Body == nil:
		s.err = io.EOF
	default:
		s.err = s.r.Context().Err()
	}
	if s.err != nil {
		return 0, s.err
	}
	_ = s.control.SetReadDeadline(s.h.idleDeadline())
	n, err = s.r.Body.Read(p)
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF:
		s.ended.Store(true)
		// From here on the server listens for the client's leaving, which a deadline would
		// look like.
		_ = s.control.SetReadDeadline(time.Time{})
		s.err = err
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.err = cut{errSlowBody, "nothing came for too long"}
	case !errors.Is(err, io.ErrUnexpectedEOF) && s.r.Context().Err() != nil:
		s.err = s.r.Context().Err()
	default:
		s.err = cut{errBrokenBody, "the request ended early"}
	}
	return n, s.err
}

// cut is an error of the body in words that may stand in an event.
type cut struct {
	error
	text string
}

func (c cut) Error() string { return c.text }
func (c cut) Unwrap() error { return c.error }

// log keeps what landed, for a client that has gone will not read it.
func (s *stream) log(e *feed.Event, dry bool) {
	level, c := slog.LevelInfo, e.Counts
	if !*e.Complete || s.gone {
		level = slog.LevelWarn
	}
	s.h.opts.Logger.Log(s.r.Context(), level, "httpapi: an import ended", "request_id", s.w.Header().Get(headerRequestID),
		"complete", *e.Complete, "dry_run", dry, "rows", c.Rows, "created", c.Created, "updated", c.Updated,
		"unchanged", c.Unchanged, "refused", c.Refused)
}

// send writes one event and reports whether the client takes it.
func (s *stream) send(e *feed.Event) bool {
	if e.Kind == feed.EventFailed {
		s.h.opts.Logger.WarnContext(s.r.Context(), "httpapi: an import ended early", "request_id", s.w.Header().Get(headerRequestID), "line", e.Line, "error", e.Err)
	}
	line, err := json.Marshal(e)
	if err != nil {
		s.h.opts.Logger.ErrorContext(s.r.Context(), "httpapi: an import event cannot be encoded", "error", err)
		return false
	}
	line = append(line, '\n')
	if !s.begun {
		s.begun = true
		s.w.Header()["Content-Type"] = s.h.headers.ndjson
		s.w.Header().Set("Cache-Control", "no-store")
	}
	if s.held != nil {
		return s.hold(line, e.Kind == feed.EventSummary)
	}
	_ = s.control.SetWriteDeadline(s.h.idleDeadline())
	if _, err := s.w.Write(line); err != nil {
		return false
	}
	if e.Kind == feed.EventRefused || e.Kind == feed.EventWarning || !flushes(s.w) {
		return true // there may be thousands; the next progress event brings them
	}
	return flush(s.w) == nil
}

// hold keeps a line for later, and after the last sends them all.
func (s *stream) hold(line []byte, last bool) bool {
	_, err := s.held.Write(line)
	if err == nil && !last {
		return true
	}
	lines, again := s.held.Rewind()
	if err = errors.Join(err, again); err != nil {
		s.h.opts.Logger.ErrorContext(s.r.Context(), "httpapi: an import's events cannot be kept", "error", err)
		return false
	}
	_, err = io.Copy(s.w, lines)
	return err == nil
}

// hangUp makes the server close the connection after the answer if the rest of the body would
// have to be read first.
func (s *stream) hangUp() {
	if !s.ended.Load() && !s.begun && s.r.ProtoMajor == 1 {
		s.w.Header().Set("Connection", "close")
	}
}
