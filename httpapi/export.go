package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/productkit-go/productkit/internal/spool"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// exportParams are those of a list that say which products, not how they are shown.
func exportParams() []string {
	shown := []string{"deleted", "q", "sort", "limit", "cursor", "include", "fields", "count"}
	return append(slices.DeleteFunc(listParams(), func(name string) bool { return slices.Contains(shown, name) }), "format")
}

// exportProducts reads a snapshot as fast as the database gives it and sends it as slowly as the
// client takes it: a connection held for a slow client would be missing to everybody else, and a
// snapshot held for hours keeps the servers from cleaning up. So it knows the length, too, and
// whatever goes wrong in the database is still a problem document.
func (h *Handler) exportProducts(w http.ResponseWriter, r *http.Request) error {
	query, _, err := parseQuery(r.URL.Query())
	if err != nil {
		return err
	}
	format, err := exportFormat(r)
	if err != nil {
		return err
	}
	var s spool.Spool
	defer func() {
		if err := s.Close(); err != nil {
			h.opts.Logger.WarnContext(r.Context(), "httpapi: an export's temporary file stays behind", "error", err)
		}
	}()
	if err := h.takeSnapshot(r.Context(), &s, query, format); err != nil {
		return parameterError(err)
	}
	body, err := s.Rewind()
	if err != nil {
		return err
	}
	header := w.Header()
	header["Content-Type"] = h.headers.csv
	name := "products.csv"
	if format == feed.NDJSON {
		header["Content-Type"] = h.headers.ndjson
		name = "products.ndjson"
	}
	header.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	header.Set("Content-Length", strconv.FormatInt(s.Size(), 10))
	header.Set("Cache-Control", "no-store")
	header.Set("Vary", "Accept")
	spool.Send(w, r, body, h.opts.ImportIdle)
	return nil
}

// takeSnapshot exports into the spool. One export reads at a time, and so holds one connection; the
// others wait for it as long as any operation may take.
func (h *Handler) takeSnapshot(ctx context.Context, s *spool.Spool, q product.Query, format feed.Format) error {
	if !h.snapshots.Take(ctx, h.opts.Timeout) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errLaneFull
	}
	defer h.snapshots.Leave()
	return feed.Export(ctx, h.svc, s, q, format)
}

// idleDeadline is until when a stream waits for its client.
func (h *Handler) idleDeadline() time.Time {
	if h.opts.ImportIdle < 0 {
		return time.Time{}
	}
	return time.Now().Add(h.opts.ImportIdle)
}

// exportFormat is what the parameter format says, or else what the client likes best of what there
// is (RFC 9110, section 12.5.1): CSV unless it prefers NDJSON.
func exportFormat(r *http.Request) (feed.Format, error) {
	switch format := feed.Format(r.URL.Query().Get("format")); format {
	case "":
	case feed.Native, feed.NDJSON:
		return format, nil
	default:
		return "", badParameters([]product.Fault{{Field: "format", Code: "unknown", Message: "can be native, which is CSV, or ndjson"}})
	}
	accept := r.Header.Values("Accept")
	if strings.Join(accept, "") == "" {
		return feed.Native, nil
	}
	csv, ndjson := quality(accept, mediaCSV), quality(accept, mediaNDJSON)
	switch {
	case csv.q <= 0 && ndjson.q <= 0:
		return "", errNotAcceptable
	case ndjson.q > csv.q:
		return feed.NDJSON, nil
	}
	return feed.Native, nil
}
