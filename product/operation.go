package product

import (
	"errors"

	"github.com/google/uuid"
)

// Operation is one write of a [Service.Batch]: [Create], [Update], [Upsert], [Delete], [Restore],
// [AdjustStock] or [SetStock]. Each is what the Service's method of the same name does.
type Operation interface {
	// write returns the checked write, or an InvalidError.
	write() (Write, error)
}

// Create is [Service.Create].
type Create struct {
	Draft Draft
}

func (o Create) write() (Write, error) {
	d, err := o.Draft.checked()
	return Write{Op: OpCreate, ID: newID(), Draft: &d}, joinFaults(errors.Join(d.unassigned(), err))
}

// Update is [Service.Update]. A product may be named by its SKU, also by one that an operation
// before it in the batch gave it.
type Update struct {
	Key    Key
	Patch  Patch
	Expect Expect
}

func (o Update) write() (Write, error) {
	return Write{Op: OpUpdate, ID: o.Key.ID, SKU: o.Key.SKU, Patch: &o.Patch, Expect: o.Expect}, nil
}

// Upsert is [Service.Upsert].
type Upsert struct {
	Draft  Draft
	Expect Expect
}

func (o Upsert) write() (Write, error) {
	d, err := o.Draft.checked()
	return Write{Op: OpUpsert, ID: newID(), Draft: &d, Expect: o.Expect}, err
}

// Delete is [Service.Delete].
type Delete struct {
	Key    Key
	Expect Expect
}

func (o Delete) write() (Write, error) {
	return Write{Op: OpDelete, ID: o.Key.ID, SKU: o.Key.SKU, Expect: o.Expect}, nil
}

// Restore is [Service.Restore]. Only the ID names a deleted product: its SKU may be another's.
type Restore struct {
	ID     uuid.UUID
	Expect Expect
}

func (o Restore) write() (Write, error) {
	return Write{Op: OpRestore, ID: o.ID, Expect: o.Expect}, nil
}

// AdjustStock is [Service.AdjustStock].
type AdjustStock struct {
	Key    Key
	Delta  int64
	Reason string
	Expect Expect // of the stock
}

func (o AdjustStock) write() (Write, error) {
	var f faults
	if o.Delta < -MaxQuantity || o.Delta > MaxQuantity {
		f.add("delta", "range", "is %d; it must be within %d", o.Delta, MaxQuantity)
	}
	f.line("reason", o.Reason, MaxReasonLen)
	return Write{Op: OpAdjustStock, ID: o.Key.ID, SKU: o.Key.SKU, Delta: o.Delta, Reason: o.Reason, Expect: o.Expect}, f.err()
}

// SetStock is [Service.SetStock].
type SetStock struct {
	Key    Key
	OnHand int64
	Expect Expect // of the stock
}

func (o SetStock) write() (Write, error) {
	var f faults
	f.quantity("on_hand", o.OnHand)
	return Write{Op: OpSetStock, ID: o.Key.ID, SKU: o.Key.SKU, OnHand: &o.OnHand, Expect: o.Expect}, f.err()
}
