package httpapi

import (
	"net/http"

	"github.com/productkit-go/productkit/product"
)

// getHistory answers for deleted products too.
func (h *Handler) getHistory(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	v := paramReader{values: query}
	q := product.HistoryQuery{Limit: v.limit(product.MaxLimit), Cursor: query.Get("cursor")}
	if err := badParameters(v.faults); err != nil {
		return err
	}
	page, err := h.svc.History(r.Context(), id, q)
	if err != nil {
		return parameterError(err)
	}
	buf := getBuffer()
	defer putBuffer(buf)
	b := append(buf.b, `{"items":[`...)
	for i := range page.Changes {
		if i > 0 {
			b = append(b, ',')
		}
		b = page.Changes[i].AppendJSON(b)
	}
	buf.b = append(appendNext(append(b, ']'), page.Next), '}')
	w.Header()["Cache-Control"] = h.headers.revalidate
	h.write(w, http.StatusOK, h.headers.json, buf.b)
	return nil
}
