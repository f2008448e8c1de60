package httpapi

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/productkit-go/productkit/product"
)

// operation is one row of the contract.
type operation struct {
	method string
	path   string // below the prefix
	lane   int
	params []string // that the query string may have
	handle func(h *Handler, w http.ResponseWriter, r *http.Request) error
}

const (
	laneRead = iota
	laneWrite
	laneImport
	laneFollow
	laneExport
	lanes // how many there are
)

// operations lists everything that a Handler does.
func operations() []operation {
	view := []string{"include", "fields"}
	return []operation{
		{"POST", "/products", laneWrite, view, (*Handler).createProduct},
		{"GET", "/products", laneRead, listParams(), (*Handler).listProducts},
		{"POST", "/products/lookup", laneRead, view, (*Handler).lookupProducts},
		{"POST", "/products/batch", laneWrite, []string{"atomic"}, (*Handler).batchProducts},
		{"GET", "/products/{id}", laneRead, view, (*Handler).getProduct},
		{"PATCH", "/products/{id}", laneWrite, view, (*Handler).updateProduct},
		{"DELETE", "/products/{id}", laneWrite, nil, (*Handler).deleteProduct},
		{"POST", "/products/{id}/restore", laneWrite, view, (*Handler).restoreProduct},
		{"GET", "/products/{id}/history", laneRead, []string{"limit", "cursor"}, (*Handler).getHistory},
		{"GET", "/products/{id}/stock", laneRead, nil, (*Handler).getStock},
		{"POST", "/products/{id}/stock", laneWrite, nil, (*Handler).adjustStock},
		{"PUT", "/products/{id}/stock", laneWrite, nil, (*Handler).setStock},
		{"GET", "/skus/{sku}", laneRead, view, (*Handler).getProductBySKU},
		{"PUT", "/skus/{sku}", laneWrite, view, (*Handler).putProduct},
		{"PATCH", "/groups/{group}", laneWrite, nil, (*Handler).updateGroup},
		{"PUT", "/reservations/{key}", laneWrite, nil, (*Handler).putReservation},
		{"GET", "/reservations/{key}", laneRead, nil, (*Handler).getReservation},
		{"DELETE", "/reservations/{key}", laneWrite, nil, (*Handler).releaseReservation},
		{"POST", "/reservations/{key}/commit", laneWrite, nil, (*Handler).commitReservation},
		{"GET", "/categories", laneRead, []string{"under", "depth", "status", "published"}, (*Handler).getCategories},
		{"GET", "/limits", laneRead, nil, (*Handler).getLimits},
		{"POST", "/import", laneImport, importParams(), (*Handler).importProducts},
		{"GET", "/changes", laneFollow, changesParams(), (*Handler).getChanges},
		{"GET", "/export", laneExport, exportParams(), (*Handler).exportProducts},
		{"GET", "/openapi.json", laneRead, nil, (*Handler).getContract},
		{"GET", "/docs", laneRead, nil, (*Handler).getDocs},
	}
}

// check refuses what would otherwise be ignored in silence.
func (op *operation) check(r *http.Request) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &problem{kind: errBadParameter, detail: "The query string is malformed; escape its values with % (RFC 3986, section 2.1)."}
	}
	var faults []product.Fault
	for name, values := range query {
		switch {
		case !slices.Contains(op.params, name):
			faults = append(faults, product.Fault{Field: short(name), Code: "unknown", Message: "is no parameter of this operation; remove it or correct its name"})
		case len(values) > 1:
			faults = append(faults, product.Fault{Field: name, Code: "duplicate", Message: "is given more than once; give it once"})
		case values[0] == "":
			faults = append(faults, product.Fault{Field: name, Code: "required", Message: "is empty; give a value, or leave it out"})
		}
	}
	return badParameters(append(faults, viewFaults(query)...))
}
