package console

import (
	"cmp"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// row is a line of the table: a product, or a group that its variants on the page are folded into.
type row struct {
	ID      string // of the product; of a group one made of its name
	Name    string
	Note    string // a variant's options
	Variant bool   // it stands below its group
	Cells   []cell

	Group    string
	Variants int // on this page; 0: it is no group
	Open     bool
	Toggle   string // the address at which it is open, or folded
	Whole    string // the address of all its variants
}

// fold makes rows of products. Variants of one group that are on the same page stand together where the
// first of them would, folded unless the address opens their group or asks for it alone.
func (h *Handler) fold(f *filter, shown []column, items []product.Product, stocks map[uuid.UUID]product.Stock) []row {
	groups := make(map[string][]*product.Product)
	for i := range items {
		if p := &items[i]; p.Group != "" && f.query.Group == "" {
			groups[p.Group] = append(groups[p.Group], p)
		}
	}
	rows := make([]row, 0, len(items))
	for i := range items {
		p := &items[i]
		variants := groups[p.Group]
		switch {
		case len(variants) < 2:
			rows = append(rows, h.productRow(shown, p, stocks))
		case variants[0] == p:
			head := h.groupRow(f, shown, variants, stocks)
			rows = append(rows, head)
			for _, v := range variants {
				if head.Open {
					line := h.productRow(shown, v, stocks)
					line.Variant = true
					rows = append(rows, line)
				}
			}
		}
	}
	return rows
}

func (h *Handler) productRow(shown []column, p *product.Product, stocks map[uuid.UUID]product.Stock) row {
	line := row{ID: p.ID.String(), Name: p.Name, Note: optionsOf(p), Cells: make([]cell, len(shown))}
	var stock *product.Stock
	if s, ok := stocks[p.ID]; ok {
		stock = &s // a deleted product has none
	}
	for i, c := range shown {
		line.Cells[i] = c.cell(p, stock, h.opts.LowStock)
	}
	return line
}

// groupRow sums up variants: what all have in common, the range of their prices, and their stock.
func (h *Handler) groupRow(f *filter, shown []column, variants []*product.Product, stocks map[uuid.UUID]product.Stock) row {
	group := variants[0].Group
	head := row{ID: "g" + hex.EncodeToString([]byte(group)), Name: group, Group: group, Variants: len(variants), Cells: make([]cell, len(shown))}
	open := f.values["open"]
	others := slices.DeleteFunc(slices.Clone(open), func(g string) bool { return g == group })
	head.Open = len(others) < len(open)
	toggled := *f
	toggled.values = maps.Clone(f.values)
	toggled.values["open"] = others
	if !head.Open {
		toggled.values["open"] = append(others, group)
	}
	head.Toggle = toggled.address("cursor", f.query.Cursor)
	head.Whole = f.address("group", group, "open", "")
	for i, c := range shown {
		var cells []cell
		for _, v := range variants {
			var stock *product.Stock
			if s, ok := stocks[v.ID]; ok {
				stock = &s
			}
			cells = append(cells, c.cell(v, stock, h.opts.LowStock))
		}
		head.Cells[i] = together(cells)
	}
	return head
}

// together is one cell for those of several variants; nothing if they do not agree.
func together(cells []cell) cell {
	sum := cells[0]
	marked := map[string]bool{}
	for _, c := range cells {
		marked[c.Mark] = true
	}
	for _, c := range cells[1:] {
		switch {
		case c.Kind == "stock" && sum.Kind == "stock":
			sum.Count += c.Count
		case c.Kind == "money" && sum.Kind == "money" && c.Money.Currency == sum.Money.Currency:
			if sum.Most.Currency == "" {
				sum.Most = sum.Money
			}
			sum.Money = slices.MinFunc([]product.Money{sum.Money, c.Money}, byAmount)
			sum.Most = slices.MaxFunc([]product.Money{sum.Most, c.Money}, byAmount)
		case c.Kind != sum.Kind || c != sum:
			return cell{}
		}
	}
	if sum.Most.Amount == sum.Money.Amount {
		sum.Most = product.Money{}
	}
	for _, mark := range []string{"out", "low", "backorder", ""} { // the worst of all
		if marked[mark] {
			sum.Mark = mark
			break
		}
	}
	return sum
}

func byAmount(a, b product.Money) int { return cmp.Compare(a.Amount, b.Amount) }

// optionsOf is what distinguishes a variant: Color: Red, Size: M.
func optionsOf(p *product.Product) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(p.Options)) {
		all = append(all, name+": "+p.Options[name])
	}
	return strings.Join(all, ", ")
}
