package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
	"github.com/productkit-go/productkit/product/storetest"
)

// trial returns a trial of the feed with host transactions on the store's database.
func trial(db *sql.DB, e engine, store *sqlstore.Store) storetest.FeedTrial {
	return storetest.FeedTrial{
		Store:     store,
		Writes:    testscale.N(25, 400),
		OneWriter: e.driver == "sqlite",
		Begin: func(ctx context.Context) (storetest.HostTx, error) {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return storetest.HostTx{}, err
			}
			return storetest.HostTx{Store: store.InTx(tx), Commit: tx.Commit, Rollback: tx.Rollback}, nil
		},
	}
}

func TestTheFeedSkipsNothing(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		if e.driver == "sqlite" {
			// SQLite does not let writers take turns, so one may wait long on a busy machine.
			e.dsn = strings.Replace(e.dsn, "busy_timeout(5000)", "busy_timeout(60000)", 1) + "&_txlock=immediate"
		}
		db := e.open(t)
		db.SetMaxOpenConns(16)
		ctx, cancel := context.WithTimeout(t.Context(), testscale.N(time.Minute, 5*time.Minute))
		defer cancel()
		require.NoError(t, trial(db, e, migrated(t, db, nil)).Run(ctx))
	})
}

// unprotected reads the feed by numbers that are handed out before the commit, as
// AUTO_INCREMENT's are.
type unprotected struct {
	*sqlstore.Store
	db *sql.DB
}

func (u *unprotected) Changes(ctx context.Context, after product.Seq, limit int) ([]product.Change, error) {
	rows, err := u.db.QueryContext(ctx, "SELECT arrival, id, product_id, version, sku, kind FROM productkit_changes WHERE arrival > ? ORDER BY arrival LIMIT ?", after, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var changes []product.Change
	for rows.Next() {
		var c product.Change
		var id, productID []byte
		if err := rows.Scan(&c.Seq, &id, &productID, &c.Version, &c.SKU, &c.Kind); err != nil {
			return nil, err
		}
		copy(c.ID[:], id)
		copy(c.ProductID[:], productID)
		changes = append(changes, c)
	}
	return changes, rows.Err()
}

// SQLite has no second writer and so nothing to protect from.
func TestTheTrialOfTheFeedCatchesAReaderWithoutProtection(t *testing.T) {
	t.Parallel()
	forEachServer(t, func(t *testing.T, e engine) {
		db := e.open(t)
		db.SetMaxOpenConns(16)
		store := migrated(t, db, nil)
		trial := trial(db, e, store)
		trial.Store = &unprotected{store, db}
		ctx, cancel := context.WithTimeout(t.Context(), testscale.N(time.Minute, 5*time.Minute))
		defer cancel()
		err := trial.Run(ctx)
		require.Error(t, err)
		require.NoError(t, ctx.Err(), "it must be caught and not just hang")
		t.Log(err)
	})
}

func TestALongTransactionStopsNoReader(t *testing.T) {
	t.Parallel()
	forEachServer(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		apply(t, store.InTx(tx), create(t, "long"))
		for _, sku := range []string{"A", "B"} { // a table of few rows is soon scanned, locked ones too
			apply(t, store, create(t, sku))
			changes, err := store.Changes(t.Context(), 0, 10)
			require.NoError(t, err)
			require.Equal(t, sku, changes[len(changes)-1].SKU)
			_, err = store.PruneChanges(t.Context(), time.Now().Add(-time.Hour))
			require.NoError(t, err)
		}
		_, err = store.PruneChanges(t.Context(), time.Now().Add(time.Hour))
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		changes, err := store.Changes(t.Context(), 4, 10)
		require.NoError(t, err)
		require.Len(t, changes, 2)
		require.Equal(t, "long", changes[0].SKU)
	})
}

func TestReadersOfManyInstancesAgree(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		first := migrated(t, e.open(t), nil)
		const instances, products = 4, 1300 // three steps of numbering
		for batch := range products / 100 {
			writes := make([]product.Write, 100)
			for i := range writes {
				writes[i] = create(t, fmt.Sprintf("P-%d-%d", batch, i))
			}
			apply(t, first, writes...)
		}
		var feeds [instances][]product.Change
		var all sync.WaitGroup
		for i := range instances {
			store, err := sqlstore.New(t.Context(), e.open(t), nil)
			require.NoError(t, err)
			all.Go(func() {
				for after := product.Seq(0); ; {
					page, err := store.Changes(t.Context(), after, 150)
					if errors.Is(err, product.ErrBusy) {
						continue
					}
					if err != nil || len(page) == 0 {
						break
					}
					feeds[i] = append(feeds[i], page...)
					after = page[len(page)-1].Seq
				}
			})
		}
		all.Wait()
		for i := range feeds {
			require.Len(t, feeds[i], 2*products)
			require.Equal(t, feeds[0], feeds[i])
		}
	})
}

// A scan would meet records that somebody else has locked, and read everything to find nothing.
func TestTheFeedReadsItsIndex(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		for _, n := range []int{2, testscale.N(1000, 10_000)} {
			for i := range (n + 499) / 500 {
				writes := make([]product.Write, min(n, 500))
				for k := range writes {
					writes[k] = create(t, fmt.Sprintf("P-%d-%d-%d", n, i, k))
				}
				apply(t, store, writes...)
			}
			_, err := store.Changes(t.Context(), 0, 1) // numbers some
			require.NoError(t, err)
			for name, build := range store.FeedSQL(1, 3, []int64{1, 2, 4}) {
				query, args, err := build()
				require.NoError(t, err)
				plan := explain(t, db, e, query, args)
				requireIndexOrder(t, query, plan)
				for _, word := range []string{"type=index ", "SCAN productkit_changes "} {
					require.NotContains(t, plan, word, name+": "+query)
				}
			}
		}
	})
}

func TestAReplicaShowsWhatThePrimaryHasNumbered(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		primary := migrated(t, e.open(t), nil)
		if e.driver == "sqlite" {
			e.dsn += "&_pragma=query_only(1)"
		} else {
			variable := map[sqlstore.Dialect]string{sqlstore.MySQL: "transaction_read_only", sqlstore.MariaDB: "tx_read_only"}[primary.Engine().Dialect]
			e = e.with(t, func(c *mysql.Config) { c.Params = map[string]string{variable: "1"} })
		}
		replica, err := sqlstore.New(t.Context(), e.open(t), nil)
		require.NoError(t, err)
		apply(t, primary, create(t, "A"))
		changes, err := replica.Changes(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, changes, "nobody has read on the primary")
		want, err := primary.Changes(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Len(t, want, 2)
		apply(t, primary, create(t, "B"))
		changes, err = replica.Changes(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Equal(t, want, changes)
		_, err = replica.PruneChanges(t.Context(), time.Now())
		require.ErrorIs(t, err, product.ErrUnavailable)
	})
}

func TestTheHostsTransactionNumbersNothing(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		apply(t, store, create(t, "A"))
		want, err := store.Changes(t.Context(), 0, 10)
		require.NoError(t, err)
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		inside := store.InTx(tx)
		apply(t, inside, create(t, "B"))
		changes, err := inside.Changes(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Equal(t, want, changes)
		_, err = inside.Changes(t.Context(), 3, 10)
		require.ErrorIs(t, err, product.ErrInvalid)
		_, err = inside.PruneChanges(t.Context(), time.Now())
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.NoError(t, tx.Commit())
		changes, err = store.Changes(t.Context(), 2, 10)
		require.NoError(t, err)
		require.Len(t, changes, 2)
	})
}

// A reader that dies while it numbers leaves nothing behind.
func TestAReaderMayDieWhileItNumbers(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{"INSERT INTO productkit_change_feed", "UPDATE productkit_changes", "UPDATE productkit_change_feed", "COMMIT"} {
		t.Run(statement, func(t *testing.T) {
			t.Parallel()
			forEachEngine(t, func(t *testing.T, e engine) {
				plain := migrated(t, e.open(t), nil)
				apply(t, plain, create(t, "A"), create(t, "B"))
				store, err := sqlstore.New(t.Context(), openHooked(t, e.driver, e.dsn, &hooks{after: func(query string, err error) error {
					if strings.HasPrefix(query, statement) || statement == "COMMIT" && isCommit(query) {
						return io.ErrUnexpectedEOF
					}
					return err
				}}), nil)
				require.NoError(t, err)
				_, err = store.Changes(t.Context(), 0, 10)
				require.ErrorIs(t, err, product.ErrUnavailable)
				changes, err := plain.Changes(t.Context(), 0, 10)
				require.NoError(t, err)
				for i, c := range changes {
					require.EqualValues(t, i+1, c.Seq)
				}
				require.Len(t, changes, 4)
			})
		})
	}
}
