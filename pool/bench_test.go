package pool_test

import (
	"context"
	"database/sql"
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

// BenchmarkMySQLPointReads compares point reads with an argument by 64 callers
// over 5 connections on a real server.
func BenchmarkMySQLPointReads(b *testing.B) {
	db := mysqltest.New(b)
	ctx := context.Background()
	_, err := db.DB().ExecContext(ctx, "CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(40))")
	require.NoError(b, err)
	for i := range 100 {
		_, err := db.DB().ExecContext(ctx, "INSERT INTO item VALUES (?, 'a product')", i)
		require.NoError(b, err)
	}
	run := func(name string, on *sql.DB) {
		b.Run(name, func(b *testing.B) {
			b.SetParallelism(32) // times GOMAXPROCS
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					var name string
					if err := on.QueryRowContext(ctx, "SELECT name FROM item WHERE id = ?", i%100).Scan(&name); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
	plain, err := sql.Open("mysql", db.DSN())
	require.NoError(b, err)
	defer plain.Close()
	plain.SetMaxOpenConns(5)
	plain.SetMaxIdleConns(5)
	run("database/sql", plain)
	p, err := pool.Open(ctx, pool.Config{DSN: db.DSN(), MaxOverflow: -1, AcquireTimeout: -1})
	require.NoError(b, err)
	defer p.Shutdown(ctx)
	run("pool", p.DB())
}
