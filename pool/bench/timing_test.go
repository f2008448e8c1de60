package bench

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// overhead is one statement on a fake driver that takes no time.
func overhead() []line {
	run := func(r *rig) (ns, allocs float64) {
		defer r.close()
		ctx := context.Background()
		check(r.exec(ctx))
		b := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				check(r.exec(ctx))
			}
		})
		return float64(b.T) / float64(b.N), float64(b.AllocsPerOp())
	}
	theirs, theirAllocs := run(plain(new(pooltest.Server), 5, 0))
	us, allocs := run(ours(new(pooltest.Server), pool.Config{}))
	puddles, puddleAllocs := run(puddled(new(pooltest.Server), 5))
	return []line{
		{"overhead: time an operation (database/sql)", us, theirs, "ns", atMost(ratio, 5)},
		{"overhead: allocations an operation (database/sql)", allocs, theirAllocs, "", atMost(value, 6)},
		{"overhead: time an operation (puddle, no database/sql)", us, puddles, "ns", bar{}},
		{"overhead: allocations (puddle, no database/sql)", allocs, puddleAllocs, "", bar{}},
	}
}

// pointReads is 64 callers on 5 connections to a real server, each reading one
// row by its key. The rivals take turns in short slices, so that all of them meet
// the machine's other load.
func pointReads(t testing.TB, db *mysqltest.Database) []line {
	ctx := context.Background()
	_ = must(db.DB().ExecContext(ctx, "CREATE TABLE IF NOT EXISTS item (id INT PRIMARY KEY, name VARCHAR(40))"))
	for i := range 100 {
		_ = must(db.DB().ExecContext(ctx, "REPLACE INTO item VALUES (?, 'a product')", i))
	}
	const query = "SELECT name FROM item WHERE id = ?"

	std := must(sql.Open("mysql", db.DSN()))
	defer std.Close()
	std.SetMaxOpenConns(5)
	std.SetMaxIdleConns(5)
	hand := must(sql.Open("mysql", db.DSN()))
	defer hand.Close()
	hand.SetMaxOpenConns(5)
	hand.SetMaxIdleConns(5)
	stmt := must(hand.PrepareContext(ctx, query))
	defer stmt.Close()
	p := must(pool.Open(ctx, pool.Config{DSN: db.DSN(), MaxConns: 5, MaxOverflow: -1}))
	defer p.Shutdown(ctx)

	scan := func(row *sql.Row) {
		var name string
		check(row.Scan(&name))
	}
	rivals := []func(id int){
		func(id int) { scan(p.DB().QueryRowContext(ctx, query, id)) },
		func(id int) { scan(std.QueryRowContext(ctx, query, id)) },
		func(id int) { scan(stmt.QueryRowContext(ctx, id)) },
	}
	const slices, slice = 8, 250 * time.Millisecond
	rates := make([]float64, len(rivals))
	for n := range slices + 1 {
		for i, read := range rivals {
			var stop atomic.Bool
			var reads atomic.Int64
			var wg sync.WaitGroup
			start := time.Now()
			time.AfterFunc(slice, func() { stop.Store(true) })
			for c := range 64 {
				wg.Go(func() {
					for id := c; !stop.Load(); id++ {
						read(id % 100)
						reads.Add(1)
					}
				})
			}
			wg.Wait()
			if n > 0 { // the first is for warming up
				rates[i] += float64(reads.Load()) / time.Since(start).Seconds() / slices
			}
		}
	}
	return []line{
		{"MySQL point reads (database/sql)", rates[0], rates[1], "/s", atLeast(ratio, 1.3)},
		{"MySQL point reads (database/sql, hand-prepared)", rates[0], rates[2], "/s", atLeast(ratio, 1)},
	}
}
