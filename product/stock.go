package product

import "github.com/google/uuid"

// Stock is how much there is of a product. It is a resource of its own: changing it touches
// neither the product's version nor its ETag, so that a product that sells every second
// stays editable.
type Stock struct {
	ProductID uuid.UUID
	OnHand    int64 // below zero only if the product allows Backorder
	Reserved  int64 // held for carts
	Version   int64 // starts at 1 and grows by 1 with each change of the stock
}

// Available is what can still be sold: OnHand less Reserved.
func (s Stock) Available() int64 { return s.OnHand - s.Reserved }

// Revision is the stock's identity at its present version: what its ETag says.
func (s Stock) Revision() Revision { return Revision{ID: s.ProductID, Version: s.Version} }
