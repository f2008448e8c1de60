package product

import (
	"slices"
	"time"
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
)

// Sorts returns every order of a list, ascending before descending.
func Sorts() []Sort {
	return []Sort{SortCreated, SortCreatedDesc, SortUpdated, SortUpdatedDesc, SortName, SortNameDesc, SortPrice, SortPriceDesc, SortSKU}
}

// Valid reports whether s is one of [Sorts].
func (s Sort) Valid() bool { return slices.Contains(Sorts(), s) }

// Descending reports whether s begins with a minus sign.
func (s Sort) Descending() bool { return len(s) > 0 && s[0] == '-' }

// Limits of a page.
const (
	DefaultLimit = 20
	MaxLimit     = 200
)

// Query selects and orders products. Its zero value lists all live products, oldest first.
// Filters are combined with and.
type Query struct {
	Status       Status
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
	Deleted      bool      // list the deleted products instead of the live ones

	Sort   Sort   // default [SortCreated]
	Limit  int    // default [DefaultLimit]; above [MaxLimit] is clamped
	Cursor string // [Page].Next of the page before; empty for the first page

	// After is where the page begins, exclusively; nil at the beginning. The [Service] sets it
	// from Cursor; only a [Store] reads it.
	After *Position
}

// Position is the place of one product in one order: the values of its sort key.
type Position struct {
	ID   [16]byte
	Text string // of name and sku
	Int  int64  // of a price, in minor units, and of a time, in microseconds since 1970
}

// Page is one page of a list.
type Page struct {
	Items []Product
	Next  string // the cursor of the next page; empty on the last one
}
