package product_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

// sleepy is a Store whose batches take a while and do nothing.
type sleepy struct {
	product.Store
	takes         time.Duration
	running, most atomic.Int64
}

func (s *sleepy) Apply(_ context.Context, b product.Batch) ([]product.Outcome, error) {
	if n := s.running.Add(1); n > s.most.Load() {
		s.most.Store(n)
	}
	time.Sleep(s.takes)
	s.running.Add(-1)
	return make([]product.Outcome, len(b.Writes)), nil
}

func TestOneBatchOfWritesIsInFlightUnlessItIsStuck(t *testing.T) {
	t.Parallel()
	for takes, most := range map[time.Duration]int64{10 * time.Millisecond: 1, 49 * time.Millisecond: 1, 200 * time.Millisecond: 2} {
		t.Run(takes.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &sleepy{takes: takes}
				svc := product.NewService(store, nil)
				var callers sync.WaitGroup
				for i := range 20 {
					callers.Go(func() {
						for range 10 {
							time.Sleep(time.Duration(i) * time.Millisecond)
							if _, err := svc.Create(t.Context(), draft(fmt.Sprint(i))); err != nil {
								t.Error(err)
							}
						}
					})
				}
				callers.Wait()
				require.Equal(t, most, store.most.Load())
				require.NoError(t, svc.Close(t.Context()))
			})
		})
	}
}
