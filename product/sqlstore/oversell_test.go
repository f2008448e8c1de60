package sqlstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
	"github.com/productkit-go/productkit/product/storetest"
)

const buyerName = "SQLSTORE_TEST_BUYERS" // names a process that buys until it is killed

func oversellTrial() storetest.OversellTrial {
	return storetest.OversellTrial{Buyers: testscale.N(16, 64), Orders: -1, Expiry: 3 * time.Second}
}

// buyUntilKilled is the life of a child process. It prints each receipt.
func buyUntilKilled() error {
	ctx := context.Background()
	store, err := openGiven(ctx)
	if err != nil {
		return err
	}
	svc := product.NewService(store, &product.Options{BatchTimeout: time.Minute})
	return oversellTrial().Buy(ctx, svc, os.Getenv(buyerName), func(r storetest.Receipt) {
		if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
			panic(err)
		}
	})
}

// receipts are what all processes were told.
type receipts struct {
	mu   sync.Mutex
	told []storetest.Receipt
}

// add returns all that there are by then.
func (r *receipts) add(lines []string) ([]storetest.Receipt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range lines {
		var receipt storetest.Receipt
		if err := json.Unmarshal([]byte(line), &receipt); err != nil {
			return nil, err
		}
		r.told = append(r.told, receipt)
	}
	return slices.Clip(r.told), nil
}

func TestNothingIsSoldTwiceByProcessesThatAreKilled(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		e = e.hasty()
		ctx, cancel := context.WithTimeout(t.Context(), testscale.N(5*time.Minute, 20*time.Minute))
		defer cancel()
		svc := storetest.NewService(t, migrated(t, e.open(t), nil), &product.Options{BatchTimeout: time.Minute})
		trial := oversellTrial()
		require.NoError(t, trial.Prepare(ctx, svc))

		var all receipts
		live := func(name string) error {
			lines, err := e.kill(t, 50+rand.IntN(testscale.N(150, 1000)), buyerName+"="+name)
			if err != nil {
				return err
			}
			told, err := all.add(lines)
			if err != nil {
				return err
			}
			return trial.Check(ctx, svc, told) // while the other processes buy
		}
		const processes = 3
		var failures [processes]error
		var running sync.WaitGroup
		for i := range processes {
			running.Go(func() {
				for n := 0; n < testscale.N(2, 10) && failures[i] == nil; n++ {
					failures[i] = live(fmt.Sprintf("%d-%d", i, n/2)) // every second one repeats what the first has done
				}
			})
		}
		running.Wait()
		require.NoError(t, errors.Join(failures[:]...))
		require.NoError(t, trial.Finish(ctx, svc, all.told))

		happened := map[string]int{}
		for _, r := range all.told {
			what, _, _ := strings.Cut(r.Of, ":")
			happened[what]++
		}
		t.Log(happened)
		for _, what := range []string{"taken", "delivered", "reserved", "committed", "released"} {
			require.NotZero(t, happened[what], what)
		}
	})
}

// withWrites is a store to which other writes are passed on than come in.
type withWrites struct {
	*sqlstore.Store
	change func(ctx context.Context, w *product.Write) error
}

func (s withWrites) Apply(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	b.Writes = slices.Clone(b.Writes)
	for i := range b.Writes {
		if err := s.change(ctx, &b.Writes[i]); err != nil {
			return nil, err
		}
	}
	return s.Store.Apply(ctx, b)
}

func TestTheTrialOfSalesCatchesStoresThatSellTwice(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(*sqlstore.Store) product.Store{
		"a commit that gives back": func(s *sqlstore.Store) product.Store {
			return withWrites{s, func(_ context.Context, w *product.Write) error {
				if w.Op == product.OpCommit {
					w.Op = product.OpRelease
				}
				return nil
			}}
		},
		"a sale of what is not there": func(s *sqlstore.Store) product.Store {
			return withWrites{s, func(_ context.Context, w *product.Write) error {
				if w.Op == product.OpCreate {
					unlimited := *w.Draft
					unlimited.Backorder = true
					w.Draft = &unlimited
				}
				return nil
			}}
		},
		"a sale that is repeated": func(s *sqlstore.Store) product.Store {
			return withWrites{s, func(_ context.Context, w *product.Write) error {
				w.Record = nil
				return nil
			}}
		},
		"a sale by a stock that was read before it was locked": func(s *sqlstore.Store) product.Store {
			return withWrites{s, func(ctx context.Context, w *product.Write) error {
				if w.Op != product.OpAdjustStock {
					return nil
				}
				stock, err := s.Stock(ctx, []uuid.UUID{w.ID}, w.At)
				if err != nil {
					return err
				}
				onHand := max(stock[0].OnHand+w.Delta, 0)
				w.Op, w.OnHand = product.OpSetStock, &onHand
				return nil
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			store := migrated(t, engine{"sqlite", sqliteDSN(t)}.hasty().open(t), nil)
			err := storetest.OversellTrial{Buyers: 16}.Run(ctx, broken(store))
			require.Error(t, err)
			require.NoError(t, ctx.Err())
			t.Log(err)
		})
	}
}
