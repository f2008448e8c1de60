package product

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Patch is a merge patch (RFC 7396) of a product, typed: a nil member leaves what is there,
// and a pointer to the zero value of an optional member removes it. It is merged under the
// row's lock, so that two patches of different members never undo each other.
type Patch struct {
	SKU         *string
	Name        *string
	Description *string
	Status      *Status
	PublishAt   *time.Time
	UnpublishAt *time.Time
	Price       *MoneyPatch
	CompareAt   *MoneyPatch
	Backorder   *bool
	Group       *string
	Options     *OptionsPatch
	Category    *string
	Tags        *[]string
	Vendor      *string
	Barcode     *string
	WeightGrams *int64
	Images      *[]Image
	Attributes  *AttributesPatch

	// Assert holds members that a patch cannot change. They may be sent, and must equal the
	// present values.
	Assert Assert
}

// MoneyPatch changes an amount, a currency or both.
type MoneyPatch struct {
	Clear    bool // begin with nothing: null in a merge patch
	Amount   *int64
	Currency *string
}

// OptionsPatch changes options by name. A nil value removes the option.
type OptionsPatch struct {
	Clear bool // begin with no options: null in a merge patch, or a replacement
	Set   map[string]*string
}

// AttributesPatch merges a JSON object into the attributes, member by member and level by
// level; null removes a member.
type AttributesPatch struct {
	Clear bool // replace the attributes by Merge as it stands, nulls included; by nothing if it is empty
	Merge json.RawMessage
}

// Assert is what a caller believes of members that it cannot set. Nil members are not looked at.
type Assert struct {
	ID        *uuid.UUID
	Version   *int64
	CreatedAt *time.Time
	UpdatedAt *time.Time
	OnHand    *int64
	Reserved  *int64
	Available *int64
}
