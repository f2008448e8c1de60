package pool_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// bubble runs a test in simulated time.
func bubble(t *testing.T, test func(t *testing.T, s *pooltest.Server)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, new(pooltest.Server)) })
}

func TestMinConnsAreOpenedAtStartAndKept(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 3, MaxIdleTime: time.Minute, MaxLifetime: 10 * time.Minute})
		synctest.Wait()
		require.Equal(t, 3, p.Stats().Idle)
		time.Sleep(time.Hour)
		require.Equal(t, 3, p.Stats().Idle)
		require.Zero(t, p.Stats().Closes[pool.CloseIdle])
		require.NotZero(t, p.Stats().Closes[pool.CloseLifetime], "they are replaced when their lifetime ends")
		s.Kill()
		require.NoError(t, p.DB().Ping())
		time.Sleep(time.Minute)
		require.Equal(t, 3, p.Stats().Open, "broken ones are replaced")
	})
}

func TestWithoutMinConnsNothingIsOpenedBeforeItIsNeeded(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: -1})
		time.Sleep(time.Minute)
		require.Zero(t, s.Counts().Dials)
		require.NoError(t, p.DB().Ping())
	})
}

func TestMaxOverflowServesPressureAndGoesAway(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 2, MaxOverflow: 2, AcquireTimeout: 100 * time.Millisecond})
		var conns []*sql.Conn
		for range 4 {
			conns = append(conns, hold(t, p))
		}
		require.Equal(t, 2, p.Stats().Overflow)
		_, err := acquire(t.Context(), p)
		require.ErrorIs(t, err, pool.ErrAcquireTimeout)
		for _, c := range conns {
			c.Close()
		}
		synctest.Wait()
		require.Equal(t, 2, p.Stats().Open)
		require.EqualValues(t, 2, p.Stats().Closes[pool.CloseOverflow])
		require.LessOrEqual(t, s.Counts().Peak, 4+1, "the cap and the health lane")
	})
}

func TestOverflowIsNotOpenedForAShortQueue(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 2, MaxOverflow: 10})
		s.SetStatementTime(2 * time.Millisecond)
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() { p.DB().Exec("w") })
		}
		wg.Wait()
		require.EqualValues(t, 2, p.Stats().Dial.Count)
	})
}

func TestMaxIdleTimeClosesWhatNobodyUses(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 4, MaxIdleTime: time.Minute})
		var conns []*sql.Conn
		for range 4 {
			conns = append(conns, hold(t, p))
		}
		for _, c := range conns {
			c.Close()
		}
		time.Sleep(59 * time.Second)
		require.Equal(t, 4, p.Stats().Idle)
		require.NoError(t, p.DB().Ping(), "one is used: it stays longer")
		time.Sleep(2 * time.Second)
		require.Equal(t, 1, p.Stats().Idle)
		require.EqualValues(t, 3, p.Stats().Closes[pool.CloseIdle])
	})
}

func TestMaxLifetimeRetiresAndJitterSpreads(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		const n, lifetime = 50, 1000 * time.Second
		p := fake(t, s, pool.Config{MinConns: n, MaxConns: n, MaxLifetime: lifetime})
		synctest.Wait()
		require.Equal(t, n, p.Stats().Idle)
		time.Sleep(lifetime*3/4 - 1)
		require.Zero(t, p.Stats().Closes[pool.CloseLifetime], "the jitter is at most a quarter")
		var ends []int // retirements in each 0.1 % of the lifetime
		last := uint64(0)
		for range 251 {
			time.Sleep(lifetime / 1000)
			now := p.Stats().Closes[pool.CloseLifetime]
			ends = append(ends, int(now-last))
			last = now
		}
		require.EqualValues(t, n, last)
		for w := range slices.Chunk(ends, 10) {
			sum := 0
			for _, v := range w {
				sum += v
			}
			require.LessOrEqual(t, sum, 5, "in 1 %% of the lifetime")
		}
	})
}

func TestMaxLifetimeOfAHeldConnectionIsTestedAsItComesBack(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxLifetime: time.Minute, LifetimeJitter: -1})
		c := hold(t, p)
		time.Sleep(2 * time.Minute)
		require.NoError(t, c.PingContext(t.Context()))
		c.Close()
		require.EqualValues(t, 1, p.Stats().Closes[pool.CloseLifetime])
	})
}

func TestMaxUses(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1, MaxUses: 3})
		for range 9 {
			_, err := p.DB().Exec("w")
			require.NoError(t, err)
		}
		synctest.Wait()
		require.EqualValues(t, 3, p.Stats().Closes[pool.CloseUses])
	})
}

func TestPingAfterIdle(t *testing.T) {
	for name, c := range map[string]struct {
		after, idle time.Duration
		pings       int
	}{
		"default, idle for long":   {0, 2 * time.Second, 1},
		"default, in use":          {0, 500 * time.Millisecond, 0},
		"always":                   {1, time.Millisecond, 1},
		"always, at once":          {1, 0, 1},
		"never":                    {-1, time.Hour, 0},
		"longer, not reached yet":  {time.Minute, 59 * time.Second, 0},
		"longer, reached just now": {time.Minute, time.Minute, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *pooltest.Server) {
				p := fake(t, s, pool.Config{PingAfterIdle: c.after, MaxLifetime: -1, KeepaliveInterval: -1})
				hold(t, p).Close() // of MinConns, and so pinged if that is always, or opened for this call
				before := s.Counts().Pings
				time.Sleep(c.idle)
				hold(t, p).Close()
				require.Equal(t, c.pings, s.Counts().Pings-before)
			})
		})
	}
}

func TestPingTimeoutClosesAndReplaces(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, PingTimeout: 100 * time.Millisecond})
		c := hold(t, p)
		old := session(t, c)
		c.Close()
		time.Sleep(2 * time.Second)
		s.SetPing(time.Hour, nil)
		start := time.Now()
		c = hold(t, p)
		defer c.Close()
		require.Equal(t, 100*time.Millisecond, time.Since(start))
		require.NotEqual(t, old, session(t, c))
		require.EqualValues(t, 1, p.Stats().Closes[pool.ClosePing])
	})
}

func TestAcquireTimeoutBoundsTheWaitAndNotTheQuery(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1, AcquireTimeout: 300 * time.Millisecond})
		s.SetStatementTime(10 * time.Second)
		go p.DB().Exec("slow")
		synctest.Wait()
		start := time.Now()
		_, err := p.DB().Exec("w")
		require.Equal(t, 300*time.Millisecond, time.Since(start))
		require.ErrorIs(t, err, pool.ErrAcquireTimeout)
		var refusal *pool.AcquireError
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, 1, refusal.State.Busy)
		require.Equal(t, 300*time.Millisecond, refusal.State.OldestHold)
		require.EqualValues(t, 1, p.Stats().Refused.Timeout)
		time.Sleep(20 * time.Second)
		require.Zero(t, p.Stats().Busy)
		require.EqualValues(t, 1, s.Counts().Statements, "the slow query was left alone")
	})
}

func TestWithoutAcquireTimeoutTheContextBoundsTheWait(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1, AcquireTimeout: -1})
		c := hold(t, p)
		defer c.Close()
		start := time.Now()
		_, err := acquire(within(time.Hour), p)
		require.Equal(t, time.Hour, time.Since(start))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, pool.ErrAcquireTimeout)
	})
}

func TestMaxWaiters(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1, MaxWaiters: 2})
		c := hold(t, p)
		for range 2 {
			go p.DB().Exec("w")
		}
		synctest.Wait()
		start := time.Now()
		_, err := p.DB().Exec("w")
		require.ErrorIs(t, err, pool.ErrQueueFull)
		require.Zero(t, time.Since(start))
		require.EqualValues(t, 1, p.Stats().Refused.QueueFull)
		c.Close()
		synctest.Wait()
		require.EqualValues(t, 2, s.Counts().Statements)
	})
}

func TestWaitersAreServedInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1})
		c := hold(t, p)
		var mu sync.Mutex
		var order []int
		for i := range 10 {
			go func() {
				c := hold(t, p)
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				c.Close()
			}()
			synctest.Wait()
		}
		c.Close()
		synctest.Wait()
		require.True(t, slices.IsSorted(order), "%v", order)
		require.Len(t, order, 10)
	})
}

func TestOnConnectPreparesEveryConnection(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		fail := errors.New("no such role")
		var prepared, calls atomic.Int32
		p := fake(t, s, pool.Config{MinConns: -1, OnConnect: func(_ context.Context, c driver.Conn) error {
			if calls.Add(1) == 1 {
				return fail
			}
			prepared.Add(1)
			_, err := c.(driver.ExecerContext).ExecContext(t.Context(), "SET ROLE app", nil)
			return err
		}})
		_, err := p.DB().Exec("w")
		require.ErrorIs(t, err, pool.ErrDialFailed)
		require.ErrorIs(t, err, fail)
		synctest.Wait()
		require.Zero(t, s.Counts().Sessions, "the unprepared connection was closed")
		_, err = p.DB().Exec("w")
		require.NoError(t, err)
		require.NotZero(t, prepared.Load())
	})
}

func TestWrapSeesTheRealConnections(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		w := &wrapped{}
		p := fake(t, s, pool.Config{Wrap: func(c driver.Connector) driver.Connector {
			w.Connector = c
			return w
		}})
		for range 5 {
			require.NoError(t, p.DB().Ping())
		}
		require.Positive(t, w.connects.Load())
		require.LessOrEqual(t, w.connects.Load(), int32(2), "one connection and the health lane")
	})
}

type wrapped struct {
	driver.Connector
	connects atomic.Int32
}

func (w *wrapped) Connect(ctx context.Context) (driver.Conn, error) {
	w.connects.Add(1)
	return w.Connector.Connect(ctx)
}

func TestLoggerIsToldAboutFailingDials(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		var log bytes.Buffer
		s.SetRefuse(errors.New("refused"))
		p := fake(t, s, pool.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		_, err := p.DB().Exec("w")
		require.Error(t, err)
		synctest.Wait()
		require.Contains(t, log.String(), "refused")
	})
}

// callingBack is a slog.Handler that asks the pool, as one that exports its
// statistics might.
type callingBack struct {
	slog.Handler
	ask func()
}

func (h callingBack) Handle(context.Context, slog.Record) error { h.ask(); return nil }

func TestLoggerMayAskThePool(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		var p *pool.Pool
		opened := make(chan struct{})
		log := slog.New(callingBack{slog.NewTextHandler(io.Discard, nil), func() { <-opened; p.Stats() }})
		s.SetRefuse(errors.New("refused"))
		p = fake(t, s, pool.Config{Logger: log})
		close(opened)
		require.Error(t, p.DB().Ping())
		s.SetRefuse(nil)
		require.NoError(t, p.DB().Ping())
		s.SetPing(0, errors.New("no answer"))
		time.Sleep(2 * time.Second)
		_, err := p.DB().Exec("w")
		require.NoError(t, err, "on a new connection")
	})
}

func TestPresetsAreTheGuides(t *testing.T) {
	t.Parallel()
	aio := pool.PresetAIOMySQL().WithDefaults()
	require.Equal(t, []int{1, 5, -1, 50}, []int{aio.MinConns, aio.MaxConns, aio.MaxOverflow, aio.MaxUses})
	require.Equal(t, 300*time.Second, aio.MaxIdleTime)

	alchemy := pool.PresetSQLAlchemy().WithDefaults()
	require.Equal(t, []int{5, 10}, []int{alchemy.MaxConns, alchemy.MaxOverflow})
	require.Equal(t, 3600*time.Second, alchemy.MaxLifetime)
	require.Equal(t, time.Nanosecond, alchemy.PingAfterIdle)
}
