package product

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Sort is an order of a list. A leading minus sign means descending; products that are equal
// in it follow in the order of their IDs, ascending or descending likewise.
type Sort string

// The orders of a list. Prices compare only within one currency, so the two orders by price
// need [Query].Currency.
const (
	SortCreated     Sort = "created_at" // the default
	SortCreatedDesc Sort = "-created_at"
	SortUpdated     Sort = "updated_at"
	SortUpdatedDesc Sort = "-updated_at"
	SortName        Sort = "name" // in the engine's collation: without case, on servers also without accents
	SortNameDesc    Sort = "-name"
	SortPrice       Sort = "price"
	SortPriceDesc   Sort = "-price"
	SortSKU         Sort = "sku"
	SortSKUDesc     Sort = "-sku"
)

// Sorts returns every order of a list, ascending before descending.
func Sorts() []Sort {
	return []Sort{SortCreated, SortCreatedDesc, SortUpdated, SortUpdatedDesc, SortName, SortNameDesc, SortPrice, SortPriceDesc, SortSKU, SortSKUDesc}
}

// Valid reports whether s is one of [Sorts].
func (s Sort) Valid() bool { return slices.Contains(Sorts(), s) }

// Descending reports whether s begins with a minus sign.
func (s Sort) Descending() bool { return len(s) > 0 && s[0] == '-' }

// reversed is the same order from its end.
func (s Sort) reversed() Sort {
	if s.Descending() {
		return s[1:]
	}
	return "-" + s
}

// Limits of a page.
const (
	DefaultLimit = 20
	MaxLimit     = 200
)

// Limits of a search.
const (
	MaxTextLen = 128  // characters
	MaxHits    = 1000 // products; who does not find it among these needs another word
)

// Query selects and orders products. Its zero value lists all live products, oldest first.
// Filters are combined with and.
type Query struct {
	Status       Status
	Published    *bool  // true: [Product.Published] now, by the Service's clock; false: not
	Category     string // with everything below it
	Tag          string
	Vendor       string
	Group        string
	SKUPrefix    string
	Currency     string
	PriceMin     *int64 // minor units of Currency, which must be given
	PriceMax     *int64
	InStock      *bool     // true: available above zero; false: not
	UpdatedSince time.Time // inclusive

	// Text is what a shopper typed, of any form, up to [MaxTextLen] characters. Selected are
	// products that have all its words, whatever their case and accents: in the name, SKU, barcode,
	// vendor, category, tags, group, values of options, or description. Words in double quotes stand
	// side by side. Of the last word the beginning is enough, unless a space follows. A text without
	// any letter or digit selects nothing.
	//
	// At most the best [MaxHits] are selected, ordered by how well they match if Sort is empty.
	Text string

	Deleted bool // list the deleted products instead of the live ones

	Sort   Sort   // default [SortCreated]; with Text the best match first
	Limit  int    // default [DefaultLimit]; above [MaxLimit] is clamped
	Cursor string // [Page].Next of the page before, or [Page].Prev of the page behind; empty for the first page

	// After is where the page begins, exclusively; nil at the beginning. The [Service] sets it
	// from Cursor; only a [Store] reads it.
	After *Position

	// Now is when Published is asked for. The [Service] sets it; only a [Store] reads it.
	Now time.Time
}

// Position is the place of one product in one order: the values of its sort key.
type Position struct {
	ID   uuid.UUID
	Text string // of name and sku
	Int  int64  // of a price, in minor units, and of a time, in microseconds since 1970; of a search how many came before
}

// Page is one page of a list.
type Page struct {
	Items []Product
	Next  string // the cursor of the next page; empty on the last one
	Prev  string // the cursor of the page before; empty on the first one
}

// normalize fills in the defaults and checks every rule of a query.
func (q *Query) normalize() error {
	var f faults
	if q.Text == "" {
		def(&q.Sort, SortCreated)
	}
	q.Limit = f.limit(q.Limit)
	if !q.ranked() && !q.Sort.Valid() {
		f.add("sort", "unknown", "is %q; use one of %v", abbreviate(string(q.Sort)), Sorts())
	}
	if q.Status != "" {
		f.status(q.Status)
	}
	if q.Published != nil && q.Deleted {
		f.add("published", "mismatch", "is asked of deleted products, which never are; leave it out, or deleted")
	}
	if n := utf8.RuneCountInString(q.Text); n > MaxTextLen {
		f.add("q", "too_long", "has %d characters; search for at most %d", n, MaxTextLen)
	}
	f.category("category", q.Category)
	f.line("tag", q.Tag, MaxTagLen)
	f.line("vendor", q.Vendor, MaxNameLen)
	f.line("group", q.Group, MaxNameLen)
	// What may stand at the beginning of a SKU may stand before a letter.
	if q.SKUPrefix != "" && !ValidSKU(q.SKUPrefix) && !ValidSKU(q.SKUPrefix+"x") {
		f.add("sku_prefix", "format", "must be at most %d visible ASCII characters", MaxSKULen)
	}
	q.normalizePrice(&f)
	q.UpdatedSince = q.UpdatedSince.UTC()
	return f.err()
}

// ranked reports whether the best match comes first.
func (q *Query) ranked() bool { return q.Text != "" && q.Sort == "" }

// limit returns how many items a page has.
func (f *faults) limit(n int) int {
	def(&n, DefaultLimit)
	if n < 0 {
		f.add("limit", "range", "is %d; it must be 1 to %d", n, MaxLimit)
	}
	return min(n, MaxLimit)
}

func (q *Query) normalizePrice(f *faults) {
	byPrice := q.Sort == SortPrice || q.Sort == SortPriceDesc
	if q.Currency != "" {
		if _, ok := CurrencyDigits(q.Currency); !ok {
			f.add("currency", "unknown", "is %q; use an active ISO 4217 code such as EUR", abbreviate(q.Currency))
		}
	} else if byPrice || q.PriceMin != nil || q.PriceMax != nil {
		f.add("currency", "required", "is missing; prices compare only within one currency")
	}
	if q.PriceMin != nil {
		f.quantity("price_min", *q.PriceMin)
	}
	if q.PriceMax != nil {
		f.quantity("price_max", *q.PriceMax)
	}
}
