package pool_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
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

// BenchmarkStatementCache reads rows by their key with many different texts in turn.
func BenchmarkStatementCache(b *testing.B) {
	db := mysqltest.New(b)
	ctx := context.Background()
	_, err := db.DB().ExecContext(ctx, "CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(40))")
	require.NoError(b, err)
	_, err = db.DB().ExecContext(ctx, "INSERT INTO item VALUES (1, 'a product')")
	require.NoError(b, err)
	for _, texts := range []int{1, 64, 256} {
		for _, size := range []int{-1, 64, 256} {
			b.Run(fmt.Sprintf("texts=%d/cache=%d", texts, max(size, 0)), func(b *testing.B) {
				p, err := pool.Open(ctx, pool.Config{DSN: db.DSN(), MaxConns: 1, MaxOverflow: -1, StatementCache: size})
				require.NoError(b, err)
				b.Cleanup(func() { p.Shutdown(ctx) })
				query := make([]string, texts)
				for i := range query {
					query[i] = fmt.Sprintf("SELECT name, %d FROM item WHERE id = ?", i)
				}
				var name string
				var n int
				read := func(i int) {
					if err := p.DB().QueryRowContext(ctx, query[i%texts], 1).Scan(&name, &n); err != nil {
						b.Fatal(err)
					}
				}
				for i := range 3 * texts { // prepared and warm
					read(i)
				}
				for i := 0; b.Loop(); i++ {
					read(i)
				}
			})
		}
	}
}
