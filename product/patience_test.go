package product_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

// sleepy is a Store whose batches take a while and do nothing.
type sleepy struct {
	product.Store
	takes         time.Duration
	locks         time.Duration // so much of it, or all of it if it never says when it has locked its rows
	running, most atomic.Int64
}

func (s *sleepy) sleep(locked func()) {
	if n := s.running.Add(1); n > s.most.Load() {
		s.most.Store(n)
	}
	time.Sleep(s.locks)
	if locked != nil && s.locks < s.takes {
		locked()
	}
	time.Sleep(s.takes - s.locks)
	s.running.Add(-1)
}

func (s *sleepy) Apply(_ context.Context, b product.Batch) ([]product.Outcome, error) {
	s.sleep(b.Locked)
	return make([]product.Outcome, len(b.Writes)), nil
}

func (s *sleepy) Find(_ context.Context, keys []product.Key) ([]product.Product, error) {
	s.sleep(nil)
	found := make([]product.Product, len(keys))
	for i, key := range keys {
		found[i].ID = key.ID
	}
	return found, nil
}

func TestOneBatchIsInFlightUnlessItIsStuckOrManyWait(t *testing.T) {
	t.Parallel()
	create := func(ctx context.Context, svc *product.Service, i int) error {
		_, err := svc.Create(ctx, draft(fmt.Sprint(i)))
		return err
	}
	get := func(ctx context.Context, svc *product.Service, i int) error {
		_, err := svc.Get(ctx, uuid.UUID{byte(i)})
		return err
	}
	for name, test := range map[string]struct {
		call    func(ctx context.Context, svc *product.Service, i int) error
		callers int // of which all but those of one batch wait at most
		takes   time.Duration
		locks   float64 // so much of it; 1 if it never says so
		most    int64
	}{
		"writes":                         {create, 16, 10 * time.Millisecond, 0, 1},
		"writes, nearly stuck":           {create, 16, 49 * time.Millisecond, 0, 1},
		"writes that are stuck":          {create, 16, 200 * time.Millisecond, 1, 2},
		"writes, many":                   {create, 40, 10 * time.Millisecond, 0, 2},
		"writes, many, and locks":        {create, 40, 10 * time.Millisecond, 0.5, 2},
		"writes, far too many":           {create, 100, 10 * time.Millisecond, 0, 2},
		"writes one after another, many": {create, 100, 10 * time.Millisecond, 1, 1},
		"reads":                          {get, 4, 900 * time.Microsecond, 0, 1},
		"reads that are stuck":           {get, 4, 10 * time.Millisecond, 0, 2},
		"reads, stuck for longer":        {get, 4, 200 * time.Millisecond, 0, 2},
		"reads, many":                    {get, 10, 900 * time.Microsecond, 0, 2},
		"reads, far too many":            {get, 100, 900 * time.Microsecond, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &sleepy{takes: test.takes, locks: time.Duration(test.locks * float64(test.takes))}
				svc := product.NewService(store, nil)
				var callers sync.WaitGroup
				for i := range test.callers {
					callers.Go(func() {
						for range 10 {
							time.Sleep(time.Duration(i) * test.takes / 10)
							if err := test.call(t.Context(), svc, i); err != nil {
								t.Error(err)
							}
						}
					})
				}
				callers.Wait()
				require.Equal(t, test.most, store.most.Load())
				require.NoError(t, svc.Close(t.Context()))
			})
		})
	}
}

func TestAStuckBatchIsHelpedOutAlthoughNobodyElseCalls(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]time.Duration{
		"behind its beginning": 10 * time.Microsecond,
		"when it is stuck":     100 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const takes = time.Second
				svc := product.NewService(&sleepy{takes: takes}, nil)
				get := func(i byte) {
					if _, err := svc.Get(t.Context(), uuid.UUID{i}); err != nil {
						t.Error(err)
					}
				}
				var callers sync.WaitGroup
				callers.Go(func() { get(1) })
				time.Sleep(late)
				asked := time.Now()
				callers.Go(func() {
					get(2)
					if waited := time.Since(asked); waited > takes+10*time.Millisecond {
						t.Errorf("it waited for %v", waited)
					}
				})
				callers.Wait()
				require.NoError(t, svc.Close(t.Context()))
			})
		})
	}
}
