package product_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

func creates(n int) []product.Operation {
	ops := make([]product.Operation, n)
	for i := range ops {
		ops[i] = product.Create{Draft: draft(fmt.Sprintf("B-%d", i))}
	}
	return ops
}

func TestAnAtomicBatchIsTriedAgainButNeverSplit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		busy  int // how often
		fails bool
	}{
		"free at the third try": {2, false},
		"locked for good":       {1000, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tries := 0
			f := &faulty{Store: newStore(t), fail: func(b product.Batch) error {
				if len(b.Writes) != 10 || !b.Atomic {
					return fmt.Errorf("a part of %d", len(b.Writes))
				}
				if tries++; tries <= test.busy {
					return product.ErrBusy
				}
				return nil
			}}
			svc := storetest.NewService(t, f, &product.Options{WriteBatchSize: 4})
			outcomes, err := svc.AtomicBatch(t.Context(), creates(10))
			if test.fails {
				require.ErrorIs(t, err, product.ErrBusy)
				require.Nil(t, outcomes)
				return
			}
			require.NoError(t, err)
			require.Len(t, outcomes, 10)
		})
	}
}

// Two writers would otherwise take the halves of a batch at the same time, in either order.
func TestABatchIsNeverDividedBetweenWriters(t *testing.T) {
	t.Parallel()
	g := &gate{Store: newStore(t), before: make(chan struct{})}
	svc := storetest.NewService(t, g, &product.Options{WriteBatches: 2, WriteBatchSize: 8})
	done := make(chan error, 4)
	single := func(sku string) {
		_, err := svc.Create(t.Context(), draft(sku))
		done <- err
	}
	for writers, sku := range []string{"first", "second"} {
		go single(sku)
		eventually(t, func() bool { _, applies := g.reached(); return applies == writers+1 }, "a writer is busy")
	}
	go single("third")
	eventually(t, func() bool { return svc.Stats().Writes.Waiting == 1 }, "a third waits")
	go func() {
		outcomes, err := svc.Batch(t.Context(), creates(8))
		for _, o := range outcomes {
			if err == nil {
				err = o.Err
			}
		}
		done <- err
	}()
	eventually(t, func() bool { return svc.Stats().Writes.Waiting == 9 }, "the batch waits behind it")
	close(g.before)
	for range 4 {
		require.NoError(t, <-done)
	}
	require.Len(t, g.applies, 4)
	require.True(t, slices.ContainsFunc(g.applies, func(b product.Batch) bool {
		return len(b.Writes) == 8 && b.Writes[0].Draft.SKU == "B-0" && b.Writes[7].Draft.SKU == "B-7"
	}))
}

func TestWhatIsTooBigForOneTransactionIsRefused(t *testing.T) {
	t.Parallel()
	svc := storetest.NewService(t, newStore(t), nil)
	ops := creates(product.MaxBatch)
	for i, op := range ops {
		create := op.(product.Create)
		create.Draft.Description = fmt.Sprintf("%0*d", 20<<10, i)
		ops[i] = create
	}
	_, err := svc.AtomicBatch(t.Context(), ops)
	require.ErrorIs(t, err, product.ErrInvalid)
	require.ErrorContains(t, err, "make several batches")
	_, err = svc.GetBySKU(t.Context(), "B-0")
	require.ErrorIs(t, err, product.ErrNotFound)
}

func TestAClosedServiceRefusesBatches(t *testing.T) {
	t.Parallel()
	svc := product.NewService(newStore(t), nil)
	require.NoError(t, svc.Close(t.Context()))
	_, err := svc.Batch(t.Context(), creates(1))
	require.ErrorIs(t, err, product.ErrClosed)
	_, err = svc.AtomicBatch(t.Context(), creates(1))
	require.ErrorIs(t, err, product.ErrClosed)
	_, err = svc.UpdateGroup(t.Context(), "g", product.Patch{})
	require.ErrorIs(t, err, product.ErrClosed)
	_, err = svc.Batch(t.Context(), []product.Operation{product.Delete{Key: product.ByID(uuid.New())}})
	require.ErrorIs(t, err, product.ErrClosed)
}
