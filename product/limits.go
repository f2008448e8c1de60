package product

import "time"

// Limits are the bounds of one Service, beside the constants of this package.
type Limits struct {
	Service Options // with the defaults filled in
	Store   StoreLimits
}

// StoreLimits are the bounds that a [Store] keeps. Negative: none.
type StoreLimits struct {
	KeepIdempotency  time.Duration // how long the outcome of a write with an idempotency key is kept at least
	KeepReservations time.Duration // how long a reservation is kept at least after its end
	LockWait         time.Duration // how long a transaction waits for a locked row
	SettleTimeout    time.Duration // how long a lost COMMIT is looked into
}

// Limits returns the bounds that the Service and its store keep.
func (s *Service) Limits() Limits { return Limits{Service: s.opts, Store: s.store.Limits()} }
