package sqlstore_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func TestALostAnswerToCommitIsFoundOut(t *testing.T) {
	t.Parallel()
	answers := []struct {
		name      string
		committed bool
	}{{"committed", true}, {"not committed", false}}
	for _, answer := range answers {
		t.Run(answer.name, func(t *testing.T) {
			t.Parallel()
			forEachEngineAndWay(t, func(t *testing.T, e engine) {
				plain := migrated(t, e.open(t), nil)
				made := apply(t, plain, create(t, "A"))
				var commits atomic.Int64
				lose := func(query string) error {
					if isCommit(query) && commits.Add(1) == 1 {
						return driver.ErrBadConn
					}
					return nil
				}
				h := &hooks{before: lose}
				if answer.committed {
					h = &hooks{after: func(query string, err error) error { return errors.Join(err, lose(query)) }}
				}
				store, err := sqlstore.New(t.Context(), openHooked(t, e.driver, e.dsn, h), nil)
				require.NoError(t, err)
				outcomes, err := store.Apply(t.Context(), product.Batch{Writes: []product.Write{
					create(t, "B"),
					{Op: product.OpAdjustStock, ID: made[0].ID, Delta: -3, At: time.Now().UTC()},
				}})
				require.NoError(t, err)
				require.NoError(t, outcomes[0].Err)
				require.EqualValues(t, 7, outcomes[1].Stock.OnHand)
				require.Equal(t, outcomes[0].Product.ID, findOne(t, plain, product.BySKU("B")).ID)
				stock, err := plain.Stock(t.Context(), []uuid.UUID{made[0].ID}, time.Now())
				require.NoError(t, err)
				require.EqualValues(t, 7, stock[0].OnHand)
				changes, err := plain.History(t.Context(), made[0].ID, nil, 10)
				require.NoError(t, err)
				require.Len(t, changes, 3, "created, stock at creation, one sale")
				if answer.committed {
					require.EqualValues(t, 1, commits.Load())
				} else {
					require.EqualValues(t, 2, commits.Load())
				}
			})
		})
	}
}

func TestAnOutcomeThatStaysUnknownIsSaidSo(t *testing.T) {
	t.Parallel()
	forEachEngineAndWay(t, func(t *testing.T, e engine) {
		migrated(t, e.open(t), nil)
		var down atomic.Bool
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		store, err := sqlstore.New(t.Context(), openHooked(t, e.driver, e.dsn, &hooks{before: func(query string) error {
			if isCommit(query) && !down.Swap(true) {
				time.AfterFunc(100*time.Millisecond, cancel)
			}
			if down.Load() {
				return driver.ErrBadConn
			}
			return nil
		}}), nil)
		require.NoError(t, err)
		_, err = store.Apply(ctx, product.Batch{Writes: []product.Write{create(t, "B")}})
		require.ErrorIs(t, err, product.ErrOutcomeUnknown)
		require.ErrorIs(t, err, driver.ErrBadConn)
		require.NotErrorIs(t, err, product.ErrUnavailable, "which promises that nothing was applied")
	})
}

func TestAConnectionLostBeforeCommitIsReplaced(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{"SET @", "BEGIN", "SELECT p.id", "INSERT INTO productkit_changes"} {
		t.Run(statement, func(t *testing.T) {
			t.Parallel()
			forEachEngineAndWay(t, func(t *testing.T, e engine) {
				plain := migrated(t, e.open(t), nil)
				known := apply(t, plain, create(t, "Z"))
				var armed atomic.Bool
				store, err := sqlstore.New(t.Context(), openHooked(t, e.driver, e.dsn, &hooks{before: func(query string) error {
					if strings.HasPrefix(query, statement) && armed.CompareAndSwap(true, false) {
						return driver.ErrBadConn
					}
					return nil
				}}), nil)
				require.NoError(t, err)
				armed.Store(true)
				made := apply(t, store, create(t, "A"), rename(known[0], "Y"))
				require.Equal(t, made[0].ID, findOne(t, plain, product.BySKU("A")).ID)
			})
		})
	}
}

// Once the history has been found without the batch it is known that nothing was applied.
func TestALostCommitThatDidNotHappenIsNoLongerUnknown(t *testing.T) {
	t.Parallel()
	forEachEngineAndWay(t, func(t *testing.T, e engine) {
		migrated(t, e.open(t), nil)
		var commits atomic.Int64
		store, err := sqlstore.New(t.Context(), openHooked(t, e.driver, e.dsn, &hooks{before: func(query string) error {
			switch {
			case isCommit(query):
				commits.Add(1)
				return driver.ErrBadConn
			case commits.Load() > 0 && strings.Contains(query, "INSERT INTO productkit_products"):
				return driver.ErrBadConn
			}
			return nil
		}}), nil)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = store.Apply(ctx, product.Batch{Writes: []product.Write{create(t, "B")}})
		require.ErrorIs(t, err, product.ErrUnavailable)
		require.NotErrorIs(t, err, product.ErrOutcomeUnknown)
		require.EqualValues(t, 1, commits.Load())
	})
}

func TestAPoolWithoutConnectionsIsAskedOnce(t *testing.T) {
	t.Parallel()
	e := engine{"sqlite", sqliteDSN(t)}
	migrated(t, e.open(t), nil)
	db := e.open(t)
	store, err := sqlstore.New(t.Context(), db, nil)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	_, err = store.Apply(t.Context(), product.Batch{Writes: []product.Write{create(t, "B")}})
	require.ErrorIs(t, err, product.ErrUnavailable)
	_, err = store.Find(t.Context(), []product.Key{product.BySKU("B")})
	require.ErrorIs(t, err, product.ErrUnavailable)
}
