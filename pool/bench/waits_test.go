package bench

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/jackc/puddle/v2"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// rig is a pool under test and the fake server behind it.
type rig struct {
	server *pooltest.Server
	exec   func(ctx context.Context) error
	stats  func() uint64 // connections closed because of their age
	close  func()
}

func ours(server *pooltest.Server, cfg pool.Config) *rig {
	cfg.Connector = server.Connector()
	p := must(pool.Open(context.Background(), cfg))
	return &rig{
		server: server,
		exec: func(ctx context.Context) error {
			_, err := p.DB().ExecContext(ctx, "w")
			return err
		},
		stats: func() uint64 { return p.Stats().Closes[pool.CloseLifetime] },
		close: func() { check(p.Shutdown(context.Background())) },
	}
}

func plain(server *pooltest.Server, maxConns int, lifetime time.Duration) *rig {
	db := sql.OpenDB(server.Connector())
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	db.SetConnMaxLifetime(lifetime)
	return &rig{
		server: server,
		exec: func(ctx context.Context) error {
			_, err := db.ExecContext(ctx, "w")
			return err
		},
		stats: func() uint64 { return uint64(db.Stats().MaxLifetimeClosed) },
		close: func() { check(db.Close()) },
	}
}

// puddled lends the same fake connections from jackc/puddle, as pgxpool does.
func puddled(server *pooltest.Server, maxConns int) *rig {
	connector := server.Connector()
	p := must(puddle.NewPool(&puddle.Config[*pooltest.Conn]{
		Constructor: func(ctx context.Context) (*pooltest.Conn, error) {
			c, err := connector.Connect(ctx)
			if err != nil {
				return nil, err
			}
			return c.(*pooltest.Conn), nil
		},
		Destructor: func(c *pooltest.Conn) { c.Close() },
		MaxSize:    int32(maxConns),
	}))
	return &rig{
		server: server,
		exec: func(ctx context.Context) error {
			r, err := p.Acquire(ctx)
			if err != nil {
				return err
			}
			_, err = r.Value().ExecContext(ctx, "w", nil)
			if r.Value().IsValid() {
				r.Release()
			} else {
				r.Destroy()
			}
			return err
		},
		close: p.Close,
	}
}

// warm has n connections open and idle.
func (r *rig) warm(n int) {
	r.server.SetStatementTime(20 * time.Millisecond)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { check(r.exec(context.Background())) })
	}
	wg.Wait()
}

// spike is 50 requests at once on 5 warm connections, where a connect takes 150 ms
// and a query 2 ms.
func spike(uint64) []line {
	burst := func(r *rig) (p50, dials float64) {
		defer r.close()
		r.warm(5)
		r.server.SetConnectDelay(150 * time.Millisecond)
		r.server.SetStatementTime(2 * time.Millisecond)
		before := r.server.Counts().Dials
		var mu sync.Mutex
		var took []time.Duration
		var wg sync.WaitGroup
		start := time.Now()
		for range 50 {
			wg.Go(func() {
				check(r.exec(context.Background()))
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(start))
			})
		}
		wg.Wait()
		return median(took), float64(r.server.Counts().Dials - before)
	}
	p50, dials := burst(ours(new(pooltest.Server), pool.Config{MinConns: 5, MaxConns: 50, MaxOverflow: -1}))
	theirs, theirDials := burst(plain(new(pooltest.Server), 50, 0))
	puddles, puddleDials := burst(puddled(new(pooltest.Server), 50))
	return []line{
		{"spike: p50 (database/sql)", p50, theirs, "ms", atMost(ratio, 0.1)},
		{"spike: new dials (database/sql)", dials, theirDials, "", atMost(value, 5)},
		{"spike: p50 (puddle)", p50, puddles, "ms", atMost(ratio, 0.1)},
		{"spike: new dials (puddle)", dials, puddleDials, "", atMost(value, 5)},
	}
}

const never = 20 * time.Second

// stall is a server that loses its connections, accepts new ones and says nothing
// for 2 s. Measured is the time from its recovery to lasting full throughput.
func stall(uint64) []line {
	recovery := func(r *rig) float64 {
		defer r.close()
		const window = 100 * time.Millisecond
		r.warm(4)
		r.server.SetStatementTime(5 * time.Millisecond)
		var mu sync.Mutex
		done := map[int64]int{} // by window
		start := time.Now()
		ctx, stop := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for ctx.Err() == nil {
					ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
					err := r.exec(ctx)
					cancel()
					if err != nil {
						time.Sleep(5 * time.Millisecond)
						continue
					}
					mu.Lock()
					done[int64(time.Since(start)/window)]++
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Second)
		r.server.SetStalled(true, true)
		r.server.Kill()
		time.Sleep(2 * time.Second)
		r.server.SetStalled(false, true)
		recovered := time.Since(start)
		time.Sleep(never)
		stop()
		// Let go of connects that are stuck, so that the rig can be closed.
		time.Sleep(15 * time.Second)
		wg.Wait()
		full := float64(done[5])
		at := int64((recovered + never) / window)
		for at > int64(recovered/window) && float64(done[at-1]) >= 0.9*full {
			at--
		}
		return milliseconds(max(time.Duration(at)*window-recovered, 0))
	}
	us := recovery(ours(new(pooltest.Server), pool.Config{MinConns: 4, MaxConns: 4, MaxOverflow: -1}))
	them := recovery(plain(new(pooltest.Server), 4, 0))
	return []line{{"stall: recovery after 2 s of silence (20 s is never)", us, them, "ms", atMost(value, 2000)}}
}

// overload is 1,600 requests a second for 4 connections that can do 800.
func overload(seed uint64) []line {
	type result struct{ p50, successes, refusedSoon float64 }
	load := func(r *rig) result {
		defer r.close()
		r.warm(4)
		r.server.SetStatementTime(5 * time.Millisecond)
		r.server.SetConnectDelay(2 * time.Millisecond)
		rnd := rand.New(rand.NewPCG(seed, 3))
		var (
			mu          sync.Mutex
			took        []time.Duration
			failed, now float64
			wg          sync.WaitGroup
		)
		const length, unsteady = 22 * time.Second, 2 * time.Second
		start := time.Now()
		for next := time.Duration(0); next < length; next += time.Duration(rnd.ExpFloat64() * float64(time.Second) / 1600) {
			time.Sleep(next - time.Since(start))
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
				defer cancel()
				begun := time.Now()
				err := r.exec(ctx)
				d := time.Since(begun)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case begun.Sub(start) < unsteady:
				case err == nil:
					took = append(took, d)
				default:
					failed++
					if d <= 30*time.Millisecond {
						now++
					}
				}
			})
		}
		wg.Wait()
		return result{median(took), float64(len(took)), 100 * now / failed}
	}
	us := load(ours(new(pooltest.Server), pool.Config{MinConns: 4, MaxConns: 4, MaxOverflow: -1}))
	them := load(plain(new(pooltest.Server), 4, 0))
	return []line{
		{"overload: p50 of successes", us.p50, them.p50, "ms", atMost(value, 20)},
		{"overload: successes in 20 s", us.successes, them.successes, "", atLeast(ratio, 0.98)},
		{"overload: failures told within 30 ms", us.refusedSoon, them.refusedSoon, "%", atLeast(value, 90)},
	}
}

// expiry is 50 connections made together: how many retire in any 1 % of their
// lifetime.
func expiry(uint64) []line {
	const lifetime = 1000 * time.Second
	most := func(r *rig) float64 {
		defer r.close()
		r.warm(50)
		const steps = 10 // samples in 1 %
		var closed []uint64
		for range 105 * steps {
			time.Sleep(lifetime / 100 / steps)
			closed = append(closed, r.stats())
		}
		var most uint64
		for i := steps; i < len(closed); i++ {
			most = max(most, closed[i]-closed[i-steps])
		}
		return float64(most)
	}
	us := most(ours(new(pooltest.Server), pool.Config{MinConns: 50, MaxConns: 50, MaxOverflow: -1, MaxLifetime: lifetime, MaxIdleTime: -1}))
	them := most(plain(new(pooltest.Server), 50, lifetime))
	return []line{{"mass expiry: of 50 retired in any 1 % of lifetime", us, them, "", atMost(value, 5)}}
}

func median(v []time.Duration) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	return milliseconds(middle(v))
}

func middle[T cmp.Ordered](v []T) T {
	slices.Sort(v)
	return v[len(v)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](v T, err error) T {
	check(err)
	return v
}
