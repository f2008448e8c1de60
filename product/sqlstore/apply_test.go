package sqlstore_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func TestALockedRowIsWaitedForBriefly(t *testing.T) {
	t.Parallel()
	forEachServer(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		made := apply(t, store, create(t, "A"), create(t, "B"))
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		_, err = tx.ExecContext(t.Context(), "UPDATE productkit_products SET name = name WHERE id = ?", made[0].ID[:])
		require.NoError(t, err)

		start := time.Now()
		_, err = store.Apply(t.Context(), product.Batch{Writes: []product.Write{rename(made[0], "C"), rename(made[1], "D")}, NoWait: true})
		require.ErrorIs(t, err, product.ErrBusy)
		require.Less(t, time.Since(start), time.Second)

		start = time.Now()
		_, err = store.Apply(t.Context(), product.Batch{Writes: []product.Write{rename(made[0], "C"), rename(made[1], "D")}})
		require.ErrorIs(t, err, product.ErrBusy)
		var number *mysql.MySQLError
		require.ErrorAs(t, err, &number)
		require.EqualValues(t, 1205, number.Number)
		require.Less(t, time.Since(start), 3*time.Second)

		apply(t, store, rename(made[1], "D")) // nobody else's row is in the way
		require.NoError(t, tx.Rollback())
		apply(t, store, rename(made[0], "C"))
	})
}

func TestALockedSQLiteFileIsWaitedForBriefly(t *testing.T) {
	t.Parallel()
	dsn := sqliteDSN(t)
	db := open(t, "sqlite", dsn)
	store := migrated(t, db, &sqlstore.Options{LockWait: 50 * time.Millisecond})
	conn, err := open(t, "sqlite", dsn).Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)

	_, err = store.Apply(t.Context(), product.Batch{Writes: []product.Write{create(t, "A")}})
	require.ErrorIs(t, err, product.ErrBusy)
	_, err = conn.ExecContext(t.Context(), "COMMIT")
	require.NoError(t, err)
	apply(t, store, create(t, "A"))
}

// Another transaction takes the SKU after the batch looked and before it writes.
func TestARaceForASKUIsDecidedAnew(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(t testing.TB, a product.Product) product.Write{
		"by a new product":   func(t testing.TB, _ product.Product) product.Write { return create(t, "X") },
		"by a known product": func(_ testing.TB, a product.Product) product.Write { return rename(a, "X") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachWay(t, func(t *testing.T, e engine) {
				other := migrated(t, e.open(t), nil)
				made := apply(t, other, create(t, "A"))

				var races, refused atomic.Int64
				db := openHooked(t, e.driver, e.dsn, &hooks{
					before: func(query string) error {
						if strings.Contains(query, "INSERT INTO productkit_products") && races.Add(1) == 1 {
							apply(t, other, create(t, "X"))
						}
						return nil
					},
					after: func(_ string, err error) error {
						var number *mysql.MySQLError
						if errors.As(err, &number) && number.Number == 1062 {
							refused.Add(1)
						}
						return err
					},
				})
				store, err := sqlstore.New(t.Context(), db, nil)
				require.NoError(t, err)
				outcomes, err := store.Apply(t.Context(), product.Batch{Writes: []product.Write{
					write(t, made[0]), create(t, "bystander"),
				}})
				require.NoError(t, err)
				winner := findOne(t, other, product.BySKU("X"))
				var taken *product.TakenError
				require.ErrorAs(t, outcomes[0].Err, &taken)
				require.Equal(t, winner.ID, taken.By)
				require.NoError(t, outcomes[1].Err)
				require.EqualValues(t, 1, refused.Load(), "error 1062 and not another row's overwriting")

				require.Equal(t, "Name of X", winner.Name)
				require.EqualValues(t, 1, winner.Version)
				require.Equal(t, made[0], findOne(t, other, product.BySKU("A")))
				require.Equal(t, "Name of bystander", findOne(t, other, product.BySKU("bystander")).Name)
			})
		})
	}
}

// An opponent who takes every SKU must not keep a batch for ever.
func TestEndlessRacesEnd(t *testing.T) {
	t.Parallel()
	forEachWay(t, func(t *testing.T, e engine) {
		migrated(t, e.open(t), nil)
		var tries atomic.Int64
		db := openHooked(t, e.driver, e.dsn, &hooks{before: func(query string) error {
			if strings.Contains(query, "INSERT INTO productkit_products") {
				tries.Add(1)
				return &mysql.MySQLError{Number: 1062}
			}
			return nil
		}})
		store, err := sqlstore.New(t.Context(), db, nil)
		require.NoError(t, err)
		_, err = store.Apply(t.Context(), product.Batch{Writes: []product.Write{create(t, "X")}})
		require.Error(t, err)
		require.NotErrorIs(t, err, product.ErrUnavailable)
		require.EqualValues(t, 6, tries.Load())
	})
}

// From there on another batch may lock rows, and this one locks none any more.
func TestABatchSaysWhenItHasLockedItsRows(t *testing.T) {
	t.Parallel()
	forEachEngineAndWay(t, func(t *testing.T, e engine) {
		plain := migrated(t, e.open(t), nil)
		made := apply(t, plain, create(t, "A"), create(t, "B"))
		var seen []string // one goroutine asks
		store, err := sqlstore.New(t.Context(), openHooked(t, e.driver, e.dsn, &hooks{before: func(query string) error {
			for _, part := range []string{"FOR UPDATE", "INSERT INTO productkit_products"} {
				if strings.Contains(query, part) {
					seen = append(seen, part)
				}
			}
			return nil
		}}), nil)
		require.NoError(t, err)
		outcomes, err := store.Apply(t.Context(), product.Batch{
			Writes: []product.Write{rename(made[0], "C"), {Op: product.OpAdjustStock, SKU: "B", Delta: 1, At: time.Now().UTC()}, create(t, "D")},
			Locked: func() { seen = append(seen, "locked") },
		})
		require.NoError(t, err)
		for _, o := range outcomes {
			require.NoError(t, o.Err)
		}
		if e.driver == "sqlite" { // has one writer
			require.NotContains(t, seen, "locked")
			return
		}
		at := slices.Index(seen, "locked")
		require.Contains(t, seen[:at], "FOR UPDATE")
		require.NotContains(t, seen[:at], "INSERT INTO productkit_products")
		require.NotContains(t, seen[at:], "FOR UPDATE")
		require.Contains(t, seen[at:], "INSERT INTO productkit_products")
	})
}

func TestBigBatchesAreCutIntoStatementsThatTheServerTakes(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		n := testscale.N(600, 1200) // more than one statement by rows, and by bytes
		writes := make([]product.Write, n)
		for i := range writes {
			writes[i] = create(t, fmt.Sprintf("SKU-%04d", i))
			writes[i].Draft.Description = strings.Repeat(`"'\`, 5000) // 15 kB, twice that when escaped
		}
		made := apply(t, store, writes...)
		require.Len(t, made, n)
		keys := make([]product.Key, len(made))
		for i := range made {
			keys[i] = product.BySKU(made[i].SKU)
		}
		found, err := store.Find(t.Context(), keys)
		require.NoError(t, err)
		require.Len(t, found, n)

		var ring []product.Write // everybody takes the next one's SKU
		for i := range made {
			ring = append(ring, rename(made[i], fmt.Sprintf("TEMPORARY-%d", i)))
		}
		for i := range made {
			ring = append(ring, rename(made[i], made[(i+1)%len(made)].SKU))
		}
		apply(t, store, ring...)
		require.Equal(t, made[0].ID, findOne(t, store, product.BySKU(made[1].SKU)).ID)
		require.Equal(t, made[n-1].ID, findOne(t, store, product.BySKU(made[0].SKU)).ID)
	})
}

func TestFiltersFollowTheTags(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		store := migrated(t, e.open(t), nil)
		made := apply(t, store, create(t, "A"), create(t, "B"))
		retag := func(tags ...string) product.Write {
			return product.Write{Op: product.OpUpdate, ID: made[0].ID, Patch: &product.Patch{Tags: &tags}, At: time.Now().UTC()}
		}
		with := func(tag string) (skus []string) {
			list, err := store.List(t.Context(), product.Query{Tag: tag, Limit: 10})
			require.NoError(t, err)
			for _, p := range list {
				skus = append(skus, p.SKU)
			}
			return skus
		}
		apply(t, store, retag("men", "new"), rename(made[1], "C"))
		require.Equal(t, []string{"A", "C"}, with("men"))
		require.Equal(t, []string{"A"}, with("new"))
		require.Equal(t, []string{"C"}, with("sale"))
		apply(t, store, retag())
		require.Equal(t, []string{"C"}, with("men"))
		require.Empty(t, with("new"))
	})
}
