package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// streamLimit is how many changes a stream writes before it looks whether they were taken.
const streamLimit = 100

// eventStream writes server-sent events (WHATWG HTML, section 9.2).
type eventStream struct {
	h       *Handler
	w       http.ResponseWriter
	control *http.ResponseController
	buf     *buffer
}

// streamChanges sends changes as they come, until the client goes, takes nothing for too long, or
// must begin anew. Last-Event-ID, with which a browser comes back, counts more than after.
func (h *Handler) streamChanges(w http.ResponseWriter, r *http.Request, q changesQuery) error {
	if !flushes(w) { // events would stay in buffers until there are 4 KiB of them
		h.opts.Logger.WarnContext(r.Context(), "httpapi: a stream of changes was refused, because a middleware's ResponseWriter has neither Flush nor Unwrap",
			"request_id", w.Header().Get(headerRequestID), "writer", fmt.Sprintf("%T", w))
		return &problem{kind: errNotAcceptable, detail: "Streams do not get through this server. Accept application/json, and give wait=30s to be answered by the next change."}
	}
	if last := field(r, "Last-Event-Id"); last != "" {
		seq, err := strconv.ParseInt(last, 10, 64)
		if err != nil || seq < 0 {
			return &problem{kind: errBadHeader, detail: "Last-Event-ID must be the id of the last event that was received."}
		}
		q.after = product.Seq(seq)
	}
	page, err := h.svc.Changes(r.Context(), q.after, streamLimit) // what is refused is refused before the stream begins
	if err != nil {
		return parameterError(err)
	}
	header := w.Header()
	header["Content-Type"] = h.headers.eventStream
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would keep the events for itself
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	s := &eventStream{h: h, w: w, control: http.NewResponseController(w), buf: getBuffer()}
	defer putBuffer(s.buf)
	_ = s.control.SetReadDeadline(time.Time{}) // the server's would end the request
	ctx, stop := h.untilDrained(r.Context())
	defer stop()
	s.buf.b = append(s.buf.b, "retry: 3000\n\n"...)
	err = s.follow(ctx, q.after, page)
	if r.Context().Err() == nil || errors.Is(err, os.ErrDeadlineExceeded) { // the client has not gone by itself
		h.opts.Logger.InfoContext(r.Context(), "httpapi: a stream of changes was ended", "request_id", header.Get(headerRequestID), "error", err)
	}
	return nil
}

// follow sends page after page until an error ends the stream, and tells the client which.
func (s *eventStream) follow(ctx context.Context, after product.Seq, page []product.Change) error {
	for {
		for i := range page {
			s.change(&page[i])
		}
		if err := s.send(); err != nil {
			return err
		}
		after = following(page, after)
		var err error
		page, err = s.await(ctx, after)
		switch {
		case ctx.Err() != nil:
			return s.end(product.ErrClosed) // whatever the interrupted query says
		case err != nil:
			return s.end(err)
		case len(page) == 0:
			s.buf.b = append(s.buf.b, ":\n\n"...) // a comment, which shows everybody between that both ends are there
		}
	}
}

// await waits for changes. It returns none when it is time for a sign of life.
func (s *eventStream) await(ctx context.Context, after product.Seq) ([]product.Change, error) {
	if s.h.opts.Heartbeat < 0 {
		return s.h.svc.AwaitChanges(ctx, after, streamLimit)
	}
	silent, cancel := context.WithTimeout(ctx, s.h.opts.Heartbeat)
	defer cancel()
	page, err := s.h.svc.AwaitChanges(silent, after, streamLimit)
	if err != nil && err == silent.Err() { // and not the database's own deadline
		return nil, nil
	}
	return page, err
}

// change appends an event. JSON has no line ends, which would end the data.
func (s *eventStream) change(c *product.Change) {
	b := strconv.AppendInt(append(s.buf.b, "id: "...), int64(c.Seq), 10)
	b = c.AppendJSON(append(b, "\nevent: change\ndata: "...))
	s.buf.b = append(b, "\n\n"...)
}

// send sends what has been appended. The client has [Options].FollowIdle to take it.
func (s *eventStream) send() error {
	_ = s.control.SetWriteDeadline(s.h.followDeadline())
	_, err := s.w.Write(s.buf.b)
	s.buf.b = s.buf.b[:0]
	if err == nil {
		err = flush(s.w)
	}
	return err
}

// end closes the stream with an event that has the problem's type, and where to go on if that
// is somewhere else. It returns its cause.
func (s *eventStream) end(cause error) error {
	kind := kindOf(cause)
	b := productjson.AppendString(append(s.buf.b, "event: end\ndata: {\"type\":"...), s.h.opts.ProblemBase+kind.slug)
	b = productjson.AppendString(append(b, `,"title":`...), kind.title)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(kind.status), 10)
	b = productjson.AppendString(append(b, `,"detail":`...), kind.detail)
	var expired *product.ChangesExpiredError
	if errors.As(cause, &expired) {
		b = appendRange(b, expired)
	}
	s.buf.b = append(b, "}\n\n"...)
	return errors.Join(cause, s.send())
}

// appendRange appends how far the feed reaches.
func appendRange(b []byte, e *product.ChangesExpiredError) []byte {
	b = strconv.AppendInt(append(b, `,"oldest":`...), int64(e.Oldest), 10)
	return strconv.AppendInt(append(b, `,"newest":`...), int64(e.Newest), 10)
}
