package httpapi

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

func (h *Handler) listProducts(w http.ResponseWriter, r *http.Request) error {
	query, err := parseQuery(r.URL.Query())
	if err != nil {
		return err
	}
	page, err := h.svc.List(r.Context(), query)
	if err != nil {
		return parameterError(err)
	}
	return h.writeItems(w, r, page.Items, func(b []byte) []byte {
		if page.Next != "" {
			b = productjson.AppendString(append(b, `,"next_cursor":`...), page.Next)
		}
		return b
	})
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
	var stocks map[uuid.UUID]product.Stock
	if includesStock(r) && len(items) > 0 {
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
		b = appendWithStock(b, &items[i], stock)
	}
	buf.b = append(rest(append(b, ']')), '}')
	w.Header()["Cache-Control"] = h.headers.revalidate
	h.write(w, http.StatusOK, h.headers.json, buf.b)
	return nil
}
