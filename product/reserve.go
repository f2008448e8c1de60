package product

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Reserve holds stock of several products, all or nothing, until expiry has passed: 0 means
// [DefaultExpiry]. Of an item it reads SKU and Quantity. The result is [Created].
//
// The key is the caller's own, see [WithActor], and makes Reserve safe to repeat: the same items
// again are answered with the reservation as it is and [Unchanged], whatever expiry comes with
// them. No error means that the stock is the caller's: held, or committed already. A key serves
// once, until the Store forgets the reservation some time after its end.
//
// What has expired counts as released from that instant, for everybody whose clock says so;
// instances should agree about the time as well as expiries are meant to.
//
// Errors: [InvalidError], also for a SKU that no live product has; [ShortageError] with every
// product of which too little is available; [ErrKeyReused] for other items;
// [ErrReservationExpired] and [ErrReservationReleased] for the same items too late; and as
// [Service.Update].
func (s *Service) Reserve(ctx context.Context, key string, items []ReservationItem, expiry time.Duration) (Reservation, Result, error) {
	def(&expiry, DefaultExpiry)
	if err := ValidateReservation(key, items, expiry); err != nil {
		return Reservation{}, Unchanged, err
	}
	seen, err := s.whereabouts(ctx, items)
	if err != nil {
		return Reservation{}, Unchanged, err
	}
	w := Write{Op: OpReserve, Reservation: &Reservation{Key: key, State: Held, Items: seen}}
	if err := s.stamp(ctx, &w); err != nil {
		return Reservation{}, Unchanged, err
	}
	r := w.Reservation
	r.ID, r.CreatedAt, r.ExpiresAt = reservationID(w.Actor, key), w.At, w.At.Add(expiry.Truncate(time.Microsecond))
	outcome, err := s.writes.do(ctx, w, errUnderway)
	return outcome.Reservation, outcome.Result, err
}

// Commit takes what a reservation holds out of the stock, when the cart has been paid for.
// Committing again changes nothing and returns the same.
//
// Errors: [ErrReservationNotFound], [ErrReservationExpired], [ErrReservationReleased]; and as
// [Service.Update].
func (s *Service) Commit(ctx context.Context, key string) (Reservation, error) {
	return s.settle(ctx, OpCommit, key)
}

// Release gives back what a reservation holds. Releasing again, or what has expired, changes
// nothing.
//
// Errors: [ErrReservationNotFound], [ErrReservationCommitted]; and as [Service.Update].
func (s *Service) Release(ctx context.Context, key string) (Reservation, error) {
	return s.settle(ctx, OpRelease, key)
}

// Reservation returns the caller's reservation with this key.
//
// Errors: [ErrReservationNotFound], and as [Service.Get].
func (s *Service) Reservation(ctx context.Context, key string) (Reservation, error) {
	if !ValidReservationKey(key) {
		return Reservation{}, ErrReservationNotFound
	}
	r, err := read(ctx, s.reservations, reservationID(actorOf(ctx), key))
	if errors.Is(err, ErrNotFound) {
		err = ErrReservationNotFound
	}
	return r.asOf(s.now()), err
}

// settle ends a reservation. It looks at it first, so that its products are locked together and
// in order with all others of the batch.
func (s *Service) settle(ctx context.Context, op Op, key string) (Reservation, error) {
	r, err := s.Reservation(ctx, key)
	if err != nil {
		return Reservation{}, err
	}
	w := Write{Op: op, Reservation: &r}
	if err := s.stamp(ctx, &w); err != nil {
		return Reservation{}, err
	}
	outcome, err := s.writes.do(ctx, w, errUnderway)
	return outcome.Reservation, err
}

// whereabouts returns the items with the IDs of the products that have their SKUs now. They are no
// more than a hint at what to lock: the [Decision] looks at the SKUs under the locks.
func (s *Service) whereabouts(ctx context.Context, items []ReservationItem) ([]ReservationItem, error) {
	keys := make([]Key, len(items))
	for i := range items {
		keys[i] = BySKU(items[i].SKU)
	}
	calls, err := s.finds.enqueue(ctx, keys)
	if err != nil {
		return nil, err
	}
	seen := make([]ReservationItem, len(items))
	for i, c := range calls {
		seen[i] = ReservationItem{SKU: items[i].SKU, Quantity: items[i].Quantity}
		switch p, err := s.finds.wait(ctx, c, context.Context.Err); {
		case err == nil:
			seen[i].ProductID = p.ID
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
	}
	return seen, nil
}

// sweep removes what has expired by now from the stock of the products that nobody has touched
// since.
func (s *Service) sweep(ctx context.Context) error {
	for now := s.now(); ; {
		ids, err := s.expired(ctx, now)
		if err != nil || len(ids) == 0 {
			return err
		}
		writes := make([]Write, len(ids))
		for i, id := range ids {
			writes[i] = Write{Op: OpExpire, ID: id, At: now}
		}
		calls, err := s.writes.enqueue(ctx, writes)
		if err != nil {
			return err
		}
		swept := false
		for _, c := range calls {
			outcome, err := s.writes.wait(ctx, c, errUnderway)
			if err != nil {
				return err
			}
			swept = swept || outcome.Result == Updated
		}
		if !swept {
			return nil // others are at it
		}
	}
}

func (s *Service) expired(ctx context.Context, now time.Time) ([]uuid.UUID, error) {
	ctx, cancel, err := s.direct(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	return s.store.Expired(ctx, now, s.opts.WriteBatchSize)
}
