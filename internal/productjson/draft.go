package productjson

import "github.com/productkit-go/productkit/product"

// DecodeDraft reads a product to be created or replaced. Null members are absent ones. When
// the error is a [*product.InvalidError], the draft holds the members that are in order.
func DecodeDraft(data []byte) (product.Draft, error) {
	r, err := newReader(data)
	if err != nil {
		return product.Draft{}, err
	}
	p := r.patch("")
	return r.draftWithPrice("", &p), r.err()
}

func (r *reader) draftWithPrice(field string, p *product.Patch) product.Draft {
	d := r.draft(field, p)
	price := within(field, "price")
	if (p.Price == nil || p.Price.Clear) && !r.faulty(price) && !r.faulty(field) {
		r.fault(price, "required", `is missing; give one like {"amount":1999,"currency":"EUR"}`)
	}
	return d
}

// draft is what the patch at this path makes of nothing.
func (r *reader) draft(field string, p *product.Patch) product.Draft {
	d := product.Draft{Product: product.Product{
		SKU:         value(p.SKU),
		Name:        value(p.Name),
		Description: value(p.Description),
		Status:      value(p.Status),
		PublishAt:   value(p.PublishAt),
		UnpublishAt: value(p.UnpublishAt),
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
		d.Price = r.amount(within(field, "price"), p.Price)
	}
	if p.CompareAt != nil && !p.CompareAt.Clear {
		d.CompareAt = new(r.amount(within(field, "compare_at"), p.CompareAt))
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
	r.assertStock(within(field, "stock"), &p.Assert)
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
func (r *reader) assertStock(field string, a *product.Assert) {
	reserved, available := value(a.Reserved), value(a.Available)
	if reserved != 0 || a.Available != nil && available != value(a.OnHand) {
		r.fault(field, "read_only", "takes only on_hand here; reserved and available follow from reservations")
	}
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// DecodeEntry reads a product of an import: what a new one is made of, and what a known one takes.
// Null members are absent in the one and removed from the other. Options and attributes are
// replaced as a whole.
func DecodeEntry(data []byte) (product.Entry, error) {
	r, err := newReader(data)
	if err != nil {
		return product.Entry{}, err
	}
	p := r.patch("")
	e := product.Entry{Draft: r.draftWithPrice("", &p), Patch: p}
	a := &e.Patch.Assert
	a.OnHand, a.Reserved, a.Available = nil, nil, nil // the draft's stock is set, not agreed with
	if o := e.Patch.Options; o != nil {
		o.Clear = true
	}
	if a := e.Patch.Attributes; a != nil {
		a.Clear = true
	}
	return e, r.err()
}
