package console

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

// newProduct shows an empty form, with the currency of what was touched last.
func (h *Handler) newProduct(w http.ResponseWriter, r *http.Request) error {
	f := newProductForm(nil)
	f.values.Set("status", string(product.StatusDraft))
	page, err := h.svc.List(r.Context(), product.Query{Sort: product.SortUpdatedDesc, Limit: 1})
	if err != nil {
		return err
	}
	for _, p := range page.Items {
		f.values.Set("price.currency", p.Price.Currency)
	}
	return h.renderForm(w, r, http.StatusOK, f)
}

// createProduct adds what the form of a new product says.
func (h *Handler) createProduct(w http.ResponseWriter, r *http.Request) error {
	f := readProductForm(r.PostForm, true)
	values, _ := f.chosen()
	d, err := f.draft(values)
	var p product.Product
	if err == nil {
		p, err = h.svc.Create(product.WithIdempotencyKey(r.Context(), f.Once), d)
	}
	switch {
	case err == nil:
		return h.redirect(w, r, "/products/"+p.ID.String()+"?done=created")
	case errors.Is(err, product.ErrKeyReused): // back in the browser, to make another one alike
		f.Once = uuid.NewString()
		if p, err = h.svc.Create(product.WithIdempotencyKey(r.Context(), f.Once), d); err == nil {
			return h.redirect(w, r, "/products/"+p.ID.String()+"?done=created")
		}
	}
	if !f.refused(err) {
		return err
	}
	return h.renderInvalid(w, r, f)
}

// editProduct shows a product's form.
func (h *Handler) editProduct(w http.ResponseWriter, r *http.Request) error {
	p, err := h.find(r)
	if err != nil {
		return err
	}
	if p.Deleted() {
		return h.redirect(w, r, "/products/"+p.ID.String())
	}
	return h.renderForm(w, r, http.StatusOK, newProductForm(&p))
}

// saveProduct changes what the form has changed, if the product is still the one that it was made from.
// Otherwise the form comes back beside the product as it is now.
func (h *Handler) saveProduct(w http.ResponseWriter, r *http.Request) error {
	for range 3 { // somebody may be faster by a moment, and then there is something else
		f := readProductForm(r.PostForm, false)
		p, err := h.find(r)
		if err == nil && p.Deleted() && r.PostForm.Has("restore") {
			p, err = h.bringBack(r, &p)
		}
		switch {
		case err != nil && !errors.Is(err, product.ErrTaken):
			return err
		case p.Deleted():
			f.ID, f.Name, f.Gone = p.ID.String(), p.Name, true
			if err != nil {
				f.refused(err)
			}
			return h.renderForm(w, r, http.StatusConflict, f)
		case p.Version != f.Version:
			return h.beside(w, r, f, &p)
		}
		f.begin(&p)
		patch, err := f.patch()
		if err == nil {
			_, err = h.svc.Update(r.Context(), p.ID, patch, product.IfVersion(f.Version))
		}
		switch {
		case err == nil:
			return h.redirect(w, r, "/products/"+p.ID.String()+"?done=saved")
		case errors.Is(err, product.ErrPreconditionFailed), errors.Is(err, product.ErrNotFound):
		case f.refused(err):
			return h.renderInvalid(w, r, f)
		default:
			return err
		}
	}
	return product.ErrBusy
}

// beside answers with both versions, or goes on to the product if they are equal: it was saved already.
func (h *Handler) beside(w http.ResponseWriter, r *http.Request, f *productForm, p *product.Product) error {
	if !f.meet(p) {
		return h.redirect(w, r, "/products/"+p.ID.String()+"?done=saved")
	}
	return h.renderForm(w, r, http.StatusConflict, f)
}

// bringBack restores a product, if that is allowed.
func (h *Handler) bringBack(r *http.Request, p *product.Product) (product.Product, error) {
	r, err := h.authenticate(r, httpapi.OpRestoreProduct)
	if err != nil {
		return *p, err
	}
	restored, err := h.svc.Restore(r.Context(), p.ID, product.IfVersion(p.Version))
	if err != nil {
		return *p, err
	}
	return restored, nil
}

// checkProduct says what the server would of a form that is not sent yet, about what was typed so far.
func (h *Handler) checkProduct(w http.ResponseWriter, r *http.Request) error {
	id := r.PostForm.Get("id")
	f := readProductForm(r.PostForm, id == "")
	d, err := f.draft(f.values)
	if err == nil {
		err = d.Validate()
	}
	if err != nil && !f.refused(err) {
		return err
	}
	if err := h.checkSKU(r.Context(), f, d.SKU, id); err != nil {
		return err
	}
	for _, m := range f.members {
		if f.values.Get(m.Name) == "" && id == "" || f.values.Get("take."+m.Name) == theirs {
			delete(f.faults, m.Name) // it is not its turn yet
		}
	}
	return h.render(w, r, http.StatusOK, "productform.html", "Product", f)
}

// checkSKU tells of a SKU that another product has.
func (h *Handler) checkSKU(ctx context.Context, f *productForm, sku, id string) error {
	if len(f.faults["sku"]) > 0 {
		return nil
	}
	p, err := h.svc.GetBySKU(ctx, sku)
	switch {
	case errors.Is(err, product.ErrNotFound):
		return nil
	case err != nil:
		return err
	case p.ID.String() != id:
		f.refused(&product.TakenError{Field: "sku", Value: sku, By: p.ID})
	}
	return nil
}

// renderInvalid answers with a form's faults: all at once, so also with what the store was not asked for.
func (h *Handler) renderInvalid(w http.ResponseWriter, r *http.Request, f *productForm) error {
	values, _ := f.chosen()
	if err := h.checkSKU(r.Context(), f, values.Get("sku"), f.ID); err != nil {
		return err
	}
	return h.renderForm(w, r, http.StatusUnprocessableEntity, f)
}

func (h *Handler) renderForm(w http.ResponseWriter, r *http.Request, status int, f *productForm) error {
	title := "New product"
	if f.ID != "" {
		title = "Edit " + f.Name
	}
	return h.render(w, r, status, "productform.html", title, f)
}
