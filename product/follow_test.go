package product_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

// countingStore counts looks at the feed, and fails them to order.
type countingStore struct {
	product.Store
	looks atomic.Int64
	fault atomic.Pointer[func() error]
}

func (s *countingStore) Changes(ctx context.Context, after product.Seq, limit int) ([]product.Change, error) {
	s.looks.Add(1)
	if fault := s.fault.Load(); fault != nil {
		if err := (*fault)(); err != nil {
			return nil, err
		}
	}
	return s.Store.Changes(ctx, after, limit)
}

// bounded returns a context that ends a test which hangs.
func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func create(t testing.TB, svc *product.Service, sku string) product.Product {
	t.Helper()
	p, err := svc.Create(t.Context(), draft(sku))
	require.NoError(t, err)
	return p
}

// follow runs a follower and returns what it has got, and its end.
func follow(ctx context.Context, svc *product.Service, after product.Seq) (got <-chan product.Change, end <-chan error) {
	changes, ended := make(chan product.Change, 10_000), make(chan error, 1)
	go func() {
		for c, err := range svc.Follow(ctx, after) {
			if err != nil {
				ended <- err
				return
			}
			changes <- c
		}
	}()
	return changes, ended
}

func TestAFollowerIsWokenByItsOwnService(t *testing.T) {
	t.Parallel()
	svc := newService(t, &product.Options{FollowInterval: -1}) // nothing but being woken helps
	ctx, cancel := context.WithCancel(bounded(t))
	got, end := follow(ctx, svc, 0)
	for i := range 20 {
		sku := fmt.Sprint("P", i)
		create(t, svc, sku)
		select {
		case c := <-got:
			require.Equal(t, sku, c.SKU)
			require.EqualValues(t, i+1, c.Seq)
		case err := <-end:
			require.NoError(t, err)
		}
	}
	cancel()
	require.ErrorIs(t, <-end, context.Canceled)
}

func TestAFollowerSeesWhatOthersWrite(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	svc := storetest.NewService(t, store, nil)
	other := storetest.NewService(t, store, nil)
	got, _ := follow(bounded(t), svc, 0)
	for i := range 3 {
		create(t, other, fmt.Sprint("P", i))
		select {
		case c := <-got:
			require.Equal(t, fmt.Sprint("P", i), c.SKU)
		case <-bounded(t).Done():
			require.Fail(t, "the change did not come")
		}
	}
}

func TestFollowersShareOneLook(t *testing.T) {
	t.Parallel()
	const followers, changes = 50, 20
	store := &countingStore{Store: newStore(t)}
	svc := storetest.NewService(t, store, &product.Options{FollowInterval: -1})
	create(t, svc, "first")
	ctx, cancel := context.WithCancel(bounded(t))
	defer cancel()
	var all sync.WaitGroup
	counts := make([]atomic.Int64, followers)
	for i := range followers {
		all.Go(func() {
			for c, err := range svc.Follow(ctx, 0) {
				if err != nil {
					return
				}
				counts[i].Store(int64(c.Seq))
			}
		})
	}
	arrived := func(seq int64) func() bool {
		return func() bool {
			for i := range counts {
				if counts[i].Load() != seq {
					return false
				}
			}
			return true
		}
	}
	require.Eventually(t, arrived(1), 30*time.Second, time.Millisecond)
	before := store.looks.Load()
	for i := range changes {
		create(t, svc, fmt.Sprint("P", i))
		require.Eventually(t, arrived(int64(i+2)), 30*time.Second, time.Millisecond)
	}
	// One look finds a change. Another one may be made for those who have come back before it was.
	require.Less(t, store.looks.Load()-before, int64(3*changes+followers))
	cancel()
	all.Wait()
}

func TestASlowFollowerMissesNothingAndStopsNobody(t *testing.T) {
	t.Parallel()
	const writes = 1500 // more than the others leave in memory for it
	svc := newService(t, nil)
	create(t, svc, "first")
	got, _ := follow(bounded(t), svc, 0)
	<-got
	next := product.Seq(1)
	for c, err := range svc.Follow(bounded(t), 0) {
		require.NoError(t, err)
		require.Equal(t, next, c.Seq)
		if next++; c.Seq == 1 {
			var all sync.WaitGroup
			for w := range 100 {
				all.Go(func() {
					for i := range writes / 100 {
						_, err := svc.Create(t.Context(), draft(fmt.Sprintf("P-%d-%d", w, i)))
						if err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			for range writes { // the quick one has them while this one still has the first
				select {
				case <-got:
				case <-bounded(t).Done():
					require.Fail(t, "a slow follower stops another one")
				}
			}
		}
		if c.Seq == writes+1 {
			break
		}
	}
}

func TestFollowersEndWithTheService(t *testing.T) {
	t.Parallel()
	svc := product.NewService(newStore(t), nil)
	var ends []<-chan error
	for range 10 {
		_, end := follow(bounded(t), svc, 0)
		ends = append(ends, end)
	}
	create(t, svc, "P")
	require.NoError(t, svc.Close(bounded(t)))
	for _, end := range ends {
		require.ErrorIs(t, <-end, product.ErrClosed)
	}
	_, err := svc.AwaitChanges(t.Context(), 0, 0)
	require.ErrorIs(t, err, product.ErrClosed)
	_, err = svc.Changes(t.Context(), 0, 0)
	require.ErrorIs(t, err, product.ErrClosed)
	require.ErrorIs(t, svc.Prune(t.Context()), product.ErrClosed)
}

func TestFollowersAreToldOfFaults(t *testing.T) {
	t.Parallel()
	store := &countingStore{Store: newStore(t)}
	svc := storetest.NewService(t, store, nil)
	fault := func(f func() error) {
		create(t, svc, fmt.Sprint("P", store.looks.Load()))
		store.fault.Store(&f)
	}
	for name, f := range map[string]func() error{
		"unavailable": func() error { return product.ErrUnavailable },
		"panic":       func() error { panic("a bug") },
	} {
		changes, err := svc.Changes(t.Context(), 0, product.MaxChanges)
		require.NoError(t, err)
		got, end := follow(bounded(t), svc, product.Seq(len(changes)))
		create(t, svc, "before-"+name)
		require.Equal(t, "before-"+name, (<-got).SKU)
		fault(f)
		err = <-end
		require.Error(t, err, name)
		if name == "unavailable" {
			require.ErrorIs(t, err, product.ErrUnavailable)
		} else {
			require.ErrorContains(t, err, "a bug")
		}
		store.fault.Store(nil)
	}

	// A lock that somebody else holds is no fault.
	changes, err := svc.Changes(t.Context(), 0, product.MaxChanges)
	require.NoError(t, err)
	got, _ := follow(bounded(t), svc, product.Seq(len(changes)))
	var busy atomic.Int64
	f := func() error {
		if busy.Add(1) < 5 {
			return product.ErrBusy
		}
		return nil
	}
	create(t, svc, "before")
	require.Equal(t, "before", (<-got).SKU)
	store.fault.Store(&f)
	create(t, svc, "after")
	require.Equal(t, "after", (<-got).SKU)
}

func TestAwaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	svc := newService(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := svc.AwaitChanges(ctx, 0, 10)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	create(t, svc, "P")
	page, err := svc.AwaitChanges(bounded(t), 0, 10)
	require.NoError(t, err)
	require.Len(t, page, 1)
	_, err = svc.AwaitChanges(bounded(t), -1, 10)
	require.ErrorIs(t, err, product.ErrInvalid)
	_, err = svc.AwaitChanges(bounded(t), 5, 10)
	require.ErrorIs(t, err, product.ErrInvalid)
}
