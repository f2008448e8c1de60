package console

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

// productList is what the page of the products shows.
type productList struct {
	Filter      *form
	Main, More  []field
	Order       field
	Unfolded    bool // the further fields are seen
	Columns     []heading
	Choices     []choice
	Back        string // this list's parameters
	Rows        []row
	Count       product.Count
	First, Last bool   // which page it is
	Next, Prev  string // addresses; empty: there is none
	Begin       string // that of the first page
	Clear       bool   // there is a filter to be removed
	SearchOff   bool
	Files       []link // exports of what is filtered
	NoFiles     string // why there are none
	Sample      bool   // it may be loaded
}

// link is an address with its words.
type link struct{ Name, Address string }

// heading is a column's head.
type heading struct {
	column
	Address string // sorts by it; empty: it does not
	Order   string // ascending or descending, if it is the order
}

// choice is a column that may be shown.
type choice struct {
	ID, Name string
	Chosen   bool
}

// products shows a page of the list.
func (h *Handler) products(w http.ResponseWriter, r *http.Request) error {
	f := parseFilter(r.URL.Query())
	f.query.Limit = h.opts.PageSize
	var page product.Page
	var count product.Count
	var stocks map[uuid.UUID]product.Stock
	searchOff := false
	page, err := h.svc.List(r.Context(), f.query)
	switch {
	case errors.Is(err, product.ErrSearchOff):
		searchOff = true
	case err != nil && !f.add(err, filterNames):
		return err
	case f.Wrong(): // by what is not valid in the console alone
		page = product.Page{}
	default:
		if count, stocks, err = h.countAndStocks(r.Context(), f.query, page.Items); err != nil {
			return err
		}
	}
	shown := chosen(r)
	rows := h.fold(&f, shown, page.Items, stocks)
	list := productList{
		Filter: &f.form, Main: f.main(), More: f.more(), Order: f.order(), Unfolded: f.active() || f.Wrong(),
		Columns: headings(&f, shown), Choices: choices(shown), Back: f.address()[1:],
		Rows: rows, Count: count, Begin: f.address(), Clear: f.active() || f.query.Text != "" || f.query.Status != "",
		SearchOff: searchOff, First: page.Prev == "", Last: page.Next == "",
	}
	if list.NoFiles = f.exportable(); list.NoFiles == "" {
		list.Files = []link{{"CSV", f.address("sort", "", "open", "", "format", "native")}, {"NDJSON", f.address("sort", "", "open", "", "format", "ndjson")}}
	}
	if page.Next != "" {
		list.Next = f.address("cursor", page.Next)
	}
	if page.Prev != "" {
		list.Prev = f.address("cursor", page.Prev)
	}
	list.Sample = len(rows) == 0 && h.allowed(r, httpapi.OpImportProducts)
	status := http.StatusOK
	if f.Wrong() {
		status = http.StatusUnprocessableEntity
	}
	return h.render(w, r, status, "products.html", "Products", list)
}

func (h *Handler) countAndStocks(ctx context.Context, q product.Query, items []product.Product) (product.Count, map[uuid.UUID]product.Stock, error) {
	count, err := h.svc.Count(ctx, q)
	if err != nil || len(items) == 0 {
		return count, nil, err
	}
	ids := make([]uuid.UUID, len(items))
	for i := range items {
		ids[i] = items[i].ID
	}
	stocks, err := h.svc.Stocks(ctx, ids)
	return count, stocks, err
}

func headings(f *filter, shown []column) []heading {
	all := append([]column{{ID: "name", Name: "Name", Sort: product.SortName}}, shown...)
	heads := make([]heading, len(all))
	for i, c := range all {
		heads[i] = heading{column: c}
		if c.Sort == "" || c.Sort == product.SortPrice && f.query.Currency == "" {
			continue
		}
		next := c.Sort
		switch f.query.Sort {
		case c.Sort:
			heads[i].Order, next = "ascending", "-"+c.Sort
		case "-" + c.Sort:
			heads[i].Order = "descending"
		}
		heads[i].Address = f.address("sort", string(next))
	}
	return heads
}

func choices(shown []column) []choice {
	var all []choice
	for _, c := range columns() {
		all = append(all, choice{c.ID, c.Name, slices.ContainsFunc(shown, func(s column) bool { return s.ID == c.ID })})
	}
	return all
}
