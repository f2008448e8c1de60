package product

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// member is one member of the product's content: what history compares.
type member struct {
	name  string
	equal func(a, b *Product) bool
	value func(p *Product) any // nil where absent
}

// members lists the content in the order of [Product].
var members = []member{
	text("sku", func(p *Product) string { return p.SKU }),
	text("name", func(p *Product) string { return p.Name }),
	text("description", func(p *Product) string { return p.Description }),
	text("status", func(p *Product) string { return string(p.Status) }),
	moment("publish_at", func(p *Product) time.Time { return p.PublishAt }),
	moment("unpublish_at", func(p *Product) time.Time { return p.UnpublishAt }),
	{"price",
		func(a, b *Product) bool { return a.Price == b.Price },
		func(p *Product) any { return p.Price }},
	{"compare_at",
		func(a, b *Product) bool {
			return (a.CompareAt == nil) == (b.CompareAt == nil) && (a.CompareAt == nil || *a.CompareAt == *b.CompareAt)
		},
		func(p *Product) any { return unlessEmpty(p.CompareAt == nil, p.CompareAt) }},
	{"backorder",
		func(a, b *Product) bool { return a.Backorder == b.Backorder },
		func(p *Product) any { return p.Backorder }},
	text("group", func(p *Product) string { return p.Group }),
	{"options",
		func(a, b *Product) bool { return maps.Equal(a.Options, b.Options) },
		func(p *Product) any { return unlessEmpty(len(p.Options) == 0, p.Options) }},
	text("category", func(p *Product) string { return p.Category }),
	{"tags",
		func(a, b *Product) bool { return slices.Equal(a.Tags, b.Tags) },
		func(p *Product) any { return unlessEmpty(len(p.Tags) == 0, p.Tags) }},
	text("vendor", func(p *Product) string { return p.Vendor }),
	text("barcode", func(p *Product) string { return p.Barcode }),
	{"weight_grams",
		func(a, b *Product) bool { return a.WeightGrams == b.WeightGrams },
		func(p *Product) any { return unlessEmpty(p.WeightGrams == 0, p.WeightGrams) }},
	{"images",
		func(a, b *Product) bool { return slices.Equal(a.Images, b.Images) },
		func(p *Product) any { return unlessEmpty(len(p.Images) == 0, p.Images) }},
	text("attributes", func(p *Product) string { return string(p.Attributes) }).
		as(func(p *Product) any { return unlessEmpty(len(p.Attributes) == 0, p.Attributes) }),
}

func text(name string, get func(*Product) string) member {
	return member{name,
		func(a, b *Product) bool { return get(a) == get(b) },
		func(p *Product) any { return unlessEmpty(get(p) == "", get(p)) }}
}

func moment(name string, get func(*Product) time.Time) member {
	return member{name,
		func(a, b *Product) bool { return get(a).Equal(get(b)) },
		func(p *Product) any { return unlessEmpty(get(p).IsZero(), get(p).UTC().Format(timeLayout)) }}
}

func (m member) as(value func(*Product) any) member {
	m.value = value
	return m
}

func unlessEmpty(empty bool, v any) any {
	if empty {
		return nil
	}
	return v
}

// diff lists the members in which b differs from a.
func diff(a, b *Product) []FieldChange {
	var changes []FieldChange
	for _, m := range members {
		if !m.equal(a, b) {
			changes = append(changes, FieldChange{Field: m.name, Before: jsonOf(m.value(a)), After: jsonOf(m.value(b))})
		}
	}
	return changes
}

func jsonOf(v any) json.RawMessage {
	switch v := v.(type) {
	case nil:
		return nil
	case int64: // each sale makes two
		return strconv.AppendInt(nil, v, 10)
	}
	raw, err := encodeCanonical(v)
	if err != nil {
		panic("product: a member cannot be encoded: " + err.Error()) // strings, numbers and checked JSON always can
	}
	return raw
}
