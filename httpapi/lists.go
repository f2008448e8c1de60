package httpapi

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

func (h *Handler) listProducts(w http.ResponseWriter, r *http.Request) error {
	query, count, err := parseQuery(r.URL.Query())
	if err != nil {
		return err
	}
	page, err := h.svc.List(r.Context(), query)
	if err != nil {
		return parameterError(err)
	}
	var counted product.Count
	if count {
		if counted, err = h.svc.Count(r.Context(), query); err != nil {
			return err
		}
	}
	return h.writeItems(w, r, page.Items, func(b []byte) []byte {
		b = appendNext(b, page.Next)
		if count {
			b = appendCount(b, counted)
		}
		return b
	})
}

func appendNext(b []byte, cursor string) []byte {
	if cursor == "" {
		return b
	}
	return productjson.AppendString(append(b, `,"next_cursor":`...), cursor)
}

func appendCount(b []byte, c product.Count) []byte {
	b = strconv.AppendInt(append(b, `,"count":{"value":`...), int64(c.Value), 10)
	if c.Exact {
		return append(b, `,"precision":"exact"}`...)
	}
	return append(b, `,"precision":"at_least"}`...)
}

func (h *Handler) lookupProducts(w http.ResponseWriter, r *http.Request) error {
	keys, err := decode(h, w, r, productjson.DecodeLookup, mediaJSON)
	if err != nil {
		return err
	}
	found, missing, err := h.svc.Lookup(r.Context(), keys)
	if err != nil {
		return err
	}
	return h.writeItems(w, r, found, func(b []byte) []byte {
		b = append(b, `,"missing":[`...)
		for i, key := range missing {
			if i > 0 {
				b = append(b, ',')
			}
			b = productjson.AppendKey(b, key)
		}
		return append(b, ']')
	})
}

// writeItems answers with products, with their stock if the client wants it, and what rest
// appends behind them.
func (h *Handler) writeItems(w http.ResponseWriter, r *http.Request, items []product.Product, rest func([]byte) []byte) error {
	view := viewOf(r)
	var stocks map[uuid.UUID]product.Stock
	if view.stock && len(items) > 0 {
		ids := make([]uuid.UUID, len(items))
		for i := range items {
			ids[i] = items[i].ID
		}
		var err error
		if stocks, err = h.svc.Stocks(r.Context(), ids); err != nil {
			return err
		}
	}
	buf := getBuffer()
	defer putBuffer(buf)
	b := append(buf.b, `{"items":[`...)
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		var stock *product.Stock
		if s, ok := stocks[items[i].ID]; ok {
			stock = &s // a deleted product has none
		}
		b = view.append(b, &items[i], stock)
	}
	buf.b = append(rest(append(b, ']')), '}')
	w.Header()["Cache-Control"] = h.headers.revalidate
	h.write(w, http.StatusOK, h.headers.json, buf.b)
	return nil
}
