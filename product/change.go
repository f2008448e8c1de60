package product

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// ChangeKind says what happened to a product.
type ChangeKind string

// The kinds of change.
const (
	ChangeCreated  ChangeKind = "created"
	ChangeUpdated  ChangeKind = "updated"
	ChangeDeleted  ChangeKind = "deleted"
	ChangeRestored ChangeKind = "restored"
	ChangeStock    ChangeKind = "stock"
)

// Change is one entry of a product's history and of the change feed. It is written in the
// transaction of the change itself, never later. Whoever gets one shares its Fields with others
// and must not write to them.
type Change struct {
	Seq       Seq       // its position in the feed; 0 before anybody has read that far
	ID        uuid.UUID // UUIDv7
	ProductID uuid.UUID
	SKU       string // after the change
	Kind      ChangeKind
	Version   int64 // of the product after the change; for [ChangeStock], of the stock
	At        time.Time
	Actor     string        // as in [WithActor]; empty if unknown
	Reason    string        // as given to [Service.AdjustStock]
	Fields    []FieldChange // what changed, in the order of [Product]'s members; none for [ChangeCreated], whose content is the product less its later changes
}

// FieldChange is one member before and after a change, each in its JSON form. Nil means
// absent.
type FieldChange struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// MarshalJSON returns the representation that [Change.AppendJSON] appends.
func (c Change) MarshalJSON() ([]byte, error) { return c.AppendJSON(nil), nil }

// AppendJSON appends the change's JSON representation to b and returns the result; seq, actor,
// reason and fields are left out where there are none.
func (c *Change) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	if c.Seq != 0 {
		b = append(strconv.AppendInt(append(b, `"seq":`...), int64(c.Seq), 10), ',')
	}
	b = appendID(append(b, `"id":"`...), c.ID)
	b = appendID(append(b, `","product_id":"`...), c.ProductID)
	b = appendString(append(b, `","sku":`...), c.SKU)
	b = appendString(append(b, `,"kind":`...), string(c.Kind))
	b = strconv.AppendInt(append(b, `,"version":`...), c.Version, 10)
	b = appendTime(b, `,"at":"`, c.At)
	b = appendMember(b, `,"actor":`, c.Actor)
	b = appendMember(b, `,"reason":`, c.Reason)
	if len(c.Fields) > 0 {
		b = c.AppendFields(append(b, `,"fields":`...))
	}
	return append(b, '}')
}

// AppendFields appends the JSON representation of Fields to b and returns the result.
func (c *Change) AppendFields(b []byte) []byte {
	b = append(b, '[')
	for i, f := range c.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"field":`...), f.Field)
		if f.Before != nil {
			b = append(append(b, `,"before":`...), f.Before...)
		}
		if f.After != nil {
			b = append(append(b, `,"after":`...), f.After...)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// Size is about how many bytes the change takes in memory.
func (c *Change) Size() int {
	n := 256 + len(c.SKU) + len(c.Actor) + len(c.Reason)
	for i := range c.Fields {
		n += len(c.Fields[i].Field) + len(c.Fields[i].Before) + len(c.Fields[i].After)
	}
	return n
}
