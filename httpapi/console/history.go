package console

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/productkit-go/productkit/product"
)

// historyPage is what the page of a product's history shows.
type historyPage struct {
	Product *product.Product
	Changes []change
	First   bool   // it is the first page
	Next    string // the address of the next one; empty: it is the last
}

// change is an entry.
type change struct {
	*product.Change
	Parts []part
}

// part is a member before and after.
type part struct{ Name, Before, After string }

// history shows a page of what happened to a product.
func (h *Handler) history(w http.ResponseWriter, r *http.Request) error {
	p, err := h.find(r)
	if err != nil {
		return err
	}
	cursor := r.URL.Query().Get("cursor")
	found, err := h.svc.History(r.Context(), p.ID, product.HistoryQuery{Limit: h.opts.PageSize, Cursor: cursor})
	if err != nil {
		return err
	}
	page := historyPage{Product: &p, First: cursor == ""}
	for i := range found.Changes {
		c := change{Change: &found.Changes[i]}
		for _, f := range c.Fields {
			c.Parts = append(c.Parts, part{label(f.Field), readable(f.Before), readable(f.After)})
		}
		page.Changes = append(page.Changes, c)
	}
	if found.Next != "" {
		page.Next = "?" + url.Values{"cursor": {found.Next}}.Encode()
	}
	return h.render(w, r, http.StatusOK, "history.html", "History of "+p.Name, page)
}

// label is a member's name for people.
func label(name string) string {
	if name == "on_hand" {
		return "On hand"
	}
	for _, m := range members() {
		if m.Name == name {
			return m.Label
		}
	}
	return name
}

// historyBytes is how much of one value the history shows.
const historyBytes = 2000

// readable is a member's JSON as people read it: texts without quotes, money in its currency, what has
// members with one on each line.
func readable(raw json.RawMessage) string {
	if raw == nil {
		return ""
	}
	var s string
	var money product.Money
	var options map[string]string
	var tags []string
	var images []product.Image
	switch {
	case json.Unmarshal(raw, &s) == nil:
	case raw[0] == '{' && json.Unmarshal(raw, &options) == nil:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(options)) {
			all = append(all, name+": "+options[name])
		}
		s = strings.Join(all, "\n")
	case raw[0] == '{' && json.Unmarshal(raw, &money) == nil && money.Currency != "":
		s = grouped(money.Decimal()) + " " + money.Currency
	case json.Unmarshal(raw, &tags) == nil:
		s = strings.Join(tags, "\n")
	case json.Unmarshal(raw, &images) == nil:
		s = showImages(images)
	default:
		s = indented(raw)
	}
	if len(s) > historyBytes {
		cut := historyBytes
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}
