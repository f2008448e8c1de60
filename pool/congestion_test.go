package pool_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// arrive sends a caller with a deadline of 300 ms every gap, for length.
func arrive(t *testing.T, p *pool.Pool, gap, length time.Duration) (served, overloaded, late int64) {
	var wg sync.WaitGroup
	var ok, refused, other atomic.Int64
	for range length / gap {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			start := time.Now()
			_, err := p.DB().ExecContext(ctx, "w")
			switch {
			case err == nil:
				ok.Add(1)
			case errors.Is(err, pool.ErrOverloaded):
				refused.Add(1)
				var refusal *pool.AcquireError
				require.ErrorAs(t, err, &refusal)
				require.GreaterOrEqual(t, time.Since(start), 20*time.Millisecond)
			default:
				other.Add(1)
			}
		})
		time.Sleep(gap)
	}
	wg.Wait()
	return ok.Load(), refused.Load(), other.Load()
}

func TestAStandingQueueIsCut(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 2, MaxConns: 2, MaxOverflow: -1})
		s.SetStatementTime(10 * time.Millisecond)
		served, overloaded, late := arrive(t, p, 2500*time.Microsecond, 10*time.Second)
		require.Greater(t, served, int64(1990), "200 a second")
		require.Greater(t, overloaded, int64(1900))
		require.Zero(t, late)
		require.EqualValues(t, overloaded, p.Stats().Refused.Overloaded)
		require.Less(t, p.Stats().Wait.Quantile(0.9), 20*time.Millisecond)

		_, overloaded, late = arrive(t, p, 6*time.Millisecond, time.Second)
		require.Zero(t, overloaded+late, "the queue has gone")
	})
}

func TestAStandingQueueIsLeftAloneIfQueueTargetIsOff(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 2, MaxConns: 2, MaxOverflow: -1, QueueTarget: -1})
		s.SetStatementTime(10 * time.Millisecond)
		_, overloaded, late := arrive(t, p, 2500*time.Microsecond, 2*time.Second)
		require.Zero(t, overloaded)
		require.NotZero(t, late)
	})
}

func TestABurstThatDrainsIsNotCut(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 2, MaxConns: 2, MaxOverflow: -1})
		s.SetStatementTime(10 * time.Millisecond)
		var wg sync.WaitGroup
		for range 150 { // 750 ms of work
			wg.Go(func() {
				_, err := p.DB().ExecContext(t.Context(), "w")
				require.NoError(t, err)
			})
		}
		wg.Wait()
	})
}

func TestPatientWorkersAreNotCut(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 2, MaxConns: 2, MaxOverflow: -1})
		s.SetStatementTime(10 * time.Millisecond)
		var wg sync.WaitGroup
		for range 64 { // each waits for 310 ms
			wg.Go(func() {
				for range 50 {
					_, err := p.DB().ExecContext(t.Context(), "w")
					require.NoError(t, err)
				}
			})
		}
		wg.Wait()
	})
}

func TestGrowingComesBeforeRefusing(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 2, MaxConns: 2, MaxOverflow: 6})
		s.SetConnectDelay(100 * time.Millisecond)
		s.SetStatementTime(10 * time.Millisecond)
		_, overloaded, late := arrive(t, p, 2500*time.Microsecond, 5*time.Second)
		require.Zero(t, overloaded+late)
	})
}

func TestWhileAQueueStandsAStuckServerIsNotWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 2, MaxConns: 2, MaxOverflow: -1})
		s.SetStatementTime(10 * time.Millisecond)
		go arrive(t, p, 2500*time.Microsecond, time.Second)
		time.Sleep(900 * time.Millisecond)
		s.SetStatementTime(10 * time.Second)
		time.Sleep(40 * time.Millisecond)
		start := time.Now()
		_, err := p.DB().Exec("w")
		require.ErrorIs(t, err, pool.ErrOverloaded)
		require.Equal(t, 20*time.Millisecond, time.Since(start))
		time.Sleep(time.Second)
		synctest.Wait()
	})
}
