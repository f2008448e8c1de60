package client_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

func TestReservationsAreTheSameNearAndFar(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, c catalogue) {
		ctx := t.Context()
		d := draft("A")
		d.Stock = new(int64(5))
		a, err := c.Create(ctx, d)
		require.NoError(t, err)
		d.SKU = "b/c"
		b, err := c.Create(ctx, d)
		require.NoError(t, err)

		const key = "cart 1/ä?"
		cart := []product.ReservationItem{{SKU: "A", Quantity: 2}, {SKU: "b/c", Quantity: 5}}
		held, result, err := c.Reserve(ctx, key, cart, 90*time.Minute)
		require.NoError(t, err)
		require.Equal(t, product.Created, result)
		require.Equal(t, []product.ReservationItem{{SKU: "A", ProductID: a.ID, Quantity: 2}, {SKU: "b/c", ProductID: b.ID, Quantity: 5}}, held.Items)
		require.Equal(t, 90*time.Minute, held.ExpiresAt.Sub(held.CreatedAt))
		got, err := c.Reservation(ctx, key)
		require.NoError(t, err)
		require.Equal(t, held, got)
		again, result, err := c.Reserve(ctx, key, cart, 0)
		require.NoError(t, err)
		require.Equal(t, product.Unchanged, result)
		require.Equal(t, held, again)

		_, _, err = c.Reserve(ctx, key, cart[:1], 0)
		require.ErrorIs(t, err, product.ErrKeyReused)
		_, _, err = c.Reserve(ctx, "cart 2", []product.ReservationItem{{SKU: "A", Quantity: 4}, {SKU: "b/c", Quantity: 1}}, 0)
		var short *product.ShortageError
		require.ErrorAs(t, err, &short)
		require.ErrorIs(t, err, product.ErrInsufficientStock)
		require.Equal(t, []product.StockError{{ProductID: a.ID, SKU: "A", Wanted: 4, Available: 3}, {ProductID: b.ID, SKU: "b/c", Wanted: 1, Available: 0}}, short.Short)
		_, _, err = c.Reserve(ctx, "/", []product.ReservationItem{{SKU: "A"}}, -1)
		var invalid *product.InvalidError
		require.ErrorAs(t, err, &invalid)
		require.Len(t, invalid.Faults, 3)
		_, _, err = c.Reserve(ctx, "cart 2", []product.ReservationItem{{SKU: "NONE", Quantity: 1}}, 0)
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, "items[0].sku", invalid.Faults[0].Field)

		settled, err := c.Commit(ctx, key)
		require.NoError(t, err)
		require.Equal(t, product.Committed, settled.State)
		require.False(t, settled.SettledAt.IsZero())
		_, err = c.Release(ctx, key)
		require.ErrorIs(t, err, product.ErrReservationCommitted)
		stock, err := c.Stock(ctx, a.ID)
		require.NoError(t, err)
		require.EqualValues(t, 3, stock.OnHand)
		require.Zero(t, stock.Reserved)

		_, _, err = c.Reserve(ctx, "cart 3", cart[:1], time.Minute)
		require.NoError(t, err)
		settled, err = c.Release(ctx, "cart 3")
		require.NoError(t, err)
		require.Equal(t, product.Released, settled.State)
		_, err = c.Commit(ctx, "cart 3")
		require.ErrorIs(t, err, product.ErrReservationReleased)
		for _, key := range []string{"none", "", "..", "/"} {
			for _, call := range []func(context.Context, string) (product.Reservation, error){c.Commit, c.Release, c.Reservation} {
				_, err = call(ctx, key)
				require.ErrorIs(t, err, product.ErrReservationNotFound, key)
			}
		}
	})
}

// The answers to the first requests are lost after the server has done its work.
func TestAReservationWhoseAnswerWasLostIsMadeOnce(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	d := draft("A")
	d.Stock = new(int64(5))
	p, err := svc.Create(t.Context(), d)
	require.NoError(t, err)
	var requests atomic.Int64
	c := serve(t, svc, hurried(), func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1)%2 != 0 {
				h.ServeHTTP(discard{http.Header{}}, r)
				panic(http.ErrAbortHandler)
			}
			h.ServeHTTP(w, r)
		})
	})
	cart := []product.ReservationItem{{SKU: "A", Quantity: 3}}
	held, result, err := c.Reserve(t.Context(), strings.Repeat("k", product.MaxReservationKeyLen), cart, time.Hour+time.Nanosecond)
	require.NoError(t, err)
	require.Equal(t, product.Unchanged, result)
	require.Equal(t, product.Held, held.State)
	require.Equal(t, time.Hour+time.Second, held.ExpiresAt.Sub(held.CreatedAt))
	_, err = c.Commit(t.Context(), held.Key)
	require.NoError(t, err)
	require.EqualValues(t, 4, requests.Load())
	stock, err := svc.Stock(t.Context(), p.ID)
	require.NoError(t, err)
	require.EqualValues(t, 2, stock.OnHand)
	require.Zero(t, stock.Reserved)
}
