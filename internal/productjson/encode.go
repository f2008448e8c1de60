package productjson

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// EncodeDraft returns the JSON of a draft, which [DecodeDraft] reads. What the catalogue sets stands
// in it only where the draft has it. Its error is about attributes that are no JSON.
func EncodeDraft(d product.Draft) ([]byte, error) {
	m := map[string]any{"price": d.Price}
	for _, member := range []struct {
		name  string
		given bool
		value any
	}{
		{"sku", d.SKU != "", d.SKU},
		{"name", d.Name != "", d.Name},
		{"description", d.Description != "", d.Description},
		{"status", d.Status != "", d.Status},
		{"publish_at", !d.PublishAt.IsZero(), d.PublishAt},
		{"unpublish_at", !d.UnpublishAt.IsZero(), d.UnpublishAt},
		{"compare_at", d.CompareAt != nil, d.CompareAt},
		{"backorder", d.Backorder, true},
		{"group", d.Group != "", d.Group},
		{"options", d.Options != nil, d.Options},
		{"category", d.Category != "", d.Category},
		{"tags", d.Tags != nil, d.Tags},
		{"vendor", d.Vendor != "", d.Vendor},
		{"barcode", d.Barcode != "", d.Barcode},
		{"weight_grams", d.WeightGrams != 0, d.WeightGrams},
		{"images", d.Images != nil, d.Images},
		{"attributes", d.Attributes != nil, d.Attributes},
		{"stock", d.Stock != nil, d.Stock},
		{"id", d.ID != uuid.Nil, d.ID},
		{"version", d.Version != 0, d.Version},
		{"created_at", !d.CreatedAt.IsZero(), d.CreatedAt},
		{"updated_at", !d.UpdatedAt.IsZero(), d.UpdatedAt},
	} {
		if member.given {
			m[member.name] = member.value
		}
	}
	return encode(m)
}

// EncodePatch returns the merge patch (RFC 7396) that [DecodePatch] reads. Its error is an
// InvalidError for what such a patch cannot say, options or attributes replaced as a whole by
// others, or about attributes that are no JSON.
func EncodePatch(p product.Patch) ([]byte, error) {
	m := make(map[string]any)
	put(m, "sku", p.SKU)
	put(m, "name", p.Name)
	put(m, "description", p.Description)
	put(m, "status", p.Status)
	putTime(m, "publish_at", p.PublishAt)
	putTime(m, "unpublish_at", p.UnpublishAt)
	put(m, "backorder", p.Backorder)
	put(m, "group", p.Group)
	put(m, "category", p.Category)
	put(m, "tags", p.Tags)
	put(m, "vendor", p.Vendor)
	put(m, "barcode", p.Barcode)
	put(m, "weight_grams", p.WeightGrams)
	put(m, "images", p.Images)
	putMoney(m, "price", p.Price)
	putMoney(m, "compare_at", p.CompareAt)
	var invalid product.InvalidError
	whole := func(field string) {
		invalid.Faults = append(invalid.Faults, product.Fault{Field: field, Code: "format",
			Message: "cannot be replaced as a whole by a merge patch; upsert the product, or name the members to remove"})
	}
	if o := p.Options; o != nil {
		switch {
		case o.Clear && len(o.Set) > 0:
			whole("options")
		case o.Clear:
			m["options"] = nil
		default:
			m["options"] = o.Set
		}
	}
	if a := p.Attributes; a != nil {
		switch {
		case a.Clear && len(a.Merge) > 0:
			whole("attributes")
		case a.Clear:
			m["attributes"] = nil
		default:
			m["attributes"] = a.Merge
		}
	}
	putAssert(m, p.Assert)
	if len(invalid.Faults) > 0 {
		return nil, &invalid
	}
	return encode(m)
}

// encode writes an object with its members in order. Attributes stand in it as they are.
func encode(m map[string]any) ([]byte, error) {
	b := []byte{'{'}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(AppendString(b, name), ':')
		text, isRaw := m[name].(json.RawMessage)
		if !isRaw {
			text, _ = json.Marshal(m[name]) // strings, numbers, times and lists of them
		} else if !json.Valid(text) {
			return nil, &product.InvalidError{Faults: []product.Fault{{Field: name, Code: "format", Message: "is no JSON; give an object"}}}
		}
		b = append(b, text...)
	}
	return append(b, '}'), nil
}

func put[T any](m map[string]any, name string, v *T) {
	if v != nil {
		m[name] = *v
	}
}

func putTime(m map[string]any, name string, t *time.Time) {
	switch {
	case t == nil:
	case t.IsZero():
		m[name] = nil
	default:
		m[name] = *t
	}
}

func putMoney(m map[string]any, name string, p *product.MoneyPatch) {
	if p == nil {
		return
	}
	if p.Clear && p.Amount == nil && p.Currency == nil {
		m[name] = nil
		return
	}
	money := make(map[string]any)
	put(money, "amount", p.Amount)
	put(money, "currency", p.Currency)
	m[name] = money
}

func putAssert(m map[string]any, a product.Assert) {
	put(m, "id", a.ID)
	put(m, "version", a.Version)
	put(m, "created_at", a.CreatedAt)
	put(m, "updated_at", a.UpdatedAt)
	stock := make(map[string]any)
	put(stock, "on_hand", a.OnHand)
	put(stock, "reserved", a.Reserved)
	put(stock, "available", a.Available)
	if len(stock) > 0 {
		m["stock"] = stock
	}
}
