package console

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// productPage is what the page of one product shows.
type productPage struct {
	Product *product.Product
	Note    string // its options
	Stock   product.Stock
	Cells   []named
}

// named is a cell with its column's name.
type named struct {
	Name string
	Cell cell
}

// product shows one product.
func (h *Handler) product(w http.ResponseWriter, r *http.Request) error {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		return product.ErrNotFound
	}
	p, err := h.svc.Get(r.Context(), id)
	if err != nil {
		return err
	}
	stock, err := h.svc.Stock(r.Context(), id)
	if err != nil && !errors.Is(err, product.ErrNotFound) {
		return err
	}
	page := productPage{Product: &p, Note: optionsOf(&p), Stock: stock}
	for _, c := range columns() {
		if shown := c.cell(&p, &stock, h.opts.LowStock); shown.Kind != "" {
			page.Cells = append(page.Cells, named{c.Name, shown})
		}
	}
	return h.render(w, r, http.StatusOK, "product.html", p.Name, page)
}
