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

// partial is a Store of which a test makes what it asks for.
type partial struct{ product.Store }

func (partial) Limits() product.StoreLimits { return product.StoreLimits{} }

// sleepy is a Store whose batches take a while and do nothing.
type sleepy struct {
	partial
	takes         time.Duration
	limits        product.StoreLimits
	running, most atomic.Int64
}

func (s *sleepy) Limits() product.StoreLimits { return s.limits }

func (s *sleepy) sleep() {
	if n := s.running.Add(1); n > s.most.Load() {
		s.most.Store(n)
	}
	time.Sleep(s.takes)
	s.running.Add(-1)
}

func (s *sleepy) Apply(_ context.Context, b product.Batch) ([]product.Outcome, error) {
	s.sleep()
	return make([]product.Outcome, len(b.Writes)), nil
}

func (s *sleepy) Find(_ context.Context, keys []product.Key) ([]product.Product, error) {
	s.sleep()
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
		limits  product.StoreLimits
		most    int64
	}{
		"writes":                      {create, 16, 10 * time.Millisecond, product.StoreLimits{}, 1},
		"writes, nearly stuck":        {create, 16, 49 * time.Millisecond, product.StoreLimits{}, 1},
		"writes that are stuck":       {create, 16, 200 * time.Millisecond, product.StoreLimits{}, 2},
		"writes, many":                {create, 40, 10 * time.Millisecond, product.StoreLimits{}, 2},
		"writes, far too many":        {create, 100, 10 * time.Millisecond, product.StoreLimits{}, 2},
		"writes to one writer, many":  {create, 100, 10 * time.Millisecond, product.StoreLimits{OneWriter: true}, 1},
		"writes to one writer, stuck": {create, 16, 200 * time.Millisecond, product.StoreLimits{OneWriter: true}, 2},
		"reads":                       {get, 4, 900 * time.Microsecond, product.StoreLimits{}, 1},
		"reads that are stuck":        {get, 4, 10 * time.Millisecond, product.StoreLimits{}, 2},
		"reads, stuck for longer":     {get, 4, 200 * time.Millisecond, product.StoreLimits{}, 2},
		"reads, many":                 {get, 10, 900 * time.Microsecond, product.StoreLimits{}, 2},
		"reads, far too many":         {get, 100, 900 * time.Microsecond, product.StoreLimits{}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &sleepy{takes: test.takes, limits: test.limits}
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
