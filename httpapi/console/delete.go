package console

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/productkit-go/productkit/product"
)

// deleteProduct marks a product as deleted, if it is still as the page has shown it.
func (h *Handler) deleteProduct(w http.ResponseWriter, r *http.Request) error {
	p, err := h.find(r)
	if err != nil {
		return err
	}
	to := "/products/" + p.ID.String() + "?done=deleted"
	if p.Deleted() {
		return h.redirect(w, r, to)
	}
	version, _ := strconv.ParseInt(r.PostForm.Get("version"), 10, 64) // any other is met by no product
	switch err := h.svc.Delete(r.Context(), p.ID, product.IfVersion(version)); {
	case err == nil, errors.Is(err, product.ErrNotFound): // somebody else did
		return h.redirect(w, r, to)
	case errors.Is(err, product.ErrPreconditionFailed):
		if p, err = h.find(r); err != nil {
			return err
		}
		return h.renderProduct(w, r, http.StatusConflict, &p, productPage{Wrong: "Somebody else has changed the product meanwhile, so it was not deleted. Look at it as it is now, and delete it then."})
	default:
		return err
	}
}

// restoreProduct brings a deleted product back.
func (h *Handler) restoreProduct(w http.ResponseWriter, r *http.Request) error {
	p, err := h.find(r)
	if err != nil {
		return err
	}
	var taken *product.TakenError
	_, err = h.svc.Restore(r.Context(), p.ID, product.Expect{})
	switch {
	case errors.As(err, &taken):
		page := productPage{Taken: taken.By.String(), Wrong: "It was not restored: its SKU is another product's by now."}
		if taken.Field == "options" {
			page.Wrong = "It was not restored: another product of its group has its options by now."
		}
		return h.renderProduct(w, r, http.StatusConflict, &p, page)
	case err != nil:
		return err
	}
	return h.redirect(w, r, "/products/"+p.ID.String()+"?done=restored")
}
