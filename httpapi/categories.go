package httpapi

import (
	"net/http"

	"github.com/productkit-go/productkit/product"
)

func (h *Handler) getCategories(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	v := paramReader{values: query}
	q := product.CategoryQuery{
		Under:     query.Get("under"),
		Depth:     v.number("depth", product.MaxNameLen),
		Status:    product.Status(query.Get("status")),
		Published: v.flag("published"),
	}
	if err := badParameters(v.faults); err != nil {
		return err
	}
	root, err := h.svc.Categories(r.Context(), q)
	if err != nil {
		return parameterError(err)
	}
	buf := getBuffer()
	defer putBuffer(buf)
	buf.b = root.AppendJSON(buf.b)
	w.Header()["Cache-Control"] = h.headers.revalidate
	h.write(w, http.StatusOK, h.headers.json, buf.b)
	return nil
}
