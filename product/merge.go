package product

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// merge returns p with the patch merged in. It copies whatever it changes.
func (d *Patch) merge(p Product) (Product, error) {
	var f faults
	set(&p.SKU, d.SKU)
	set(&p.Name, d.Name)
	set(&p.Description, d.Description)
	set(&p.Status, d.Status)
	set(&p.PublishAt, d.PublishAt)
	set(&p.UnpublishAt, d.UnpublishAt)
	set(&p.Backorder, d.Backorder)
	set(&p.Group, d.Group)
	set(&p.Category, d.Category)
	set(&p.Tags, d.Tags)
	set(&p.Vendor, d.Vendor)
	set(&p.Barcode, d.Barcode)
	set(&p.WeightGrams, d.WeightGrams)
	set(&p.Images, d.Images)
	if d.Price != nil {
		p.Price = d.Price.merge(p.Price)
	}
	if d.CompareAt != nil {
		var before Money
		if p.CompareAt != nil {
			before = *p.CompareAt
		}
		after := d.CompareAt.merge(before)
		p.CompareAt = &after
		if after == (Money{}) {
			p.CompareAt = nil
		}
	}
	if d.Options != nil {
		p.Options = d.Options.merge(p.Options)
	}
	if d.Attributes != nil {
		merged, err := d.Attributes.merge(p.Attributes)
		if err != nil {
			f.add("attributes", "format", "cannot be merged: %v", err)
		}
		p.Attributes = merged
	}
	return p, f.err()
}

func set[T any](member *T, value *T) {
	if value != nil {
		*member = *value
	}
}

func (d *MoneyPatch) merge(m Money) Money {
	if d.Clear {
		m = Money{}
	}
	set(&m.Amount, d.Amount)
	set(&m.Currency, d.Currency)
	return m
}

func (d *OptionsPatch) merge(options map[string]string) map[string]string {
	if d.Clear {
		options = nil
	}
	merged := make(map[string]string, len(options)+len(d.Set))
	maps.Copy(merged, options)
	for name, value := range d.Set {
		if value == nil {
			delete(merged, name)
		} else {
			merged[name] = *value
		}
	}
	return merged
}

func (d *AttributesPatch) merge(raw json.RawMessage) (json.RawMessage, error) {
	switch {
	case d.Clear:
		return d.Merge, nil
	case len(d.Merge) == 0:
		return raw, nil
	case len(raw) == 0:
		raw = json.RawMessage("{}")
	}
	attributes, err := decodeObject(raw)
	if err != nil {
		return raw, err
	}
	patch, err := decodeObject(d.Merge)
	if err != nil {
		return raw, err
	}
	return encodeCanonical(mergeObject(attributes, patch))
}

// mergeObject is MergePatch of RFC 7396, section 2.
func mergeObject(target, patch map[string]any) map[string]any {
	if target == nil {
		target = make(map[string]any, len(patch))
	}
	for name, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(target, name)
		case map[string]any:
			inner, _ := target[name].(map[string]any)
			target[name] = mergeObject(inner, value)
		default:
			target[name] = value
		}
	}
	return target
}

// check compares what a caller believes with what is.
func (a Assert) check(row *Row) error {
	var f faults
	p, stock := &row.Product, row.Stock
	if a.ID != nil && *a.ID != p.ID {
		f.add("id", "read_only", "is not this product's; leave it out")
	}
	if a.Version != nil && *a.Version != p.Version {
		f.add("version", "read_only", "is %d and the present one is %d; leave it out, and expect a version with If-Match", *a.Version, p.Version)
	}
	if a.CreatedAt != nil && !a.CreatedAt.Equal(p.CreatedAt) {
		f.add("created_at", "read_only", "cannot be changed; leave it out")
	}
	if a.UpdatedAt != nil && !a.UpdatedAt.Equal(p.UpdatedAt) {
		f.add("updated_at", "read_only", "cannot be set; leave it out")
	}
	if differs(a.OnHand, stock.OnHand) || differs(a.Reserved, stock.Reserved) || differs(a.Available, stock.Available()) {
		f.add("stock", "read_only", "is changed by the stock operation; leave it out here, and send a delta or on_hand there")
	}
	return f.err()
}

func differs(believed *int64, is int64) bool { return believed != nil && *believed != is }

// replacement returns the draft's content under p's identity, and what the draft asserts.
func (d *Draft) replacement(p *Product) (Product, Assert) {
	next := d.Product.clone()
	next.ID, next.Version, next.CreatedAt, next.UpdatedAt = p.ID, p.Version, p.CreatedAt, p.UpdatedAt
	var a Assert
	if d.ID != uuid.Nil {
		a.ID = &d.ID
	}
	if d.Version != 0 {
		a.Version = &d.Version
	}
	if !d.CreatedAt.IsZero() {
		a.CreatedAt = &d.CreatedAt
	}
	if !d.UpdatedAt.IsZero() {
		a.UpdatedAt = &d.UpdatedAt
	}
	a.OnHand = d.Stock
	return next, a
}

// unassigned refuses members of a new product that only the Service may set.
func (d *Draft) unassigned() error {
	var f faults
	const remedy = "is assigned at creation; leave it out"
	if d.ID != uuid.Nil {
		f.add("id", "read_only", remedy)
	}
	if d.Version != 0 {
		f.add("version", "read_only", remedy)
	}
	if !d.CreatedAt.IsZero() {
		f.add("created_at", "read_only", remedy)
	}
	if !d.UpdatedAt.IsZero() {
		f.add("updated_at", "read_only", remedy)
	}
	return f.err()
}

// clone copies what p refers to, so that the caller may go on using its own.
func (p Product) clone() Product {
	if p.CompareAt != nil {
		compareAt := *p.CompareAt
		p.CompareAt = &compareAt
	}
	p.Options = maps.Clone(p.Options)
	p.Tags = slices.Clone(p.Tags)
	p.Images = slices.Clone(p.Images)
	p.Attributes = slices.Clone(p.Attributes)
	p.DeletedAt = time.Time{}
	return p
}
