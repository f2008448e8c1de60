package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

const killRound = "SQLSTORE_TEST_KILL_ROUND" // names a process that writes until it is killed

// order creates a product and sells one piece of another, each once.
func order(ctx context.Context, s *product.Service, name string) (created, sold bool, err error) {
	hot, err := s.GetBySKU(ctx, "hot")
	if err != nil {
		return false, false, err
	}
	create := product.WithIdempotencyKey(ctx, "create "+name)
	if _, err := s.Create(create, draft(name)); err != nil {
		return false, false, err
	}
	sell := product.WithIdempotencyKey(ctx, "sell "+name)
	if _, err := s.AdjustStock(sell, hot.ID, -1, name, product.Expect{}); err != nil {
		return false, false, err
	}
	return product.Replayed(create), product.Replayed(sell), nil
}

// writeUntilKilled is the life of a child process. It says what it tries and what succeeded.
func writeUntilKilled() error {
	ctx := context.Background()
	store, err := openGiven(ctx)
	if err != nil {
		return err
	}
	s := product.NewService(store, nil)
	failed := make(chan error)
	for worker := range 8 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%s-%d-%d", os.Getenv(killRound), worker, i)
				fmt.Println("try", name)
				if _, _, err := order(ctx, s, name); err != nil {
					failed <- fmt.Errorf("%s: %w", name, err)
					return
				}
				fmt.Println("done", name)
			}
		}()
	}
	return <-failed
}

func TestKilledProcessesLoseNothingThatTheyAcknowledgedAndRetriesDoNothingTwice(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		store := migrated(t, e.open(t), nil)
		s := storetest.NewService(t, store, nil)
		const pieces = 1_000_000
		hot := draft("hot")
		hot.Stock = pointer(int64(pieces))
		p, err := s.Create(t.Context(), hot)
		require.NoError(t, err)

		orders := int64(0)
		for round := range testscale.N(3, 20) {
			tried := killOne(t, e, fmt.Sprint("round", round))
			orders += int64(len(tried))
			var all sync.WaitGroup
			for name, done := range tried {
				all.Go(func() { checkOrder(t, s, name, done) })
			}
			all.Wait()
			stock, err := s.Stock(t.Context(), p.ID)
			require.NoError(t, err)
			require.Equal(t, pieces-orders, stock.OnHand, "each sold once")
			require.Equal(t, 1+orders, stock.Version, "each recorded once")
		}
	})
}

// killOne starts a process that writes, kills it at a random moment and returns what it had
// tried, and whether it had been told of success.
func killOne(t *testing.T, e engine, round string) map[string]bool {
	t.Helper()
	lines, err := e.kill(t, 20+rand.IntN(100), killRound+"="+round)
	require.NoError(t, err)
	tried := make(map[string]bool)
	for _, line := range lines {
		verb, name, _ := strings.Cut(line, " ")
		if verb == "try" || verb == "done" {
			tried[name] = verb == "done"
		}
	}
	return tried
}

func checkOrder(t *testing.T, s *product.Service, name string, done bool) {
	p, err := s.GetBySKU(t.Context(), name)
	switch {
	case err == nil:
		whole(t, s, p)
	case done || !errors.Is(err, product.ErrNotFound):
		t.Errorf("%s, acknowledged %v: %v", name, done, err)
		return
	}
	existed := err == nil
	created, sold, err := order(t.Context(), s, name)
	if err != nil || existed && !created || done && !sold {
		t.Errorf("%s again, acknowledged %v, there %v: created %v and sold %v before, %v", name, done, existed, created, sold, err)
	}
}

// whole checks that a product is there with its stock and its history.
func whole(t *testing.T, s *product.Service, p product.Product) {
	stock, err := s.Stock(t.Context(), p.ID)
	if err != nil || stock.OnHand != 10 {
		t.Errorf("%s has stock %d: %v", p.SKU, stock.OnHand, err)
	}
	history, err := s.History(t.Context(), p.ID, product.HistoryQuery{})
	if err != nil || len(history.Changes) != 2 {
		t.Errorf("%s has %d records: %v", p.SKU, len(history.Changes), err)
	}
}
