package sqlstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

// benchEach runs a benchmark on every engine that there is, on servers with interpolateParams.
func benchEach(b *testing.B, run func(b *testing.B, e engine)) {
	b.Run("sqlite", func(b *testing.B) { run(b, engine{"sqlite", sqliteDSN(b)}) })
	for _, flavor := range mysqltest.Flavors() {
		b.Run(string(flavor), func(b *testing.B) {
			e := engine{"mysql", mysqltest.NewOn(b, flavor).DSN()}
			run(b, e.with(b, func(c *mysql.Config) { c.InterpolateParams = true }))
		})
	}
}

func BenchmarkFind(b *testing.B) {
	benchEach(b, func(b *testing.B, e engine) {
		store := migrated(b, e.open(b), nil)
		crowd(b, store, 2000)
		for _, n := range []int{1, 20, 200} {
			keys := make([]product.Key, n)
			for i := range keys {
				keys[i] = product.BySKU(fmt.Sprintf("SKU-%06d", i*7))
			}
			b.Run(fmt.Sprint(n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					found, err := store.Find(b.Context(), keys)
					require.NoError(b, err)
					require.Len(b, found, n)
				}
				b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "products/s")
			})
		}
	})
}

func BenchmarkApply(b *testing.B) {
	kinds := map[string]func(b *testing.B, made []product.Product, i, k int) product.Write{
		"create": func(b *testing.B, _ []product.Product, i, k int) product.Write {
			return create(b, fmt.Sprintf("NEW-%d-%d-%d", b.N, i, k))
		},
		"sell": func(b *testing.B, made []product.Product, _, k int) product.Write {
			return product.Write{Op: product.OpAdjustStock, ID: made[k].ID, Delta: 1, At: made[k].CreatedAt}
		},
		"reprice": func(b *testing.B, made []product.Product, i, k int) product.Write {
			patch := product.Patch{Price: &product.MoneyPatch{Amount: pointer(int64(b.N + i))}}
			return product.Write{Op: product.OpUpdate, ID: made[k].ID, Patch: &patch, At: made[k].CreatedAt}
		},
	}
	benchEach(b, func(b *testing.B, e engine) {
		for kind, write := range kinds {
			for _, n := range []int{1, 64, 500} {
				b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
					db := e.open(b)
					store := migrated(b, db, nil)
					writes := make([]product.Write, n)
					for k := range writes {
						writes[k] = create(b, fmt.Sprintf("OLD-%d-%s-%d-%d", n, kind, b.N, k))
					}
					made := apply(b, store, writes...)
					b.ReportAllocs()
					i := 0
					for b.Loop() {
						i++
						for k := range writes {
							writes[k] = write(b, made, i, k)
						}
						_, err := store.Apply(b.Context(), product.Batch{Writes: writes})
						require.NoError(b, err)
					}
					b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "writes/s")
				})
			}
		}
	})
}

// BenchmarkBatch compares 500 operations in one call with as many calls, one after the other, in
// one run, because the ratio tells more than a number of some machine.
func BenchmarkBatch(b *testing.B) {
	const n = 500
	benchEach(b, func(b *testing.B, e engine) {
		svc := storetest.NewService(b, migrated(b, e.open(b), nil), nil)
		round := 0
		ops := func() []product.Operation {
			round++
			ops := make([]product.Operation, n)
			for i := range ops {
				ops[i] = product.Create{Draft: product.Draft{Product: product.Product{
					SKU: fmt.Sprintf("B-%d-%d", round, i), Name: "Name", Price: product.Money{Amount: 1999, Currency: "EUR"},
				}}}
			}
			return ops
		}
		took := make(map[string]time.Duration)
		timed := func(kind string, do func() error) {
			start := time.Now()
			require.NoError(b, do())
			took[kind] += time.Since(start)
		}
		for b.Loop() {
			single, batch, atomic := ops(), ops(), ops()
			timed("single", func() error {
				for _, op := range single {
					if _, err := svc.Create(b.Context(), op.(product.Create).Draft); err != nil {
						return err
					}
				}
				return nil
			})
			timed("batch", func() error {
				outcomes, err := svc.Batch(b.Context(), batch)
				for _, o := range outcomes {
					err = errors.Join(err, o.Err)
				}
				return err
			})
			timed("atomic", func() error { _, err := svc.AtomicBatch(b.Context(), atomic); return err })
		}
		for kind, d := range took {
			b.ReportMetric(float64(b.N*n)/d.Seconds(), kind+"/s")
		}
		b.ReportMetric(took["single"].Seconds()/took["batch"].Seconds(), "batch/single")
		b.ReportMetric(took["single"].Seconds()/took["atomic"].Seconds(), "atomic/single")
	})
}
