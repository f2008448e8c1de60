package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/productkit-go/productkit/product"
)

// buyer places the orders of an [OversellTrial], one after the other.
type buyer struct {
	svc    *product.Service
	hot    []product.ReservationItem // without quantities
	expiry time.Duration
	told   func(of string, items ...product.ReservationItem)
}

// order places the order that the key stands for.
func (b *buyer) order(ctx context.Context, key string) error {
	random := rand.New(rand.NewChaCha8(sha256.Sum256([]byte(key))))
	var items []product.ReservationItem
	for _, i := range random.Perm(len(b.hot))[:1+random.IntN(min(3, len(b.hot)))] {
		item := b.hot[i]
		item.Quantity = 1 + random.Int64N(3)
		items = append(items, item)
	}
	var err error
	if random.IntN(4) == 0 {
		err = b.adjust(ctx, "taken", key, items[0], -items[0].Quantity)
	} else {
		err = b.reserve(ctx, random, key, items)
	}
	if errors.Is(err, product.ErrInsufficientStock) && random.IntN(3) == 0 {
		items[0].Quantity = 1 + random.Int64N(8)
		err = b.adjust(ctx, "delivered", key, items[0], items[0].Quantity)
	}
	if err := unexpected(err); err != nil {
		return err
	}
	stock, err := b.svc.Stock(ctx, items[0].ProductID)
	switch {
	case err != nil:
		return unexpected(err)
	case stock.Reserved < 0 || stock.Reserved > stock.OnHand:
		return fmt.Errorf("%d of %d pieces of %s are reserved", stock.Reserved, stock.OnHand, items[0].SKU)
	}
	return nil
}

// unexpected returns an error that no buyer may meet.
func unexpected(err error) error {
	if err == nil || matches(err, product.ErrInsufficientStock, product.ErrReservationExpired, product.ErrReservationReleased,
		product.ErrBusy, product.ErrOverloaded, product.ErrUnavailable, product.ErrOutcomeUnknown) {
		return nil
	}
	return err
}

func (b *buyer) adjust(ctx context.Context, what, key string, item product.ReservationItem, delta int64) error {
	of := what + ": " + key
	_, err := b.svc.AdjustStock(product.WithIdempotencyKey(ctx, of), item.ProductID, delta, of, product.Expect{})
	if err == nil {
		b.told(of, item)
	}
	return err
}

// reserve reserves, and commits, releases or forgets it. Some is forgotten, or paid for, when it
// may have expired.
func (b *buyer) reserve(ctx context.Context, random *rand.Rand, key string, items []product.ReservationItem) error {
	fate, expiry := random.IntN(4), b.expiry
	if fate == 0 || random.IntN(4) == 0 {
		expiry = max(b.expiry/50, time.Millisecond)
	}
	r, _, err := b.svc.Reserve(ctx, key, items, expiry)
	if err != nil {
		return err
	}
	b.told("reserved: "+key, r.Items...)
	switch fate {
	case 0:
		return nil
	case 1:
		if r, err = b.svc.Release(ctx, key); err == nil {
			b.told(string(r.State)+": "+key, r.Items...) // released, or expired before
		}
	default:
		if r, err = b.svc.Commit(ctx, key); err == nil {
			b.told("committed: "+key, r.Items...)
		}
	}
	return err
}
