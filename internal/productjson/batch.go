package productjson

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// BatchItem is one operation of a batch as it is written. What it does not have is zero.
type BatchItem struct {
	Op          string // create, upsert, patch, delete, restore or stock
	ID          uuid.UUID
	SKU         string
	Draft       product.Draft // create, upsert
	Patch       product.Patch // patch
	Delta       int64         // stock
	OnHand      *int64        // stock, instead of Delta
	Reason      string        // stock, with Delta
	IfMatch     *string       // as in the header of that name
	IfNoneMatch *string
}

// Key is the ID or the SKU that names the item's product.
func (i BatchItem) Key() product.Key { return product.Key{ID: i.ID, SKU: i.SKU} }

// batchOps are the operations of a batch with the members that each takes, besides op.
var batchOps = map[string][]string{
	"create":  {"product"},
	"upsert":  {"product", "if_match", "if_none_match"},
	"patch":   {"id", "sku", "patch", "if_match", "if_none_match"},
	"delete":  {"id", "sku", "if_match", "if_none_match"},
	"restore": {"id", "if_match", "if_none_match"},
	"stock":   {"id", "sku", "delta", "reason", "on_hand", "if_match", "if_none_match"},
}

// DecodeBatch reads {"items":[{"op":"create","product":{…}}, …]}. When the error is a
// [*product.InvalidError], the items hold what is in order.
func DecodeBatch(data []byte) ([]BatchItem, error) {
	r, err := newReader(data)
	if err != nil {
		return nil, err
	}
	var items []BatchItem
	given, tooMany := false, false
	ok := r.object("", func(field, name string) {
		if name != "items" {
			r.unknown(field)
			return
		}
		given = true
		r.array(field, func(field string) {
			if len(items) == product.MaxBatch {
				r.skip()
				tooMany = true
				return
			}
			items = append(items, r.batchItem(field))
		})
	})
	switch {
	case tooMany:
		r.fault("items", "too_many", "has more than %d members; send several batches", product.MaxBatch)
	case ok && (!given || len(items) == 0) && !r.faulty("items"):
		r.fault("items", "required", "is missing or empty; give at least one operation")
	}
	return items, r.err()
}

func (r *reader) batchItem(field string) BatchItem {
	var item BatchItem
	given := make(map[string]bool)
	ok := r.object(field, func(field, name string) {
		given[name] = true
		switch name {
		case "op":
			item.Op = value(required(r, field, r.text))
		case "id":
			item.ID = value(r.id(field))
		case "sku":
			item.SKU = value(required(r, field, r.text))
		case "product":
			p := r.patch(field)
			item.Draft = r.draftWithPrice(field, &p)
		case "patch":
			item.Patch = r.patch(field)
		case "delta":
			item.Delta = value(required(r, field, r.integer))
		case "on_hand":
			item.OnHand = required(r, field, r.integer)
		case "reason":
			item.Reason = value(r.text(field))
		case "if_match":
			item.IfMatch = required(r, field, r.text)
		case "if_none_match":
			item.IfNoneMatch = required(r, field, r.text)
		default:
			r.unknown(field)
			delete(given, name)
		}
	})
	if ok {
		r.batchMembers(field, &item, given)
	}
	return item
}

// batchMembers checks that the item has the members that its operation takes, and no others.
func (r *reader) batchMembers(field string, item *BatchItem, given map[string]bool) {
	takes, known := batchOps[item.Op]
	op := within(field, "op")
	if !known {
		if !r.faulty(op) {
			r.fault(op, "unknown", "is %q; use one of %s", short(item.Op), strings.Join(slices.Sorted(maps.Keys(batchOps)), ", "))
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if name != "op" && !slices.Contains(takes, name) {
			r.fault(within(field, name), "unknown", "is no member of the operation %s; remove it", item.Op)
		}
	}
	lacks := func(name, remedy string) {
		if slices.Contains(takes, name) && !given[name] {
			r.fault(within(field, name), "required", "is missing; %s", remedy)
		}
	}
	lacks("product", "give the product")
	lacks("patch", "give a merge patch")
	switch byID, bySKU := given["id"], given["sku"]; {
	case item.Op == "restore":
		lacks("id", "name the product by its id")
	case byID && bySKU:
		r.fault(within(field, "sku"), "mismatch", "is given beside id; name the product by one of them")
	case !byID && !bySKU:
		lacks("id", "name the product by its id, or by its sku")
	case bySKU && item.SKU == "" && !r.faulty(within(field, "sku")):
		r.fault(within(field, "sku"), "required", "is empty; name a product")
	}
	if item.Op == "stock" {
		r.batchStock(field, item, given)
	}
}

func (r *reader) batchStock(field string, item *BatchItem, given map[string]bool) {
	delta := within(field, "delta")
	switch {
	case given["on_hand"] && (given["delta"] || given["reason"]):
		r.fault(within(field, "on_hand"), "mismatch", "is given beside delta or reason; give either how many there are, or how many come or go")
	case !given["on_hand"] && item.Delta == 0 && !r.faulty(delta):
		r.fault(delta, "required", "is missing or zero; give how many come (3) or go (-3), or on_hand")
	}
}
