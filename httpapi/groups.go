package httpapi

import (
	"errors"
	"net/http"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// updateGroup patches every variant of a group and answers with all of them.
func (h *Handler) updateGroup(w http.ResponseWriter, r *http.Request) error {
	patch, err := decode(h, w, r, productjson.DecodePatch, mediaMergePatch, mediaJSON)
	if err != nil {
		return err
	}
	variants, err := h.svc.UpdateGroup(r.Context(), r.PathValue("group"), patch)
	switch {
	case errors.Is(err, product.ErrNotFound):
		return &problem{kind: product.ErrNotFound, detail: "There is no product in this group."}
	case err != nil:
		return contentError(err)
	}
	replayed(w, r)
	return h.writeItems(w, r, variants, func(b []byte) []byte { return b })
}
