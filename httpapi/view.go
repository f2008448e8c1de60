package httpapi

import (
	"net/http"
	"net/url"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// view is what a client wants to see of products.
type view struct {
	fields product.Fields
	stock  bool // beside the members
}

// viewOf reads parameters that viewFaults has passed.
func viewOf(r *http.Request) view {
	if r.URL.RawQuery == "" {
		return view{}
	}
	query := r.URL.Query()
	v := view{stock: query.Get("include") == "stock"}
	if query.Has("fields") {
		v.fields, _ = product.ParseFields(query.Get("fields"))
	}
	return v
}

func viewFaults(query url.Values) []product.Fault {
	var faults []product.Fault
	if include := query.Get("include"); include != "" && include != "stock" {
		faults = append(faults, product.Fault{Field: "include", Code: "unknown", Message: "can only be stock"})
	}
	if fields := query.Get("fields"); fields != "" {
		if _, err := product.ParseFields(fields); err != nil {
			faults = append(faults, faultsOf(err)...)
		}
	}
	return faults
}

// append appends a product, with its stock unless that is nil.
func (v view) append(b []byte, p *product.Product, s *product.Stock) []byte {
	b = p.AppendFields(b, v.fields)
	if s == nil {
		return b
	}
	b = append(b[:len(b)-1], `,"stock":`...)
	return append(productjson.AppendStock(b, *s), '}')
}
