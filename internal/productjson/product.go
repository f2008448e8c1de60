// Package productjson reads the JSON of products and of the requests about them, strictly, and
// reports every fault at once. It serves HTTP bodies and JSON Lines alike.
//
// A text that is no JSON, or ambiguous JSON, gives a [*SyntaxError]; JSON of another shape gives
// a [*product.InvalidError] whose faults carry the members' paths.
package productjson

import (
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
	"publish_at":   func(r *reader, field string, p *product.Patch) { p.PublishAt = r.moment(field) },
	"unpublish_at": func(r *reader, field string, p *product.Patch) { p.UnpublishAt = r.moment(field) },
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
	p := r.patch("")
	return p, r.err()
}

func (r *reader) patch(field string) product.Patch {
	var p product.Patch
	r.object(field, func(field, name string) {
		if read, ok := members[name]; ok {
			read(r, field, &p)
		} else {
			r.unknown(field)
		}
	})
	return p
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
