package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/productkit-go/productkit/product"
)

func changesParams() []string { return []string{"after", "limit", "wait"} }

// getChanges answers with a page of the change feed: at once, as soon as there is something, or as
// a stream without end.
func (h *Handler) getChanges(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Vary", "Accept")
	streamed, err := wantsStream(r.Header["Accept"])
	if err != nil {
		return err
	}
	q, err := h.parseChanges(r.URL.Query())
	if err != nil {
		return err
	}
	if streamed {
		return h.streamChanges(w, r, q)
	}
	page, err := h.awaitChanges(w, r, q)
	if err != nil {
		return parameterError(err)
	}
	buf := getBuffer()
	defer putBuffer(buf)
	b := append(buf.b, `{"items":[`...)
	for i := range page {
		if i > 0 {
			b = append(b, ',')
		}
		b = page[i].AppendJSON(b)
	}
	b = strconv.AppendInt(append(b, `],"next":`...), int64(following(page, q.after)), 10)
	buf.b = append(b, '}')
	w.Header().Set("Cache-Control", "no-store")
	h.write(w, http.StatusOK, h.headers.json, buf.b)
	return nil
}

// following is where to go on after a page.
func following(page []product.Change, after product.Seq) product.Seq {
	if len(page) == 0 {
		return after
	}
	return page[len(page)-1].Seq
}

// changesQuery is what a client wants of the feed.
type changesQuery struct {
	after product.Seq
	limit int
	wait  time.Duration
}

func (h *Handler) parseChanges(values url.Values) (changesQuery, error) {
	v := paramReader{values: values}
	q := changesQuery{after: v.seq("after"), limit: v.limit(product.MaxChanges), wait: min(v.duration("wait"), h.opts.MaxWait)}
	return q, badParameters(v.faults)
}

// awaitChanges returns the next page, or none when the client's time is up or the Handler drains.
func (h *Handler) awaitChanges(w http.ResponseWriter, r *http.Request, q changesQuery) ([]product.Change, error) {
	if q.wait <= 0 || r.Method == http.MethodHead || h.drained.Err() != nil {
		return h.svc.Changes(r.Context(), q.after, q.limit)
	}
	// The server's deadlines know nothing of waiting, and the one for reading ends the request.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{})
	defer func() { _ = control.SetWriteDeadline(h.followDeadline()) }()
	ctx, stop := h.untilDrained(r.Context())
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, q.wait)
	defer cancel()
	page, err := h.svc.AwaitChanges(ctx, q.after, q.limit)
	if err != nil && ctx.Err() != nil && r.Context().Err() == nil && !errors.Is(err, product.ErrClosed) {
		return nil, nil
	}
	return page, err
}

// Drain ends all waiting for changes, now and from now on: who waits is answered with nothing, and
// streams are closed and say so. An http.Server's Shutdown would wait for them otherwise, so
//
//	server.RegisterOnShutdown(h.Drain)
//
// Everything else is served as before. It may be called more than once.
func (h *Handler) Drain() { h.drain() }

// untilDrained returns a context that ends with ctx, and when the Handler drains.
func (h *Handler) untilDrained(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(h.drained, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

func (h *Handler) followDeadline() time.Time {
	if h.opts.FollowIdle < 0 {
		return time.Time{}
	}
	return time.Now().Add(h.opts.FollowIdle)
}
