package httpapi

import (
	"net/http"

	"github.com/productkit-go/productkit/internal/productjson"
)

func (h *Handler) getStock(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	stock, err := h.svc.Stock(r.Context(), id)
	if err != nil {
		return err
	}
	buf := getBuffer()
	defer putBuffer(buf)
	buf.b = append(appendStockTag(append(buf.b, '"'), stock), '"')
	return h.show(w, r, buf, h.headers.json, func(b []byte) []byte { return productjson.AppendStock(b, stock) })
}

func (h *Handler) adjustStock(w http.ResponseWriter, r *http.Request) error {
	id, expect, err := h.target(r, stockRevision)
	if err != nil {
		return err
	}
	change, err := decode(h, w, r, productjson.DecodeStockChange, mediaJSON)
	if err != nil {
		return err
	}
	stock, err := h.svc.AdjustStock(r.Context(), id, change.Delta, change.Reason, expect)
	if err != nil {
		return err
	}
	replayed(w, r)
	h.writeStock(w, stock)
	return nil
}

func (h *Handler) setStock(w http.ResponseWriter, r *http.Request) error {
	id, expect, err := h.target(r, stockRevision)
	if err != nil {
		return err
	}
	onHand, err := decode(h, w, r, productjson.DecodeStockLevel, mediaJSON)
	if err != nil {
		return err
	}
	stock, err := h.svc.SetStock(r.Context(), id, onHand, expect)
	if err != nil {
		return err
	}
	replayed(w, r)
	h.writeStock(w, stock)
	return nil
}
