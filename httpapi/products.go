package httpapi

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

func (h *Handler) createProduct(w http.ResponseWriter, r *http.Request) error {
	draft, err := decode(h, w, r, decodeDraft, mediaJSON)
	if err != nil {
		return err
	}
	var o product.Outcome
	if _, err := h.svc.Create(product.WithOutcome(r.Context(), &o), draft); err != nil {
		return contentError(err)
	}
	w.Header().Set("Location", h.location(r, &o.Product))
	h.writeProduct(w, r, http.StatusCreated, &o)
	return nil
}

func (h *Handler) getProduct(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	p, err := h.svc.Get(r.Context(), id)
	if err != nil {
		return err
	}
	return h.showProduct(w, r, &p)
}

func (h *Handler) getProductBySKU(w http.ResponseWriter, r *http.Request) error {
	p, err := h.svc.GetBySKU(r.Context(), r.PathValue("sku"))
	if err != nil {
		return err
	}
	return h.showProduct(w, r, &p)
}

func (h *Handler) putProduct(w http.ResponseWriter, r *http.Request) error {
	expect, err := h.expect(r, productRevision)
	if err != nil {
		return err
	}
	if err := h.authorizeUpsert(r, expect); err != nil {
		return err
	}
	draft, err := decode(h, w, r, draftOf(r.PathValue("sku")), mediaJSON)
	if err != nil {
		return err
	}
	var o product.Outcome
	if _, _, err := h.svc.Upsert(product.WithOutcome(r.Context(), &o), draft, expect); err != nil {
		return contentError(err)
	}
	status := http.StatusOK
	if o.Result == product.Created {
		status = http.StatusCreated
		w.Header().Set("Location", h.location(r, &o.Product))
	}
	h.writeProduct(w, r, status, &o)
	return nil
}

func (h *Handler) updateProduct(w http.ResponseWriter, r *http.Request) error {
	id, expect, err := h.target(r, productRevision)
	if err != nil {
		return err
	}
	patch, err := decode(h, w, r, productjson.DecodePatch, mediaMergePatch, mediaJSON)
	if err != nil {
		return err
	}
	var o product.Outcome
	if _, err := h.svc.Update(product.WithOutcome(r.Context(), &o), id, patch, expect); err != nil {
		return contentError(err)
	}
	h.writeProduct(w, r, http.StatusOK, &o)
	return nil
}

func (h *Handler) deleteProduct(w http.ResponseWriter, r *http.Request) error {
	id, expect, err := h.target(r, productRevision)
	if err != nil {
		return err
	}
	if err := h.svc.Delete(r.Context(), id, expect); err != nil {
		return err
	}
	replayed(w, r)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) restoreProduct(w http.ResponseWriter, r *http.Request) error {
	id, expect, err := h.target(r, productRevision)
	if err != nil {
		return err
	}
	var o product.Outcome
	if _, err := h.svc.Restore(product.WithOutcome(r.Context(), &o), id, expect); err != nil {
		return err
	}
	h.writeProduct(w, r, http.StatusOK, &o)
	return nil
}

// target returns the product that the path of a write names and what the request expects of it.
func (h *Handler) target(r *http.Request, parse func(opaque string) (product.Revision, bool)) (uuid.UUID, product.Expect, error) {
	id, err := pathID(r)
	if err != nil {
		return uuid.Nil, product.Expect{}, err
	}
	expect, err := h.expect(r, parse)
	return id, expect, err
}

// pathID returns the ID in the path. What is no UUID names no product.
func pathID(r *http.Request) (uuid.UUID, error) {
	id, ok := productjson.ParseID(r.PathValue("id"))
	if !ok {
		return uuid.Nil, product.ErrNotFound
	}
	return id, nil
}

func (h *Handler) location(r *http.Request, p *product.Product) string {
	return h.mount(r) + "/products/" + p.ID.String()
}

// decodeDraft reports what is wrong with the JSON and what is wrong with the product together.
func decodeDraft(data []byte) (product.Draft, error) {
	return checkDraft(productjson.DecodeDraft(data))
}

// draftOf decodes a draft of the product that the path names.
func draftOf(sku string) func([]byte) (product.Draft, error) {
	return func(data []byte) (product.Draft, error) {
		d, err := productjson.DecodeDraft(data)
		if d.SKU == "" {
			d.SKU = sku
		}
		if d.SKU != sku {
			other := &product.InvalidError{Faults: []product.Fault{{Field: "sku", Code: "mismatch",
				Message: "is not the one in the path; leave it out here, or rename the product with PATCH"}}}
			err = productjson.Join(err, other)
		}
		return checkDraft(d, err)
	}
}

func checkDraft(d product.Draft, err error) (product.Draft, error) {
	var invalid *product.InvalidError
	if errors.As(err, &invalid) {
		err = productjson.Join(err, d.Validate())
	}
	return d, err
}
