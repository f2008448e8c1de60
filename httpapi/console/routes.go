package console

import (
	"net/http"

	"github.com/productkit-go/productkit/httpapi"
)

// route is a page, or what a form posts to.
type route struct {
	method string
	path   string // below the prefix
	op     string // the operation of the API that [Options].Authorize is asked for; empty: anybody may
	handle func(h *Handler, w http.ResponseWriter, r *http.Request) error
}

func routes() []route {
	return []route{
		{"GET", "/{$}", httpapi.OpListProducts, (*Handler).home},
		{"GET", "/products", httpapi.OpListProducts, (*Handler).products},
		{"POST", "/products/columns", httpapi.OpListProducts, (*Handler).chooseColumns},
		{"GET", "/products/new", httpapi.OpCreateProduct, (*Handler).newProduct},
		{"POST", "/products/new", httpapi.OpCreateProduct, (*Handler).createProduct},
		{"POST", "/products/check", httpapi.OpGetProductBySKU, (*Handler).checkProduct},
		{"GET", "/products/{id}", httpapi.OpGetProduct, (*Handler).product},
		{"GET", "/products/{id}/edit", httpapi.OpUpdateProduct, (*Handler).editProduct},
		{"POST", "/products/{id}/edit", httpapi.OpUpdateProduct, (*Handler).saveProduct},
		{"POST", "/products/{id}/stock", httpapi.OpAdjustStock, (*Handler).changeStock},
		{"POST", "/products/{id}/delete", httpapi.OpDeleteProduct, (*Handler).deleteProduct},
		{"POST", "/products/{id}/restore", httpapi.OpRestoreProduct, (*Handler).restoreProduct},
		{"GET", "/products/{id}/history", httpapi.OpGetHistory, (*Handler).history},
		{"GET", "/import", httpapi.OpImportProducts, (*Handler).chooseFile},
		{"GET", "/import/{id}", httpapi.OpImportProducts, (*Handler).showImport},
		{"POST", "/import/{id}", httpapi.OpImportProducts, (*Handler).changeImport},
		{"POST", "/import/{id}/cancel", httpapi.OpImportProducts, (*Handler).cancelImport},
		{"GET", "/changes", httpapi.OpGetChanges, (*Handler).changes},
		{"GET", "/operations", httpapi.OpGetLimits, (*Handler).showOperations},
		{"POST", "/sample", httpapi.OpImportProducts, (*Handler).loadSample},
		{"GET", signInPath, "", (*Handler).askKey},
		{"POST", signInPath, "", (*Handler).signIn},
		{"POST", "/sign-out", "", (*Handler).signOut},
		{"GET", "/static/{file}", "", (*Handler).static},
	}
}

// streams are the routes of what may take long: no Timeout bounds them, no MaxRequests counts them, and their
// bodies are not read before they are handled. Each has bounds of its own.
func streams() []route {
	return []route{
		{"GET", "/products/export", httpapi.OpExportProducts, (*Handler).export},
		{"POST", "/import", httpapi.OpImportProducts, (*Handler).receive},
		{"GET", "/import/{id}/events", httpapi.OpImportProducts, (*Handler).watchImport},
		{"GET", "/import/{id}/refused.csv", httpapi.OpImportProducts, (*Handler).refusedRows},
		{"GET", "/changes/stream", httpapi.OpGetChanges, (*Handler).followChanges},
	}
}

// destination is what the navigation leads to.
type destination struct{ Path, Name string }

// destinations are the navigation, in its order.
func destinations() []destination {
	return []destination{
		{"/products", "Products"},
		{"/import", "Import"},
		{"/changes", "Changes"},
		{"/operations", "Operations"},
	}
}

// home leads to the first page.
func (h *Handler) home(w http.ResponseWriter, r *http.Request) error {
	return h.redirect(w, r, "/products")
}
