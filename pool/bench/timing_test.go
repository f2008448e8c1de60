package bench

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// overhead is one statement on a fake driver that takes no time. The rivals take
// turns in short slices of one garbage collection and more, and the best counts:
// it is the one that the machine's other load disturbed least.
func overhead() []line {
	ctx := context.Background()
	rivals := []*rig{
		ours(new(pooltest.Server), pool.Config{}),
		plain(new(pooltest.Server), 5, 0),
		puddled(new(pooltest.Server), 5),
		ours(new(pooltest.Server), pool.Config{HoldWarning: -1}),
	}
	const rounds, calls = 40, 10_000
	times := make([][]time.Duration, len(rivals))
	allocs := make([]float64, len(rivals))
	for range rounds {
		for i, r := range rivals {
			start := time.Now()
			for range calls {
				check(r.exec(ctx))
			}
			times[i] = append(times[i], time.Since(start)*1000/calls)
		}
	}
	ns := make([]float64, len(rivals))
	for i, r := range rivals {
		ns[i] = milliseconds(slices.Min(times[i])) * 1000 // of ms a thousand calls
		allocs[i] = testing.AllocsPerRun(1000, func() { check(r.exec(ctx)) })
		r.close()
	}
	return []line{
		{"overhead: time an operation (database/sql)", ns[0], ns[1], "ns", atMost(ratio, 5)},
		{"overhead: allocations an operation (database/sql)", allocs[0], allocs[1], "", atMost(value, 6)},
		{"overhead: time an operation (puddle, no database/sql)", ns[0], ns[2], "ns", bar{}},
		{"overhead: allocations (puddle, no database/sql)", allocs[0], allocs[2], "", bar{}},
		{"overhead: stacks of borrowers (against HoldWarning off)", ns[0], ns[3], "ns", bar{}},
	}
}

// pointReads is 64 callers on 5 connections to a real server, each reading one
// row by its key. The rivals take turns in short slices, each time in another
// order, so that all of them meet the machine's other load, and their median slices
// count.
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
	text := must(pool.Open(ctx, pool.Config{DSN: db.DSN(), MaxConns: 5, MaxOverflow: -1, StatementCache: -1}))
	defer text.Shutdown(ctx)

	scan := func(row *sql.Row) {
		var name string
		check(row.Scan(&name))
	}
	rivals := []func(id int){
		func(id int) { scan(p.DB().QueryRowContext(ctx, query, id)) },
		func(id int) { scan(std.QueryRowContext(ctx, query, id)) },
		func(id int) { scan(stmt.QueryRowContext(ctx, id)) },
		func(id int) { scan(text.DB().QueryRowContext(ctx, query, id)) },
	}
	const rounds, slice = 24, 150 * time.Millisecond
	seen := make([][]float64, len(rivals))
	for n := range rounds + 1 {
		for turn := range rivals {
			i := (turn + n) % len(rivals)
			read := rivals[i]
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
				seen[i] = append(seen[i], float64(reads.Load())/time.Since(start).Seconds())
			}
		}
	}
	rates := make([]float64, len(rivals))
	for i := range seen {
		rates[i] = middle(seen[i])
	}
	against := make([]float64, rounds)
	for n := range against {
		against[n] = seen[0][n] / seen[2][n]
	}
	return []line{
		{"MySQL point reads (database/sql)", rates[0], rates[1], "/s", atLeast(ratio, 1.3)},
		{"MySQL point reads (database/sql, hand-prepared)", rates[0], rates[2], "/s", notSlower(against)},
		{"MySQL point reads (this pool, StatementCache off)", rates[0], rates[3], "/s", bar{}},
	}
}
