package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/internal/spool"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// maxExports is how many exports are under way at once, most of them being sent.
const maxExports = 4

// exports bounds them: each holds its place until it is sent, and the one that reads holds a connection
// of the database.
type exports struct {
	places chan struct{}
	reads  spool.Turn
}

func newExports() exports {
	return exports{places: make(chan struct{}, maxExports), reads: spool.NewTurn()}
}

// export sends the products of the list's filter as a file. As the API does, it copies them first, so that
// a slow browser holds no connection and what goes wrong is a page.
func (h *Handler) export(w http.ResponseWriter, r *http.Request) error {
	values := r.URL.Query()
	f := parseFilter(values)
	format := feed.Format(values.Get("format"))
	select {
	case h.exports.places <- struct{}{}:
		defer func() { <-h.exports.places }()
	default:
		return httpapi.ErrTooManyRequests
	}
	var s spool.Spool
	defer func() {
		if err := s.Close(); err != nil {
			h.opts.Logger.WarnContext(r.Context(), "console: an export's temporary file stays behind", "error", err)
		}
	}()
	if f.Wrong() {
		return product.ErrInvalid
	}
	if err := h.takeSnapshot(r.Context(), &s, f.query, format); err != nil {
		return err
	}
	body, err := s.Rewind()
	if err != nil {
		return err
	}
	header, name := w.Header(), "products.csv"
	header.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	if format == feed.NDJSON {
		name = "products.ndjson"
		header.Set("Content-Type", "application/x-ndjson")
	}
	header.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	header.Set("Content-Length", strconv.FormatInt(s.Size(), 10))
	spool.Send(w, r, body, h.opts.StreamIdle)
	return nil
}

// takeSnapshot exports into the spool, one at a time; the others wait as long as a request may take.
func (h *Handler) takeSnapshot(ctx context.Context, s *spool.Spool, q product.Query, format feed.Format) error {
	if !h.exports.reads.Take(ctx, h.opts.Timeout) {
		return errors.Join(httpapi.ErrTooManyRequests, ctx.Err())
	}
	defer h.exports.reads.Leave()
	return feed.Export(ctx, h.svc, s, q, format)
}

// exportable says why the list's filter cannot be exported; it is empty if it can.
func (f *filter) exportable() string {
	switch {
	case f.Wrong():
		return "Correct the filter to export."
	case f.query.Text != "":
		return "An export does not search; clear the search to export."
	case f.query.Deleted:
		return "Deleted products are not exported."
	}
	return ""
}
