package httpapi

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// buffer holds a body while it is read or built.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func getBuffer() *buffer { return buffers.Get().(*buffer) }

// putBuffer keeps a buffer for the next request, also one that has held a page of 200 products, unless
// a rare big body would stay in memory.
func putBuffer(buf *buffer) {
	if cap(buf.b) <= 256<<10 {
		buf.b = buf.b[:0]
		buffers.Put(buf)
	}
}

// fixedHeaders are values that many answers share. They are never changed.
type fixedHeaders struct {
	json, problem, ndjson, csv, eventStream, html, revalidate []string
}

func newFixedHeaders() fixedHeaders {
	return fixedHeaders{
		json:        []string{mediaJSON},
		problem:     []string{"application/problem+json"},
		ndjson:      []string{mediaNDJSON},
		csv:         []string{mediaCSV + "; charset=utf-8; header=present"},
		eventStream: []string{mediaEventStream},
		html:        []string{"text/html; charset=utf-8"},
		// A catalogue behind authorisation is nobody else's to keep, and a price must not be
		// stale; a revalidation with the ETag costs a 304.
		revalidate: []string{"private, no-cache"},
	}
}

// write sends a whole answer. The client's absence is no error of ours.
func (h *Handler) write(w http.ResponseWriter, status int, contentType []string, body []byte) {
	header := w.Header()
	header["Content-Type"] = contentType
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	if len(body) > 64<<10 && h.opts.Timeout > 0 {
		// More than sockets buffer: a client that takes nothing must not hold its place forever.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(h.opts.Timeout))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// writeProduct answers a write with the product as it left it, and with the stock of the same
// moment if the client wants it.
func (h *Handler) writeProduct(w http.ResponseWriter, r *http.Request, status int, o *product.Outcome) {
	view := viewOf(r)
	var stock *product.Stock
	if view.stock {
		stock = &o.Stock
	}
	replayed(w, r)
	buf := getBuffer()
	defer putBuffer(buf)
	buf.b = appendTag(buf.b, &o.Product, stock)
	h.tag(w, buf.b)
	buf.b = view.append(buf.b[:0], &o.Product, stock)
	h.write(w, status, h.headers.json, buf.b)
}

// showProduct answers a read: with the stock if the client wants it, and with nothing but the
// ETag if it has it all already. Which fields it wants to see does not change the tag: it is the
// product's, so that it serves as If-Match whatever was looked at.
func (h *Handler) showProduct(w http.ResponseWriter, r *http.Request, p *product.Product) error {
	view := viewOf(r)
	var stock *product.Stock
	if view.stock {
		s, err := h.svc.Stock(r.Context(), p.ID)
		if err != nil {
			return err
		}
		stock = &s
	}
	buf := getBuffer()
	defer putBuffer(buf)
	buf.b = appendTag(buf.b, p, stock)
	return h.show(w, r, buf, h.headers.json, func(b []byte) []byte { return view.append(b, p, stock) })
}

// writeStock answers a write with the stock as it left it.
func (h *Handler) writeStock(w http.ResponseWriter, s product.Stock) {
	buf := getBuffer()
	defer putBuffer(buf)
	buf.b = append(appendStockTag(append(buf.b, '"'), s), '"')
	h.tag(w, buf.b)
	buf.b = productjson.AppendStock(buf.b[:0], s)
	h.write(w, http.StatusOK, h.headers.json, buf.b)
}

// show answers a read whose quoted tag is in buf, as the request's preconditions decide.
func (h *Handler) show(w http.ResponseWriter, r *http.Request, buf *buffer, contentType []string, appendBody func([]byte) []byte) error {
	status, err := evaluate(r, buf.b[1:len(buf.b)-1])
	if err != nil {
		return err
	}
	h.tag(w, buf.b)
	if status == http.StatusNotModified {
		w.WriteHeader(status)
		return nil
	}
	buf.b = appendBody(buf.b[:0])
	h.write(w, status, contentType, buf.b)
	return nil
}

func (h *Handler) tag(w http.ResponseWriter, quoted []byte) {
	header := w.Header()
	header["Etag"] = []string{string(quoted)}
	header["Cache-Control"] = h.headers.revalidate
}

// flushes reports whether what is written can be sent at once. The writer beneath all others decides:
// those of gin and echo offer Flush above any, and then do nothing or panic.
func flushes(w http.ResponseWriter) bool {
	for next := unwrap(w); next != nil; next = unwrap(w) {
		w = next
	}
	switch w.(type) {
	case http.Flusher, interface{ FlushError() error }:
		return true
	}
	return false
}

// flush sends what has been written, if that can be. It asks every writer: the first that offers
// Flush, with which [http.ResponseController] contents itself, may not look beyond the next.
func flush(w http.ResponseWriter) error {
	var err error
	for ; w != nil; w = unwrap(w) {
		switch f := w.(type) {
		case interface{ FlushError() error }:
			err = errors.Join(err, f.FlushError())
		case http.Flusher:
			f.Flush()
		}
	}
	return err
}

// unwrap returns what a middleware's ResponseWriter writes to, nil if that cannot be known.
func unwrap(w http.ResponseWriter) http.ResponseWriter {
	if u, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
		return u.Unwrap()
	}
	return nil
}
