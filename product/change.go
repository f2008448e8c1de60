package product

import (
	"encoding/json"
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

// Size is about how many bytes the change takes in memory.
func (c *Change) Size() int {
	n := 256 + len(c.SKU) + len(c.Actor) + len(c.Reason)
	for i := range c.Fields {
		n += len(c.Fields[i].Field) + len(c.Fields[i].Before) + len(c.Fields[i].After)
	}
	return n
}
