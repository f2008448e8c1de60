package httpapi

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/productkit-go/productkit/product"
)

// Operation is what a request asks for: a row of [Operations].
type Operation struct {
	ID     string // one of the constants Op…: its operationId in the OpenAPI document
	Method string // GET also stands for HEAD
	Path   string // below the prefix, such as /products/{id}
	Writes bool   // something may be different afterwards
}

// The IDs of all operations.
const (
	OpCreateProduct      = "createProduct"
	OpListProducts       = "listProducts"
	OpLookupProducts     = "lookupProducts"
	OpBatchProducts      = "batchProducts"
	OpGetProduct         = "getProduct"
	OpUpdateProduct      = "updateProduct"
	OpDeleteProduct      = "deleteProduct"
	OpRestoreProduct     = "restoreProduct"
	OpGetHistory         = "getHistory"
	OpGetStock           = "getStock"
	OpAdjustStock        = "adjustStock"
	OpSetStock           = "setStock"
	OpGetProductBySKU    = "getProductBySKU"
	OpPutProduct         = "putProduct"
	OpUpdateGroup        = "updateGroup"
	OpPutReservation     = "putReservation"
	OpGetReservation     = "getReservation"
	OpReleaseReservation = "releaseReservation"
	OpCommitReservation  = "commitReservation"
	OpGetCategories      = "getCategories"
	OpGetLimits          = "getLimits"
	OpImportProducts     = "importProducts"
	OpGetChanges         = "getChanges"
	OpExportProducts     = "exportProducts"
	OpGetContract        = "getContract"
	OpGetDocs            = "getDocs"
)

// Operations lists everything that a [Handler] does, and [Options].Authorize is asked for.
func Operations() []Operation {
	rows := operations()
	ops := make([]Operation, len(rows))
	for i, op := range rows {
		ops[i] = op.public()
	}
	return ops
}

// operation is one row of the contract.
type operation struct {
	id     string
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

func (op *operation) public() Operation {
	return Operation{ID: op.id, Method: op.method, Path: op.path, Writes: op.lane == laneWrite || op.lane == laneImport}
}

// operations is the table that the mux is made of.
func operations() []operation {
	view := []string{"include", "fields"}
	return []operation{
		{OpCreateProduct, "POST", "/products", laneWrite, view, (*Handler).createProduct},
		{OpListProducts, "GET", "/products", laneRead, listParams(), (*Handler).listProducts},
		{OpLookupProducts, "POST", "/products/lookup", laneRead, view, (*Handler).lookupProducts},
		{OpBatchProducts, "POST", "/products/batch", laneWrite, []string{"atomic"}, (*Handler).batchProducts},
		{OpGetProduct, "GET", "/products/{id}", laneRead, view, (*Handler).getProduct},
		{OpUpdateProduct, "PATCH", "/products/{id}", laneWrite, view, (*Handler).updateProduct},
		{OpDeleteProduct, "DELETE", "/products/{id}", laneWrite, nil, (*Handler).deleteProduct},
		{OpRestoreProduct, "POST", "/products/{id}/restore", laneWrite, view, (*Handler).restoreProduct},
		{OpGetHistory, "GET", "/products/{id}/history", laneRead, []string{"limit", "cursor"}, (*Handler).getHistory},
		{OpGetStock, "GET", "/products/{id}/stock", laneRead, nil, (*Handler).getStock},
		{OpAdjustStock, "POST", "/products/{id}/stock", laneWrite, nil, (*Handler).adjustStock},
		{OpSetStock, "PUT", "/products/{id}/stock", laneWrite, nil, (*Handler).setStock},
		{OpGetProductBySKU, "GET", "/skus/{sku}", laneRead, view, (*Handler).getProductBySKU},
		{OpPutProduct, "PUT", "/skus/{sku}", laneWrite, view, (*Handler).putProduct},
		{OpUpdateGroup, "PATCH", "/groups/{group}", laneWrite, nil, (*Handler).updateGroup},
		{OpPutReservation, "PUT", "/reservations/{key}", laneWrite, nil, (*Handler).putReservation},
		{OpGetReservation, "GET", "/reservations/{key}", laneRead, nil, (*Handler).getReservation},
		{OpReleaseReservation, "DELETE", "/reservations/{key}", laneWrite, nil, (*Handler).releaseReservation},
		{OpCommitReservation, "POST", "/reservations/{key}/commit", laneWrite, nil, (*Handler).commitReservation},
		{OpGetCategories, "GET", "/categories", laneRead, []string{"under", "depth", "status", "published"}, (*Handler).getCategories},
		{OpGetLimits, "GET", "/limits", laneRead, nil, (*Handler).getLimits},
		{OpImportProducts, "POST", "/import", laneImport, importParams(), (*Handler).importProducts},
		{OpGetChanges, "GET", "/changes", laneFollow, changesParams(), (*Handler).getChanges},
		{OpExportProducts, "GET", "/export", laneExport, exportParams(), (*Handler).exportProducts},
		{OpGetContract, "GET", "/openapi.json", laneRead, nil, (*Handler).getContract},
		{OpGetDocs, "GET", "/docs", laneRead, nil, (*Handler).getDocs},
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
