package product

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Limits of a product's members. They keep one row far below every engine's packet and
// index limits, and every amount inside the integers that JSON numbers carry exactly
// (RFC 8259, section 6).
const (
	MaxSKULen         = 64       // visible ASCII characters
	MaxNameLen        = 255      // characters; also vendor, group, category
	MaxDescriptionLen = 64 << 10 // bytes
	MaxTags           = 50
	MaxTagLen         = 64 // characters
	MaxImages         = 50
	MaxURLLen         = 2048 // bytes
	MaxAltLen         = 512  // characters
	MaxOptions        = 20
	MaxOptionLen      = 255      // characters, of a name and of a value
	MaxAttributesLen  = 64 << 10 // bytes of JSON
	MaxQuantity       = 1<<53 - 1
	MaxReasonLen      = 255 // characters; also actor
)

// Product is one sellable item with one SKU. Variants of the same article share Group and
// differ in Options.
//
// A Product is a plain value: copying it is cheap, but copies share their maps and slices.
// Products that a [Service] returns may be shared with other callers and must not be
// modified; change them by [Service.Update].
type Product struct {
	ID          uuid.UUID         `json:"id"`
	SKU         string            `json:"sku"` // 1–64 visible ASCII characters, unique among products that are not deleted, compared byte for byte
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Status      Status            `json:"status"`
	PublishAt   time.Time         `json:"publish_at,omitzero"`   // an active product is published from then on; zero: at once. See [Product.Published]
	UnpublishAt time.Time         `json:"unpublish_at,omitzero"` // and is not any more from then on; zero: never
	Price       Money             `json:"price"`
	CompareAt   *Money            `json:"compare_at,omitempty"` // the price before a reduction, in the currency of Price
	Backorder   bool              `json:"backorder"`            // lets stock fall below zero
	Group       string            `json:"group,omitempty"`      // variants of one article share it
	Options     map[string]string `json:"options,omitempty"`    // what distinguishes a variant in its group: {"Size":"M"}
	Category    string            `json:"category,omitempty"`   // a path: apparel/shirts
	Tags        []string          `json:"tags,omitempty"`
	Vendor      string            `json:"vendor,omitempty"`
	Barcode     string            `json:"barcode,omitempty"`      // GTIN-8, -12, -13 or -14
	WeightGrams int64             `json:"weight_grams,omitempty"` // 0 means unknown
	Images      []Image           `json:"images,omitempty"`
	Attributes  json.RawMessage   `json:"attributes,omitempty"` // a JSON object in canonical form: compact, members sorted
	Version     int64             `json:"version"`              // starts at 1 and grows by 1 with each change of the product
	CreatedAt   time.Time         `json:"created_at"`           // UTC, microseconds, as all times
	UpdatedAt   time.Time         `json:"updated_at"`
	DeletedAt   time.Time         `json:"deleted_at,omitzero"` // zero while the product is live
}

// Deleted reports whether the product has been deleted and not restored.
func (p *Product) Deleted() bool { return !p.DeletedAt.IsZero() }

// Revision is the product's identity at its present version: what an ETag says.
func (p *Product) Revision() Revision { return Revision{ID: p.ID, Version: p.Version} }

// Status says where a product stands in its life.
type Status string

// The three statuses. [StatusDraft] is the default at creation.
const (
	StatusDraft    Status = "draft"
	StatusActive   Status = "active"
	StatusArchived Status = "archived"
)

// Valid reports whether s is one of the three statuses.
func (s Status) Valid() bool {
	return s == StatusDraft || s == StatusActive || s == StatusArchived
}

// Image is a link to a picture of the product.
type Image struct {
	URL string `json:"url"` // absolute, http or https
	Alt string `json:"alt,omitempty"`
}

// Draft is a product as a caller writes it, together with the stock it starts with.
//
// ID, Version, CreatedAt and UpdatedAt belong to the [Service]. Left zero they are not
// looked at; in [Service.Upsert] of a known SKU a value given must equal the present one,
// and anywhere else it is refused, so that nobody believes to have set what was not set.
type Draft struct {
	Product
	Stock *int64 // on hand at creation, below zero only with Backorder; nil means 0
}

// Key names one product, by ID or by SKU. Exactly one of the two is set.
type Key struct {
	ID  uuid.UUID
	SKU string
}

// ByID returns the key of the product with this ID.
func ByID(id uuid.UUID) Key { return Key{ID: id} }

// BySKU returns the key of the live product with this SKU.
func BySKU(sku string) Key { return Key{SKU: sku} }

// String returns the ID or the SKU.
func (k Key) String() string {
	if k.SKU != "" {
		return k.SKU
	}
	return k.ID.String()
}

// Of reports whether k names p.
func (k Key) Of(p *Product) bool {
	if k.SKU != "" {
		return k.SKU == p.SKU
	}
	return k.ID == p.ID
}
