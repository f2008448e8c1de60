package product_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

// gate is a Store that can be held shut, before its work or between a query and its answer,
// and that remembers what reached it.
type gate struct {
	product.Store
	before, afterFind chan struct{} // nil: open

	mu      sync.Mutex
	finds   [][]product.Key
	found   int // finds whose query has been answered
	applies []product.Batch
}

func (g *gate) Find(ctx context.Context, keys []product.Key) ([]product.Product, error) {
	g.mu.Lock()
	g.finds = append(g.finds, keys)
	g.mu.Unlock()
	pass(g.before)
	found, err := g.Store.Find(ctx, keys)
	g.mu.Lock()
	g.found++
	g.mu.Unlock()
	pass(g.afterFind)
	return found, err
}

func (g *gate) Apply(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	g.mu.Lock()
	g.applies = append(g.applies, b)
	g.mu.Unlock()
	pass(g.before)
	return g.Store.Apply(ctx, b)
}

func pass(gate chan struct{}) {
	if gate != nil {
		<-gate
	}
}

func (g *gate) reached() (finds, applies int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.finds), len(g.applies)
}

func (g *gate) answered() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.found
}

// eventually waits for a condition that the code under test brings about.
func eventually(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, 30*time.Second, time.Millisecond, what)
}

func TestReadsFoldIntoFewQueries(t *testing.T) {
	t.Parallel()
	const callers, batch = 1000, 200
	for _, lanes := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d lanes", lanes), func(t *testing.T) {
			t.Parallel()
			store := newStore(t)
			plain := storetest.NewService(t, store, nil)
			var ids []uuid.UUID
			for i := range 10 {
				p, err := plain.Create(t.Context(), draft(fmt.Sprint(i)))
				require.NoError(t, err)
				ids = append(ids, p.ID)
			}
			g := &gate{Store: store, before: make(chan struct{})}
			svc := storetest.NewService(t, g, &product.Options{ReadBatches: lanes, ReadBatchSize: batch, BatchTimeout: time.Minute})

			var all sync.WaitGroup
			call := func(i int) {
				all.Go(func() {
					p, err := svc.Get(t.Context(), ids[i%len(ids)])
					if err != nil || p.ID != ids[i%len(ids)] {
						t.Errorf("get: %v, %v", p.ID, err)
					}
				})
			}
			for i := range lanes { // each call that finds a free lane starts a batch of its own
				call(i)
				eventually(t, func() bool { finds, _ := g.reached(); return finds == i+1 }, "a call in flight")
			}
			for i := lanes; i < callers; i++ {
				call(i)
			}
			eventually(t, func() bool { return svc.Stats().Reads.Waiting == callers-lanes }, "everybody waiting")
			close(g.before)
			all.Wait()

			finds, _ := g.reached()
			require.LessOrEqual(t, finds-1, 1+(callers-1+batch-1)/batch, "queries after the first")
			for _, keys := range g.finds {
				require.LessOrEqual(t, len(keys), len(ids), "callers with one key share it")
			}
		})
	}
}

func TestWritesFoldIntoFewTransactionsAndFailAlone(t *testing.T) {
	t.Parallel()
	const callers, batch = 1000, 500
	for _, lanes := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d lanes", lanes), func(t *testing.T) {
			t.Parallel()
			store := newStore(t)
			taken, err := storetest.NewService(t, store, nil).Create(t.Context(), draft("0500"))
			require.NoError(t, err)
			g := &gate{Store: store, before: make(chan struct{})}
			// Under the race detector a busy machine needs 20 s for a batch.
			svc := storetest.NewService(t, g, &product.Options{WriteBatches: lanes, WriteBatchSize: batch, BatchTimeout: time.Minute})

			errs := make([]error, callers)
			var all sync.WaitGroup
			call := func(i int) {
				all.Go(func() { _, errs[i] = svc.Create(t.Context(), draft(fmt.Sprintf("%04d", i))) })
			}
			for i := range lanes {
				call(i)
				eventually(t, func() bool { _, applies := g.reached(); return applies == i+1 }, "a call in flight")
			}
			for i := lanes; i < callers; i++ {
				call(i)
			}
			eventually(t, func() bool { return svc.Stats().Writes.Waiting == callers-lanes }, "everybody waiting")
			close(g.before)
			all.Wait()

			_, applies := g.reached()
			require.LessOrEqual(t, applies-1, 1+(callers-1+batch-1)/batch, "transactions after the first")
			for i, err := range errs {
				if i != 500 {
					require.NoError(t, err)
				}
			}
			var e *product.TakenError
			require.ErrorAs(t, errs[500], &e)
			require.Equal(t, product.TakenError{Field: "sku", Value: "0500", By: taken.ID}, *e)
			n := 0
			for _, err := range svc.All(t.Context(), product.Query{}) {
				require.NoError(t, err)
				n++
			}
			require.Equal(t, callers, n)
		})
	}
}

func TestGetAfterCreateNeverJoinsAnOlderQuery(t *testing.T) {
	t.Parallel()
	g := &gate{Store: newStore(t), afterFind: make(chan struct{})}
	svc := storetest.NewService(t, g, &product.Options{ReadBatches: 1})

	get := func() chan error {
		answer := make(chan error, 1)
		go func() {
			_, err := svc.GetBySKU(t.Context(), "A")
			answer <- err
		}()
		return answer
	}
	early := get()
	eventually(t, func() bool { return g.answered() == 1 }, "the first query's answer on its way")
	_, err := svc.Create(t.Context(), draft("A"))
	require.NoError(t, err)
	late := get()
	eventually(t, func() bool { return svc.Stats().Reads.Waiting == 1 }, "the late reader waiting")
	close(g.afterFind)
	require.ErrorIs(t, <-early, product.ErrNotFound)
	require.NoError(t, <-late)
}

func TestReadsSeeWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	svc := newService(t, nil)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 20 {
				p, err := svc.Create(t.Context(), draft(fmt.Sprintf("%d-%d", i, j)))
				if err == nil {
					_, err = svc.Get(t.Context(), p.ID)
				}
				if err == nil {
					p, err = svc.Update(t.Context(), p.ID, product.Patch{Name: ptr("x")}, product.IfVersion(1))
				}
				if err == nil {
					var q product.Product
					if q, err = svc.GetBySKU(t.Context(), p.SKU); err == nil && q.Version != 2 {
						err = fmt.Errorf("read version %d after 2 was acknowledged", q.Version)
					}
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func TestCallersWhoLeaveAreToldAtOnceAndNobodyElseNotices(t *testing.T) {
	t.Parallel()
	g := &gate{Store: newStore(t), before: make(chan struct{})}
	svc := storetest.NewService(t, g, &product.Options{ReadBatches: 1, WriteBatches: 1})
	ctx, leave := context.WithCancel(t.Context())

	var all sync.WaitGroup
	errs := map[string]error{}
	var mu sync.Mutex
	start := func(ctx context.Context, name string, call func(context.Context) error) {
		all.Go(func() {
			err := call(ctx)
			mu.Lock()
			errs[name] = err
			mu.Unlock()
		})
	}
	create := func(sku string) func(context.Context) error {
		return func(ctx context.Context) error { _, err := svc.Create(ctx, draft(sku)); return err }
	}
	get := func(ctx context.Context) error { _, err := svc.GetBySKU(ctx, "stays"); return err }

	start(ctx, "write in flight", create("in-flight"))
	start(ctx, "read in flight", get)
	eventually(t, func() bool { finds, applies := g.reached(); return finds == 1 && applies == 1 }, "two in flight")
	start(ctx, "write waiting", create("withdrawn"))
	start(t.Context(), "write that stays", create("stays"))
	start(ctx, "read waiting", get)
	eventually(t, func() bool { s := svc.Stats(); return s.Writes.Waiting == 2 && s.Reads.Waiting == 1 }, "three waiting")

	leave()
	eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(errs) == 4 }, "four told while the store still stalls")
	require.ErrorIs(t, errs["write in flight"], context.Canceled)
	require.ErrorIs(t, errs["write in flight"], product.ErrOutcomeUnknown)
	for _, name := range []string{"read in flight", "write waiting", "read waiting"} {
		require.ErrorIs(t, errs[name], context.Canceled, name)
		require.NotErrorIs(t, errs[name], product.ErrOutcomeUnknown, name)
	}

	close(g.before)
	all.Wait()
	require.NoError(t, errs["write that stays"])
	_, err := svc.GetBySKU(t.Context(), "in-flight")
	require.NoError(t, err, "a write in flight goes on without its caller")
	_, err = svc.GetBySKU(t.Context(), "withdrawn")
	require.ErrorIs(t, err, product.ErrNotFound)
}

// faulty is a Store in which some writes cannot be applied.
type faulty struct {
	product.Store
	fail func(product.Batch) error

	mu    sync.Mutex
	tries int
}

func (f *faulty) Apply(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	f.mu.Lock()
	f.tries++
	f.mu.Unlock()
	if err := f.fail(b); err != nil {
		return nil, err
	}
	return f.Store.Apply(ctx, b)
}

func TestAWriteThatFailsItsBatchFailsAlone(t *testing.T) {
	t.Parallel()
	errPoison := errors.New("poison")
	has := func(b product.Batch, skus ...string) bool {
		for _, w := range b.Writes {
			for _, sku := range skus {
				if w.Draft.SKU == sku {
					return true
				}
			}
		}
		return false
	}
	for name, test := range map[string]struct {
		fail     func(product.Batch) error
		culprits map[string]error
		tries    int // at most
	}{
		"poisoned": {
			fail: func(b product.Batch) error {
				if has(b, "M-17", "M-63") {
					return errPoison
				}
				return nil
			},
			culprits: map[string]error{"M-17": errPoison, "M-63": errPoison},
			tries:    1 + 2*2*7,
		},
		"locked": {
			fail: func(b product.Batch) error {
				if has(b, "M-40") {
					return fmt.Errorf("%w: 1205", product.ErrBusy)
				}
				return nil
			},
			culprits: map[string]error{"M-40": product.ErrBusy},
			tries:    1 + 2*7 + 1,
		},
		"locked for a moment": {
			fail: func(b product.Batch) error {
				if has(b, "M-40") && (b.NoWait || len(b.Writes) > 1) {
					return product.ErrBusy
				}
				return nil
			},
			tries: 1 + 2*7 + 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &faulty{Store: newStore(t), fail: test.fail}
			svc := storetest.NewService(t, f, &product.Options{WriteBatches: 1})
			entries := make([]product.Entry, 100)
			for i := range entries {
				entries[i].Draft = draft(fmt.Sprintf("M-%d", i))
			}
			outcomes, err := svc.Merge(t.Context(), entries)
			require.NoError(t, err)
			for i, o := range outcomes {
				sku := entries[i].Draft.SKU
				if want := test.culprits[sku]; want != nil {
					require.ErrorIs(t, o.Err, want, sku)
					continue
				}
				require.NoError(t, o.Err, sku)
				_, err := svc.GetBySKU(t.Context(), sku)
				require.NoError(t, err)
			}
			require.LessOrEqual(t, f.tries, test.tries)
		})
	}
}

func TestAnUnavailableStoreIsToldToEverybodyAtOnce(t *testing.T) {
	t.Parallel()
	f := &faulty{Store: newStore(t), fail: func(product.Batch) error { return product.ErrUnavailable }}
	svc := storetest.NewService(t, f, nil)
	outcomes, err := svc.Merge(t.Context(), make([]product.Entry, 0))
	require.NoError(t, err)
	require.Empty(t, outcomes)
	outcomes, err = svc.Merge(t.Context(), []product.Entry{{Draft: draft("A")}, {Draft: draft("B")}})
	require.NoError(t, err)
	for _, o := range outcomes {
		require.ErrorIs(t, o.Err, product.ErrUnavailable)
	}
	require.LessOrEqual(t, f.tries, 2)
}

func TestAPanicInTheStoreIsAnError(t *testing.T) {
	t.Parallel()
	f := &faulty{Store: newStore(t), fail: func(product.Batch) error { panic("boom") }}
	svc := storetest.NewService(t, f, nil)
	_, err := svc.Create(t.Context(), draft("A"))
	require.ErrorContains(t, err, "boom")
	require.ErrorIs(t, err, product.ErrOutcomeUnknown)
	_, err = svc.GetBySKU(t.Context(), "A")
	require.ErrorIs(t, err, product.ErrNotFound)
}

func TestTooManyWaitersAreRefused(t *testing.T) {
	t.Parallel()
	g := &gate{Store: newStore(t), before: make(chan struct{})}
	svc := storetest.NewService(t, g, &product.Options{ReadBatches: 1, MaxWaiting: 2})
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			_, err := svc.GetBySKU(t.Context(), "A")
			if !errors.Is(err, product.ErrNotFound) {
				t.Error(err)
			}
		})
		eventually(t, func() bool { s := svc.Stats().Reads; return s.Waiting+s.Running == i+1 }, "one more")
	}
	_, err := svc.GetBySKU(t.Context(), "A")
	require.ErrorIs(t, err, product.ErrOverloaded)
	require.EqualValues(t, 1, svc.Stats().Reads.Refused)
	close(g.before)
	all.Wait()
}

func TestCloseFinishesWhatItAccepted(t *testing.T) {
	t.Parallel()
	g := &gate{Store: newStore(t), before: make(chan struct{})}
	svc := product.NewService(g, &product.Options{WriteBatches: 1})
	errs := make(chan error, 2)
	for i := range 2 {
		go func() {
			_, err := svc.Create(context.Background(), draft(fmt.Sprint(i)))
			errs <- err
		}()
		eventually(t, func() bool { s := svc.Stats().Writes; return s.Waiting+s.Running == i+1 }, "one more")
	}
	closed := make(chan error, 1)
	go func() { closed <- svc.Close(context.Background()) }()
	eventually(t, func() bool {
		// Bounded, for one that is asked just before the Service closes waits at the gate.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		_, err := svc.Get(ctx, uuid.New())
		return errors.Is(err, product.ErrClosed)
	}, "new calls refused")
	_, err := svc.List(context.Background(), product.Query{})
	require.ErrorIs(t, err, product.ErrClosed)
	close(g.before)
	require.NoError(t, <-closed)
	require.NoError(t, <-errs)
	require.NoError(t, <-errs)
	require.NoError(t, svc.Close(context.Background()))
}

func TestCloseGivesUpWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	g := &gate{Store: newStore(t), before: make(chan struct{})}
	svc := product.NewService(g, nil)
	told := make(chan error, 1)
	go func() {
		_, err := svc.Create(context.Background(), draft("A"))
		told <- err
	}()
	eventually(t, func() bool { _, applies := g.reached(); return applies == 1 }, "one in flight")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := svc.Close(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "1 writes in flight")
	close(g.before)
	require.Error(t, <-told)
}

func TestWaitsAreToldToThoseWhoAsk(t *testing.T) {
	t.Parallel()
	g := &gate{Store: newStore(t), before: make(chan struct{})}
	svc := storetest.NewService(t, g, &product.Options{ReadBatches: 1})
	get := func(ctx context.Context) { _, _ = svc.Get(ctx, uuid.New()) }
	var first, second atomic.Int64
	var gets sync.WaitGroup
	gets.Go(func() { get(product.WithWait(t.Context(), &first)) })
	eventually(t, func() bool { finds, _ := g.reached(); return finds == 1 }, "a query is held")
	gets.Go(func() { get(product.WithWait(t.Context(), &second)) })
	eventually(t, func() bool { return svc.Stats().Reads.Waiting == 1 }, "another one waits")
	queued := time.Now()
	time.Sleep(5 * time.Millisecond) // what is to be measured
	least := time.Since(queued)
	close(g.before)
	gets.Wait()
	require.GreaterOrEqual(t, time.Duration(second.Load()), least)
}
