package productjson

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/productkit-go/productkit/product"
)

// StockChange is the body that changes a stock by a difference.
type StockChange struct {
	Delta  int64
	Reason string
}

// DecodeStockChange reads {"delta":-3,"reason":"order 17"}. A delta of zero changes nothing, so
// it is refused; the reason may be left out.
func DecodeStockChange(data []byte) (StockChange, error) {
	var c StockChange
	r, err := newReader(data)
	if err != nil {
		return c, err
	}
	given := false
	ok := r.object("", func(field, name string) {
		switch name {
		case "delta":
			given = true
			c.Delta = value(required(r, field, r.integer))
		case "reason":
			c.Reason = value(r.text(field))
		default:
			r.unknown(field)
		}
	})
	if ok && !r.faulty("delta") && (!given || c.Delta == 0) {
		r.fault("delta", "required", "is missing or zero; give how many come (3) or go (-3)")
	}
	return c, r.err()
}

// DecodeStockLevel reads {"on_hand":40}.
func DecodeStockLevel(data []byte) (onHand int64, err error) {
	r, err := newReader(data)
	if err != nil {
		return 0, err
	}
	given := false
	ok := r.object("", func(field, name string) {
		switch name {
		case "on_hand":
			given = true
			onHand = value(required(r, field, r.integer))
		default:
			r.unknown(field)
		}
	})
	if ok && !given {
		r.fault("on_hand", "required", "is missing; give how many there are")
	}
	return onHand, r.err()
}

// DecodeLookup reads {"ids":[…],"skus":[…]}, of which one may be left out. Keys that stand
// there twice come once.
func DecodeLookup(data []byte) ([]product.Key, error) {
	r, err := newReader(data)
	if err != nil {
		return nil, err
	}
	var keys []product.Key
	seen := make(map[product.Key]bool)
	add := func(k product.Key) {
		if !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	ok := r.object("", func(field, name string) {
		switch name {
		case "ids":
			r.array(field, func(field string) {
				if id := r.id(field); id != nil {
					add(product.ByID(*id))
				}
			})
		case "skus":
			r.array(field, func(field string) {
				sku := required(r, field, r.text)
				switch {
				case sku != nil && *sku == "":
					r.fault(field, "required", "is empty; leave it out")
				case sku != nil:
					add(product.BySKU(*sku))
				}
			})
		default:
			r.unknown(field)
		}
	})
	if ok && len(keys) == 0 && len(r.faults) == 0 {
		r.fault("", "required", "names no product; give ids, skus or both")
	}
	return keys, r.err()
}

// AppendStock appends the JSON of a stock: {"on_hand":12,"reserved":2,"available":10}.
func AppendStock(b []byte, s product.Stock) []byte {
	b = strconv.AppendInt(append(b, `{"on_hand":`...), s.OnHand, 10)
	b = strconv.AppendInt(append(b, `,"reserved":`...), s.Reserved, 10)
	b = strconv.AppendInt(append(b, `,"available":`...), s.Available(), 10)
	return append(b, '}')
}

// AppendKey appends the JSON of a key, {"id":…} or {"sku":…}: a SKU may look like an ID.
func AppendKey(b []byte, k product.Key) []byte {
	if k.SKU == "" {
		id, _ := k.ID.MarshalText()
		b = append(append(b, `{"id":"`...), id...)
		return append(b, `"}`...)
	}
	return append(AppendString(append(b, `{"sku":`...), k.SKU), '}')
}

// AppendString appends s as a JSON string. Bytes that are no UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	quoted, _ := jsontext.AppendQuote(b, s) // its error is about invalid UTF-8, which it replaces
	return quoted
}
