package sqlstore_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
	"github.com/productkit-go/productkit/product/storetest"
)

const ruleInstance = "SQLSTORE_TEST_RULE_INSTANCE" // names a process that is one instance of a trial, by number

func ruleTrial() storetest.InvariantsTrial {
	return storetest.InvariantsTrial{Writes: testscale.N(20, 500)}
}

// writeByTheRules is the life of a child process.
func writeByTheRules() error {
	instance, err := strconv.Atoi(os.Getenv(ruleInstance))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), testscale.N(2*time.Minute, 10*time.Minute))
	defer cancel()
	store, err := openGiven(ctx)
	if err != nil {
		return err
	}
	return ruleTrial().Write(ctx, store, instance)
}

func TestProcessesKeepEveryRuleBetweenThem(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		e = e.hasty()
		store := migrated(t, e.open(t), nil)
		const processes = 3
		var failures [processes]error
		var all sync.WaitGroup
		for i := range processes {
			cmd := e.process(t, fmt.Sprintf("%s=%d", ruleInstance, i))
			all.Go(func() { failures[i] = cmd.Run() })
		}
		all.Wait()
		require.Equal(t, [processes]error{}, failures)
		require.NoError(t, ruleTrial().Check(t.Context(), store))
	})
}

// gappyFeed has lost the last change of each page.
type gappyFeed struct{ *sqlstore.Store }

func (s gappyFeed) Changes(ctx context.Context, after product.Seq, limit int) ([]product.Change, error) {
	changes, err := s.Store.Changes(ctx, after, limit)
	if len(changes) > 1 {
		changes = changes[:len(changes)-1]
		changes[len(changes)-1].Seq++ // so that nobody asks for it again
	}
	return changes, err
}

// noisyStore makes a change where none was asked for.
type noisyStore struct{ *sqlstore.Store }

func (s noisyStore) Apply(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	noisy := b
	noisy.Writes = nil
	for _, w := range b.Writes {
		if w.Op == product.OpUpdate && w.Patch.SKU == nil {
			w.Patch = &product.Patch{Vendor: &w.Actor}
		}
		noisy.Writes = append(noisy.Writes, w)
	}
	return s.Store.Apply(ctx, noisy)
}

func TestTheTrialOfRulesCatchesStoresThatBreakThem(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(*sqlstore.Store) product.Store{
		"an update of what the caller has not seen":    func(s *sqlstore.Store) product.Store { return lostUpdater{s} },
		"a write that is acknowledged and forgotten":   func(s *sqlstore.Store) product.Store { return forgetter{s} },
		"a change that is missing in the feed":         func(s *sqlstore.Store) product.Store { return gappyFeed{s} },
		"a write without a change that makes versions": func(s *sqlstore.Store) product.Store { return noisyStore{s} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := broken(migrated(t, engine{"sqlite", sqliteDSN(t)}.hasty().open(t), nil))
			trial := storetest.InvariantsTrial{Writes: 60}
			err := trial.Write(t.Context(), store, 0)
			if err == nil {
				err = trial.Check(t.Context(), store)
			}
			require.Error(t, err)
			t.Log(err)
		})
	}
}
