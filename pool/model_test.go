package pool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// TestModel runs random callers against random configurations and faults, in
// simulated time, and checks after every step what must always hold.
func TestModel(t *testing.T) {
	t.Parallel()
	for seed := range testscale.N[uint64](150, 5000) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newModel(t, seed, rand.NewPCG(seed, 2)).run() })
		})
	}
}

// FuzzFaults is TestModel with a schedule of faults that the fuzzer looks for.
func FuzzFaults(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(seed, []byte("faults come and go, some at once and some after a while"))
	}
	f.Fuzz(func(t *testing.T, seed uint64, schedule []byte) {
		synctest.Test(t, func(t *testing.T) { newModel(t, seed, &faultSchedule{schedule, rand.NewPCG(seed, 2)}).run() })
	})
}

// faultSchedule is a source of numbers that the fuzzer can steer: each byte gives the highest bits of one.
type faultSchedule struct {
	bytes []byte
	rest  rand.Source // once they have run out
}

func (s *faultSchedule) Uint64() uint64 {
	if len(s.bytes) == 0 {
		return s.rest.Uint64()
	}
	b := s.bytes[0]
	s.bytes = s.bytes[1:]
	return uint64(b)<<56 | 1<<55
}

type model struct {
	t      *testing.T
	cfg    pool.Config
	limit  int
	server *pooltest.Server
	pool   *pool.Pool

	mu   sync.Mutex
	made map[uint64]time.Time // session → when it was dialled
	held map[uint64]bool
	uses map[uint64]int
}

func newModel(t *testing.T, seed uint64, faults rand.Source) *model {
	r := rand.New(rand.NewPCG(seed, 1))
	m := &model{t: t, server: new(pooltest.Server), made: map[uint64]time.Time{}, held: map[uint64]bool{}, uses: map[uint64]int{}}
	m.cfg = pool.Config{
		Connector:      m.server.Connector(),
		MaxConns:       1 + r.IntN(4),
		MaxOverflow:    r.IntN(4) - 1,
		MaxIdleTime:    time.Duration(1+r.IntN(20)) * 100 * time.Millisecond,
		MaxLifetime:    time.Duration(1+r.IntN(20)) * 200 * time.Millisecond,
		MaxUses:        r.IntN(2) * (1 + r.IntN(20)),
		PingAfterIdle:  []time.Duration{-1, 1, 20 * time.Millisecond, time.Second}[r.IntN(4)],
		PingTimeout:    50 * time.Millisecond,
		AcquireTimeout: []time.Duration{20 * time.Millisecond, 200 * time.Millisecond, time.Second}[r.IntN(3)],
		MaxWaiters:     1 + r.IntN(20),
		QueueTarget:    []time.Duration{0, -1, 5 * time.Millisecond}[r.IntN(3)],
		StatementCache: 1 + r.IntN(4),
		OnConnect: func(_ context.Context, c driver.Conn) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.made[c.(*pooltest.Conn).ID()] = time.Now()
			return nil
		},
	}
	if m.cfg.MaxOverflow == 0 {
		m.cfg.MaxOverflow = -1
	}
	m.cfg.MinConns = 1 + r.IntN(m.cfg.MaxConns)
	m.limit = m.cfg.MaxConns + max(m.cfg.MaxOverflow, 0)
	p, err := pool.Open(context.Background(), m.cfg)
	require.NoError(t, err)
	m.pool = p

	var workers, helpers sync.WaitGroup
	stop := make(chan struct{})
	helpers.Go(func() { m.break_(rand.New(faults), stop) })
	helpers.Go(func() { m.watch(stop) })
	for i := range uint64(2 + r.IntN(12)) {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(seed, 100+i))
			for range 15 {
				m.step(r)
				time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
			}
		})
	}
	workers.Wait()
	close(stop)
	helpers.Wait()
	return m
}

// run checks what must hold once callers and faults are gone.
func (m *model) run() {
	t, p := m.t, m.pool
	m.heal()
	time.Sleep(m.cfg.MaxLifetime + m.cfg.MaxIdleTime + 10*time.Second)
	s := p.Stats()
	require.Zero(t, s.Busy, "a connection was lost")
	require.Zero(t, s.Waiting)
	require.GreaterOrEqual(t, s.Open+s.Dialing+s.Closing, m.cfg.MinConns, "MinConns")
	require.LessOrEqual(t, s.Open, m.cfg.MinConns, "idle connections above MinConns must have gone")
	require.NoError(t, p.DB().Ping(), "the pool must have healed")
	require.NoError(t, p.Ping(context.Background()))
	require.NoError(t, p.Shutdown(context.Background()))
	require.Zero(t, m.server.Counts().Sessions, "sessions left on the server")
	require.Zero(t, m.server.Counts().Running)
	require.Zero(t, m.server.Counts().Prepared)
}

func (m *model) step(r *rand.Rand) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+r.IntN(300))*time.Millisecond)
	defer cancel()
	// The check of a connection may add its PingTimeout to the wait, once for
	// each connection that turns out to be dead.
	deadline, _ := ctx.Deadline()
	start := time.Now()
	c, err := acquire(ctx, m.pool)
	if limit := start.Add(m.cfg.AcquireTimeout + time.Duration(m.limit+1)*m.cfg.PingTimeout); limit.Before(deadline) {
		deadline = limit
	}
	require.False(m.t, time.Now().After(deadline), "answered %v after the deadline", time.Since(deadline))
	require.NotErrorIs(m.t, err, driver.ErrBadConn)
	if err != nil {
		var refusal *pool.AcquireError
		if !errors.As(err, &refusal) {
			require.ErrorIs(m.t, err, ctx.Err())
		}
		return
	}
	defer c.Close()
	id := session(m.t, c)
	m.mu.Lock()
	twice, age, uses := m.held[id], start.Sub(m.made[id]), m.uses[id]
	m.held[id] = true
	m.mu.Unlock()
	require.False(m.t, twice, "session %d was handed out twice", id)
	require.Less(m.t, age, m.cfg.MaxLifetime, "lifetime")
	if m.cfg.MaxUses > 0 {
		require.Less(m.t, uses, m.cfg.MaxUses, "uses")
	}
	defer func() {
		m.mu.Lock()
		delete(m.held, id)
		m.mu.Unlock()
	}()
	for range r.IntN(4) {
		switch r.IntN(4) {
		case 0:
			_, err = c.ExecContext(ctx, "w")
		case 1:
			var n int
			err = c.QueryRowContext(ctx, "r").Scan(&n)
		case 3:
			_, err = c.ExecContext(ctx, fmt.Sprintf("w%d ?", r.IntN(6)), 1)
		case 2:
			var tx *sql.Tx
			if tx, err = c.BeginTx(ctx, nil); err == nil {
				_, err = tx.ExecContext(ctx, "w")
				if r.IntN(2) == 0 {
					err = errors.Join(err, tx.Rollback())
				} else {
					err = errors.Join(err, tx.Commit())
				}
			}
		}
		if err == nil { // otherwise it may not have come as far as the connection
			m.mu.Lock()
			m.uses[id]++
			m.mu.Unlock()
		}
		if errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || ctx.Err() != nil {
			return
		}
	}
}

// break_ makes faults come and go.
func (m *model) break_(r *rand.Rand, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(r.IntN(60)) * time.Millisecond):
		}
		m.server.SetStatementTime(time.Duration(r.IntN(30)) * time.Millisecond)
		m.server.SetConnectDelay(time.Duration(r.IntN(40)) * time.Millisecond)
		switch r.IntN(13) {
		case 0:
			m.server.Kill()
		case 1:
			m.server.KillIdle()
		case 2:
			m.server.SetRefuse(errors.New("refused"))
		case 3:
			m.server.SetMaxSessions(1 + r.IntN(m.limit+1))
		case 4:
			m.server.SetReadOnly(true)
		case 5:
			m.server.SetPing(time.Duration(r.IntN(100))*time.Millisecond, nil)
		case 6:
			m.server.SetPing(0, errors.New("ping failed"))
		case 7:
			m.server.SetStalled(true, false)
		case 9:
			m.server.SetMaxStatements(1)
		case 8:
			m.pool.Reset()
		default:
			m.heal()
		}
	}
}

func (m *model) heal() {
	m.server.SetRefuse(nil)
	m.server.SetMaxSessions(0)
	m.server.SetReadOnly(false)
	m.server.SetMaxStatements(0)
	m.server.SetPing(0, nil)
	m.server.SetStalled(false, false)
	m.server.SetStatementTime(0)
	m.server.SetConnectDelay(0)
}

// watch samples the invariants.
func (m *model) watch(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
		}
		s := m.pool.Stats()
		require.LessOrEqual(m.t, s.Open+s.Dialing+s.Closing, m.limit)
		require.LessOrEqual(m.t, s.Idle, m.cfg.MaxConns)
		// Those whose connection turned out to be broken queue again.
		require.LessOrEqual(m.t, s.Waiting, m.cfg.MaxWaiters+m.limit)
		require.Equal(m.t, s.Open, s.Idle+s.Busy)
		n := m.server.Counts()
		require.LessOrEqual(m.t, n.Prepared, n.Sessions*m.cfg.StatementCache)
		// One more for the health lane, one for a lane just replaced. What could
		// not be ended within its second, since the lane was stalled, is counted.
		require.LessOrEqual(m.t, m.server.Counts().Sessions, m.limit+2+int(s.Abandoned))
	}
}
