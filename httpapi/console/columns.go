package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/productkit-go/productkit/product"
)

// column is one of the table of products, beside the name, which is always there.
type column struct {
	ID, Name string
	Sort     product.Sort // ascending; empty: no order of a list
	Number   bool
	preset   bool
	cell     func(p *product.Product, stock *product.Stock, low int) cell
}

// cell is what stands in a column. Kind says how the template shows it.
type cell struct {
	Kind  string // text, status, money, stock, time, category; empty: nothing
	Text  string
	Money product.Money
	Most  product.Money // of a range that begins with Money; without a currency there is none
	Count int64
	Mark  string // of a stock: out, low, backorder
	Time  any
}

func text(s string) cell {
	if s == "" {
		return cell{}
	}
	return cell{Kind: "text", Text: s}
}

// columns are all, in the order in which they stand.
func columns() []column {
	of := func(get func(p *product.Product) string) func(*product.Product, *product.Stock, int) cell {
		return func(p *product.Product, _ *product.Stock, _ int) cell { return text(get(p)) }
	}
	return []column{
		{ID: "sku", Name: "SKU", Sort: product.SortSKU, preset: true, cell: of(func(p *product.Product) string { return p.SKU })},
		{ID: "status", Name: "Status", preset: true, cell: func(p *product.Product, _ *product.Stock, _ int) cell {
			if p.Deleted() {
				return cell{Kind: "status", Text: "deleted"}
			}
			return cell{Kind: "status", Text: string(p.Status)}
		}},
		{ID: "price", Name: "Price", Sort: product.SortPrice, Number: true, preset: true, cell: func(p *product.Product, _ *product.Stock, _ int) cell {
			return cell{Kind: "money", Money: p.Price}
		}},
		{ID: "compare_at", Name: "Before", Number: true, cell: func(p *product.Product, _ *product.Stock, _ int) cell {
			if p.CompareAt == nil {
				return cell{}
			}
			return cell{Kind: "money", Money: *p.CompareAt}
		}},
		{ID: "stock", Name: "Available", Number: true, preset: true, cell: stockCell},
		{ID: "reserved", Name: "Reserved", Number: true, cell: func(_ *product.Product, s *product.Stock, _ int) cell {
			if s == nil {
				return cell{}
			}
			return cell{Kind: "stock", Count: s.Reserved}
		}},
		{ID: "category", Name: "Category", preset: true, cell: func(p *product.Product, _ *product.Stock, _ int) cell {
			if p.Category == "" {
				return cell{}
			}
			return cell{Kind: "category", Text: p.Category}
		}},
		{ID: "vendor", Name: "Vendor", preset: true, cell: of(func(p *product.Product) string { return p.Vendor })},
		{ID: "group", Name: "Group", cell: of(func(p *product.Product) string { return p.Group })},
		{ID: "tags", Name: "Tags", cell: of(func(p *product.Product) string { return strings.Join(p.Tags, ", ") })},
		{ID: "barcode", Name: "Barcode", cell: of(func(p *product.Product) string { return p.Barcode })},
		{ID: "weight", Name: "Weight, g", Number: true, cell: of(func(p *product.Product) string {
			if p.WeightGrams == 0 {
				return ""
			}
			return grouped(strconv.FormatInt(p.WeightGrams, 10))
		})},
		{ID: "version", Name: "Version", Number: true, cell: of(func(p *product.Product) string { return grouped(strconv.FormatInt(p.Version, 10)) })},
		{ID: "created", Name: "Created", Sort: product.SortCreated, cell: func(p *product.Product, _ *product.Stock, _ int) cell {
			return cell{Kind: "time", Time: p.CreatedAt}
		}},
		{ID: "updated", Name: "Changed", Sort: product.SortUpdated, preset: true, cell: func(p *product.Product, _ *product.Stock, _ int) cell {
			return cell{Kind: "time", Time: p.UpdatedAt}
		}},
	}
}

// stockCell marks what is gone or nearly gone.
func stockCell(p *product.Product, s *product.Stock, low int) cell {
	if s == nil {
		return cell{}
	}
	c := cell{Kind: "stock", Count: s.Available()}
	switch {
	case low < 0:
	case c.Count <= 0 && p.Backorder:
		c.Mark = "backorder"
	case c.Count <= 0:
		c.Mark = "out"
	case c.Count <= int64(low):
		c.Mark = "low"
	}
	return c
}

const columnCookie = "productkit_columns"

// chosen are the columns that this browser shows: those of its cookie, or the preset ones.
func chosen(r *http.Request) []column {
	all := columns()
	c, err := r.Cookie(columnCookie)
	if err != nil {
		return slices.DeleteFunc(all, func(c column) bool { return !c.preset })
	}
	ids := strings.Split(c.Value, ".")
	return slices.DeleteFunc(all, func(c column) bool { return !slices.Contains(ids, c.ID) })
}

// chooseColumns remembers the columns for a year and leads back to the list as it was.
func (h *Handler) chooseColumns(w http.ResponseWriter, r *http.Request) error {
	var ids []string
	for _, c := range columns() {
		if slices.Contains(r.PostForm["column"], c.ID) {
			ids = append(ids, c.ID)
		}
	}
	c := h.cookie(r, columnCookie, strings.Join(ids, "."))
	c.MaxAge = 365 * 24 * 60 * 60
	if r.PostForm.Has("preset") {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
	values, _ := url.ParseQuery(r.PostForm.Get("back")) // what is malformed is left out
	back := parseFilter(values)
	return h.redirect(w, r, "/products"+back.address())
}
