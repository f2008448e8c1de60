package pool_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// BenchmarkAcquire compares one statement through the pool, with default
// features, and through plain database/sql, on the same fake driver.
func BenchmarkAcquire(b *testing.B) {
	ctx := context.Background()
	plain := func(b *testing.B) *sql.DB {
		db := sql.OpenDB(new(pooltest.Server).Connector())
		db.SetMaxOpenConns(5)
		db.SetMaxIdleConns(5)
		b.Cleanup(func() { db.Close() })
		return db
	}
	ours := func(b *testing.B) *sql.DB {
		p, err := pool.Open(ctx, pool.Config{Connector: new(pooltest.Server).Connector()})
		require.NoError(b, err)
		b.Cleanup(func() { p.Shutdown(ctx) })
		return p.DB()
	}
	run := func(name string, open func(*testing.B) *sql.DB) {
		b.Run(name, func(b *testing.B) {
			db := open(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := db.ExecContext(ctx, "w"); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/parallel", func(b *testing.B) {
			db := open(b)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := db.ExecContext(ctx, "w"); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
	run("database/sql", plain)
	run("pool", ours)
}
