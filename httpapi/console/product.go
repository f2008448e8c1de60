package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// productPage is what the page of one product shows.
type productPage struct {
	Product *product.Product
	Note    string // its options
	Stock   *product.Stock
	Level   cell // what is available
	Facts   []fact
	More    string // the attributes
	Change  *stockForm
	Done    string // what has just come about
	Wrong   string // what has not
	Taken   string // the ID of another product that is in the way
}

// fact is a member that the product has.
type fact struct {
	Name string
	Cell cell
	Link string // below the mount; empty: none
}

// done are the messages that a redirect leads to, by their names in addresses.
var done = map[string]string{
	"saved": "Saved.", "created": "The product was added.", "stock": "The stock was changed.",
	"deleted": "The product was deleted.", "restored": "The product is back.",
}

// product shows one product, deleted or not.
func (h *Handler) product(w http.ResponseWriter, r *http.Request) error {
	p, err := h.find(r)
	if err != nil {
		return err
	}
	page := productPage{Done: done[r.URL.Query().Get("done")]}
	return h.renderProduct(w, r, http.StatusOK, &p, page)
}

// find returns the product that the path names, deleted or not.
func (h *Handler) find(r *http.Request) (product.Product, error) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		return product.Product{}, product.ErrNotFound
	}
	p, err := h.svc.Get(r.Context(), id)
	if errors.Is(err, product.ErrNotFound) {
		p, err = h.svc.GetDeleted(r.Context(), id)
	}
	return p, err
}

func (h *Handler) renderProduct(w http.ResponseWriter, r *http.Request, status int, p *product.Product, page productPage) error {
	page.Product, page.Note, page.More = p, optionsOf(p), indented(p.Attributes)
	if !p.Deleted() {
		stock, err := h.svc.Stock(r.Context(), p.ID)
		switch {
		case err == nil:
			page.Stock, page.Level = &stock, stockCell(p, &stock, h.opts.LowStock)
		case !errors.Is(err, product.ErrNotFound): // deleted just now: the next page will tell
			return err
		}
		if page.Change == nil {
			page.Change = newStockForm()
		}
	}
	page.Facts = factsOf(p, time.Now())
	return h.render(w, r, status, "product.html", p.Name, page)
}

// factsOf are the members that are no text of their own, as far as the product has them.
func factsOf(p *product.Product, now time.Time) []fact {
	listed := func(name, value string) string { return "/products?" + url.Values{name: {value}}.Encode() }
	state := string(p.Status)
	if p.Deleted() {
		state = "deleted"
	}
	published := "No"
	if p.Published(now) {
		published = "Yes"
	}
	facts := []fact{
		{"SKU", text(p.SKU), ""},
		{"Status", cell{Kind: "status", Text: state}, ""},
		{"Published now", text(published), ""},
		{"Price", cell{Kind: "money", Money: p.Price}, ""},
	}
	add := func(there bool, name string, c cell, link string) {
		if there {
			facts = append(facts, fact{name, c, link})
		}
	}
	if p.CompareAt != nil {
		add(true, "Price before", cell{Kind: "money", Money: *p.CompareAt}, "")
	}
	when := func(t time.Time) cell { return cell{Kind: "time", Time: t} }
	add(!p.PublishAt.IsZero(), "Published from, UTC", when(p.PublishAt), "")
	add(!p.UnpublishAt.IsZero(), "Published until, UTC", when(p.UnpublishAt), "")
	add(p.Category != "", "Category", text(p.Category), listed("category", p.Category))
	add(p.Vendor != "", "Vendor", text(p.Vendor), listed("vendor", p.Vendor))
	add(p.Group != "", "Group", text(p.Group), listed("group", p.Group))
	add(len(p.Tags) > 0, "Tags", text(strings.Join(p.Tags, ", ")), "")
	add(p.Barcode != "", "Barcode", text(p.Barcode), "")
	add(p.WeightGrams != 0, "Weight, g", text(grouped(strconv.FormatInt(p.WeightGrams, 10))), "")
	add(p.Backorder, "Sold below a stock of zero", text("Yes"), "")
	add(true, "Version", text(grouped(strconv.FormatInt(p.Version, 10))), "")
	add(true, "Created, UTC", when(p.CreatedAt), "")
	add(true, "Changed, UTC", when(p.UpdatedAt), "")
	if p.Deleted() {
		add(true, "Deleted, UTC", when(p.DeletedAt), "")
	}
	add(true, "ID", text(p.ID.String()), "")
	return facts
}
