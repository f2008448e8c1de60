package product

// Trust saves looking whether what a creation claims is free, for a Store whose keys tell it when the
// product is inserted. After a collision it must keep nothing of the transaction and have the batch
// decided anew, without Trust. It is called before the first Needs, and does nothing for an atomic
// batch, in which one creation's failure would be another one's.
func (d *Decision) Trust() { d.trust = !d.atomic }

// TrustMerges is Trust for an import's rows, too, whose SKUs may well be known. A Store calls it after a
// batch of them that only made products.
func (d *Decision) TrustMerges() {
	d.Trust()
	d.trustMerges = d.trust
}

// trusts reports whether a creation's claims are taken to be free.
func (d *Decision) trusts(w *Write, p *Product) bool {
	if !(d.trust && w.Op == OpCreate || d.trustMerges && w.Merges()) || d.askedSKUs[p.SKU] {
		return false
	}
	_, taken := d.skus[p.SKU]
	if key, grouped := p.VariantKey(); grouped && !taken {
		_, taken = d.variants[key]
		taken = taken || d.askedVariants[key]
	}
	return !taken
}

// checkTrust asks for the claims of those that were trusted and have lost them again within the
// batch: nothing would collide when they are inserted.
func (d *Decision) checkTrust() {
	for _, row := range d.trusted {
		created := &row.Product
		key, grouped := created.VariantKey()
		holder, held := d.skus[created.SKU]
		held = held && holder == created.ID
		if grouped && held {
			holder, held = d.variants[key]
			held = held && holder == created.ID
		}
		if held {
			continue
		}
		d.missing.skus[created.SKU] = true
		if grouped {
			d.missing.variants[key] = true
		}
	}
}
