// Package productjson reads the JSON of products and of the requests about them, strictly, and
// reports every fault at once. It serves HTTP bodies and JSON Lines alike.
//
// A text that is no JSON, or ambiguous JSON, gives a [*SyntaxError]; JSON of another shape gives
// a [*product.InvalidError] whose faults carry the members' paths.
package productjson

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/productkit-go/productkit/product"
)

// members are all that a product may have. One table serves drafts and patches: a draft is a
// patch of nothing (RFC 7396).
var members = map[string]func(r *reader, field string, p *product.Patch){
	"sku":         func(r *reader, field string, p *product.Patch) { p.SKU = r.text(field) },
	"name":        func(r *reader, field string, p *product.Patch) { p.Name = r.text(field) },
	"description": func(r *reader, field string, p *product.Patch) { p.Description = r.text(field) },
	"status": func(r *reader, field string, p *product.Patch) {
		if s := r.text(field); s != nil {
			p.Status = new(product.Status(*s))
		}
	},
	"price":        func(r *reader, field string, p *product.Patch) { p.Price = r.money(field) },
	"compare_at":   func(r *reader, field string, p *product.Patch) { p.CompareAt = r.money(field) },
	"backorder":    func(r *reader, field string, p *product.Patch) { p.Backorder = r.flag(field) },
	"group":        func(r *reader, field string, p *product.Patch) { p.Group = r.text(field) },
	"options":      func(r *reader, field string, p *product.Patch) { p.Options = r.options(field) },
	"category":     func(r *reader, field string, p *product.Patch) { p.Category = r.text(field) },
	"tags":         func(r *reader, field string, p *product.Patch) { p.Tags = r.tags(field) },
	"vendor":       func(r *reader, field string, p *product.Patch) { p.Vendor = r.text(field) },
	"barcode":      func(r *reader, field string, p *product.Patch) { p.Barcode = r.text(field) },
	"weight_grams": func(r *reader, field string, p *product.Patch) { p.WeightGrams = r.integer(field) },
	"images":       func(r *reader, field string, p *product.Patch) { p.Images = r.images(field) },
	"attributes":   func(r *reader, field string, p *product.Patch) { p.Attributes = r.attributes(field) },

	// These cannot be set, only agreed with.
	"id":         func(r *reader, field string, p *product.Patch) { p.Assert.ID = r.id(field) },
	"version":    func(r *reader, field string, p *product.Patch) { p.Assert.Version = r.version(field) },
	"created_at": func(r *reader, field string, p *product.Patch) { p.Assert.CreatedAt = r.time(field) },
	"updated_at": func(r *reader, field string, p *product.Patch) { p.Assert.UpdatedAt = r.time(field) },
	"deleted_at": func(r *reader, field string, _ *product.Patch) {
		// Whatever can be written is not deleted, so null is the present value.
		if !r.null() {
			r.skip()
			r.fault(field, "read_only", "cannot be set; use DELETE, and restore")
		}
	},
	"stock": func(r *reader, field string, p *product.Patch) { r.stock(field, &p.Assert) },
}

// DecodePatch reads an RFC 7396 merge patch of a product.
func DecodePatch(data []byte) (product.Patch, error) {
	r, err := newReader(data)
	if err != nil {
		return product.Patch{}, err
	}
	p := r.patch()
	return p, r.err()
}

// DecodeDraft reads a product to be created or replaced. Null members are absent ones. When
// the error is a [*product.InvalidError], the draft holds the members that are in order.
func DecodeDraft(data []byte) (product.Draft, error) {
	r, err := newReader(data)
	if err != nil {
		return product.Draft{}, err
	}
	p := r.patch()
	d := r.draft(&p)
	if (p.Price == nil || p.Price.Clear) && !r.faulty("price") && !r.faulty("") {
		r.fault("price", "required", `is missing; give one like {"amount":1999,"currency":"EUR"}`)
	}
	return d, r.err()
}

func (r *reader) patch() product.Patch {
	var p product.Patch
	r.object("", func(field, name string) {
		if read, ok := members[name]; ok {
			read(r, field, &p)
		} else {
			r.unknown(field)
		}
	})
	return p
}

// draft is what the patch makes of nothing.
func (r *reader) draft(p *product.Patch) product.Draft {
	d := product.Draft{Product: product.Product{
		SKU:         value(p.SKU),
		Name:        value(p.Name),
		Description: value(p.Description),
		Status:      value(p.Status),
		Backorder:   value(p.Backorder),
		Group:       value(p.Group),
		Category:    value(p.Category),
		Tags:        value(p.Tags),
		Vendor:      value(p.Vendor),
		Barcode:     value(p.Barcode),
		WeightGrams: value(p.WeightGrams),
		Images:      value(p.Images),
		ID:          value(p.Assert.ID),
		Version:     value(p.Assert.Version),
		CreatedAt:   value(p.Assert.CreatedAt),
		UpdatedAt:   value(p.Assert.UpdatedAt),
	}, Stock: p.Assert.OnHand}
	if p.Price != nil {
		d.Price = r.amount("price", p.Price)
	}
	if p.CompareAt != nil && !p.CompareAt.Clear {
		d.CompareAt = new(r.amount("compare_at", p.CompareAt))
	}
	if p.Options != nil {
		for name, value := range p.Options.Set {
			if value != nil {
				if d.Options == nil {
					d.Options = make(map[string]string, len(p.Options.Set))
				}
				d.Options[name] = *value
			}
		}
	}
	if p.Attributes != nil {
		d.Attributes = p.Attributes.Merge
	}
	r.assertStock(&p.Assert)
	return d
}

// amount refuses money without an amount: left to itself it would be free of charge.
func (r *reader) amount(field string, m *product.MoneyPatch) product.Money {
	if m.Amount == nil && !m.Clear && !r.faulty(field+".amount") {
		r.fault(field+".amount", "required", "is missing; give it in minor units, such as 1999 for 19.99")
	}
	return product.Money{Amount: value(m.Amount), Currency: value(m.Currency)}
}

func (r *reader) faulty(field string) bool {
	for _, f := range r.faults {
		if f.Field == field {
			return true
		}
	}
	return false
}

// assertStock checks what a draft cannot carry. Only a product's on-hand stock can be written,
// so the rest must follow from it.
func (r *reader) assertStock(a *product.Assert) {
	reserved, available := value(a.Reserved), value(a.Available)
	if reserved != 0 || a.Available != nil && available != value(a.OnHand) {
		r.fault("stock", "read_only", "takes only on_hand here; reserved and available follow from reservations")
	}
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func (r *reader) money(field string) *product.MoneyPatch {
	if r.null() {
		return &product.MoneyPatch{Clear: true}
	}
	var m product.MoneyPatch
	ok := r.object(field, func(field, name string) {
		switch name {
		case "amount":
			m.Amount = required(r, field, r.integer)
		case "currency":
			m.Currency = required(r, field, r.text)
		default:
			r.unknown(field)
		}
	})
	if !ok {
		return nil
	}
	return &m
}

// required refuses null for a member that its object cannot be without.
func required[T any](r *reader, field string, read func(string) *T) *T {
	if r.null() {
		r.fault(field, "required", "cannot be removed; give a value, or null for the whole")
		return nil
	}
	return read(field)
}

func (r *reader) options(field string) *product.OptionsPatch {
	if r.null() {
		return &product.OptionsPatch{Clear: true}
	}
	o := product.OptionsPatch{Set: make(map[string]*string)}
	ok := r.object(field, func(field, name string) {
		if r.null() {
			o.Set[name] = nil
		} else if v := r.text(field); v != nil {
			o.Set[name] = v
		}
	})
	if !ok {
		return nil
	}
	return &o
}

func (r *reader) tags(field string) *[]string {
	var tags []string
	if r.null() || r.array(field, func(field string) {
		if tag := required(r, field, r.text); tag != nil {
			tags = append(tags, *tag)
		}
	}) {
		return &tags
	}
	return nil
}

func (r *reader) images(field string) *[]product.Image {
	var images []product.Image
	if r.null() || r.array(field, func(field string) { images = append(images, r.image(field)) }) {
		return &images
	}
	return nil
}

func (r *reader) image(field string) product.Image {
	var image product.Image
	r.object(field, func(field, name string) {
		switch name {
		case "url":
			image.URL = value(r.text(field))
		case "alt":
			image.Alt = value(r.text(field))
		default:
			r.unknown(field)
		}
	})
	return image
}

func (r *reader) attributes(field string) *product.AttributesPatch {
	if r.null() {
		return &product.AttributesPatch{Clear: true}
	}
	if r.d.PeekKind() != jsontext.KindBeginObject {
		r.expect(field, jsontext.KindBeginObject, "an object")
		return nil
	}
	return &product.AttributesPatch{Merge: r.raw()}
}

func (r *reader) version(field string) *int64 {
	v := required(r, field, r.integer)
	if v != nil && *v < 1 {
		r.fault(field, "read_only", "is %d, which no product has; leave it out", *v)
		return nil
	}
	return v
}

// stock reads the number on hand, or the object that ?include=stock shows.
func (r *reader) stock(field string, a *product.Assert) {
	switch r.d.PeekKind() {
	case jsontext.KindNumber:
		a.OnHand = r.integer(field)
	case jsontext.KindBeginObject:
		r.object(field, func(field, name string) {
			switch name {
			case "on_hand":
				a.OnHand = required(r, field, r.integer)
			case "reserved":
				a.Reserved = required(r, field, r.integer)
			case "available":
				a.Available = required(r, field, r.integer)
			default:
				r.unknown(field)
			}
		})
	default:
		r.expect(field, jsontext.KindNumber, "an integer, or an object with on_hand")
	}
}

// Join adds the faults of more to those of err, less those that are about a member which err
// complains of already. Both are a [*product.InvalidError] or nil; any other error stands alone.
func Join(err, more error) error {
	var first, second *product.InvalidError
	if !errors.As(err, &first) || !errors.As(more, &second) {
		if err != nil {
			return err
		}
		return more
	}
	joined := &product.InvalidError{Faults: first.Faults}
	for _, f := range second.Faults {
		if !covered(first.Faults, f.Field) {
			joined.Faults = append(joined.Faults, f)
		}
	}
	return joined
}

// covered reports whether one of the faults is about field or what contains it.
func covered(faults []product.Fault, field string) bool {
	for _, f := range faults {
		rest, ok := strings.CutPrefix(field, f.Field)
		if ok && f.Field != "" && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}
