package console

import (
	"bytes"
	_ "embed" // of the sample
	"errors"
	"net/http"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// sampleFile is a catalogue to look around in, in the columns that package feed reads. It is ours, under the
// licence of the module; shop, vendors and products are made up.
//
//go:embed sample/products.csv
var sampleFile []byte

// loadSample imports the sample into a catalogue that has no products. Where there are some it does nothing.
func (h *Handler) loadSample(w http.ResponseWriter, r *http.Request) error {
	page, err := h.svc.List(r.Context(), product.Query{Limit: 1})
	if err != nil {
		return err
	}
	if len(page.Items) == 0 {
		for event := range feed.Import(r.Context(), h.svc, bytes.NewReader(sampleFile), feed.Config{}) {
			err = errors.Join(err, event.Err)
		}
		if err != nil {
			return err
		}
	}
	return h.redirect(w, r, "/products")
}
