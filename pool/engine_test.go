package pool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

func TestACancelledStatementKeepsItsPlaceUntilTheServerHasLetGo(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 2, MaxOverflow: -1})
		s.SetStatementTime(time.Hour)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				_, err := p.DB().ExecContext(within(100*time.Millisecond), "w")
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
		wg.Wait()
		time.Sleep(time.Second)
		require.Zero(t, s.Counts().Running, "none of them runs on")
		require.LessOrEqual(t, s.Counts().Peak, 2+1)
		require.EqualValues(t, 2, p.Stats().Ended)
		require.Zero(t, p.Stats().Abandoned)
	})
}

func TestWithoutSessionsACancelledStatementRunsOn(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		s.SetNoSessions(true)
		p := fake(t, s, pool.Config{MaxConns: 1})
		s.SetStatementTime(10 * time.Second)
		_, err := p.DB().ExecContext(within(100*time.Millisecond), "w")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		s.SetStatementTime(0)
		_, err = p.DB().Exec("w")
		require.NoError(t, err)
		require.Equal(t, 1, s.Counts().Running)
		require.Zero(t, p.Stats().Ended)
		time.Sleep(10 * time.Second)
	})
}

func TestASessionThatCannotBeEndedIsCountedAbandonedAfterASecond(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1, MaxIdleTime: -1})
		require.NoError(t, p.Ping(t.Context()))
		s.SetStatementTime(time.Hour)
		c := hold(t, p)
		s.KillIdle() // and with the others the lane's
		s.SetStalled(true, false)
		c.Close()
		synctest.Wait()
		s.SetStalled(false, false)
		c = hold(t, p)
		s.SetStalled(true, false)
		s.SetPing(time.Hour, nil)
		_, err := c.ExecContext(within(100*time.Millisecond), "w")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		s.KillIdle()
		c.Close()
		synctest.Wait()
		time.Sleep(999 * time.Millisecond)
		require.Equal(t, 1, p.Stats().Closing)
		time.Sleep(2 * time.Millisecond)
		require.EqualValues(t, 1, p.Stats().Abandoned)
		require.Zero(t, p.Stats().Closing)
		require.Equal(t, 1, p.Stats().Lingering)

		s.SetStalled(false, false)
		s.SetPing(0, nil)
		time.Sleep(10 * time.Second)
		require.Zero(t, s.Counts().Running, "it was ended when the server could be reached")
		require.Zero(t, p.Stats().Lingering)
	})
}

func TestAnAbandonedSessionIsLeftAloneAfterTenMinutes(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1})
		require.NoError(t, p.Ping(t.Context()))
		c := hold(t, p)
		s.SetStatementTime(time.Hour)
		s.SetRefuse(errors.New("no luck"))
		var call sync.WaitGroup
		call.Go(func() {
			_, err := c.ExecContext(within(100*time.Millisecond), "w")
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		s.KillIdle() // the lane's
		call.Wait()
		c.Close()
		time.Sleep(9 * time.Minute)
		require.Equal(t, 1, p.Stats().Lingering)
		time.Sleep(2 * time.Minute)
		require.Zero(t, p.Stats().Lingering)
		require.EqualValues(t, 1, p.Stats().Abandoned)
		require.Equal(t, 1, s.Counts().Running)
		time.Sleep(time.Hour)
	})
}

func TestAConnectionIsNeverGivenToAWaiterThatHasLeft(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1})
		c := hold(t, p)
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error)
		go func() {
			_, err := acquire(ctx, p)
			left <- err
		}()
		got := make(chan error)
		synctest.Wait()
		go func() {
			c, err := acquire(t.Context(), p)
			if err == nil {
				c.Close()
			}
			got <- err
		}()
		synctest.Wait()
		cancel()
		c.Close()
		require.ErrorIs(t, <-left, context.Canceled)
		require.NoError(t, <-got)
	})
}

func TestOneBreakHasIdleConnectionsPingedUntilOneAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 3, PingAfterIdle: -1})
		synctest.Wait()
		require.NoError(t, p.DB().PingContext(t.Context()))
		pings := s.Counts().Pings
		c := hold(t, p)
		s.SetNoSessions(true)
		require.ErrorIs(t, c.Raw(func(any) error { return driver.ErrBadConn }), driver.ErrBadConn)
		c.Close()
		synctest.Wait()
		require.EqualValues(t, 1, p.Stats().Closes[pool.CloseBroken], "Raw's ErrBadConn throws the connection away")
		hold(t, p).Close()
		hold(t, p).Close()
		require.Equal(t, pings+1, s.Counts().Pings)
	})
}

func TestKilledConnectionsAreNotSeenByCallers(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 5})
		synctest.Wait()
		for range 10 {
			s.Kill()
			for range 5 {
				_, err := p.DB().Exec("w")
				require.NoError(t, err)
			}
		}
	})
}

func TestAFailedPingRetiresEverythingOlder(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 3})
		held := hold(t, p)
		time.Sleep(2 * time.Second)
		s.SetPing(0, errors.New("no answer"))
		hold(t, p).Close()
		require.EqualValues(t, 1, p.Stats().Generation)
		held.Close()
		synctest.Wait()
		st := p.Stats()
		require.EqualValues(t, 1, st.Closes[pool.ClosePing])
		require.EqualValues(t, 2, st.Closes[pool.CloseGeneration], "one idle, and the held one as it came back")
	})
}

func TestAReadOnlyServerRetiresEverythingOlder(t *testing.T) {
	for _, number := range []uint16{1290, 1792, 1836} {
		t.Run("", func(t *testing.T) {
			bubble(t, func(t *testing.T, s *pooltest.Server) {
				p := fake(t, s, pool.Config{MinConns: 2})
				synctest.Wait()
				s.OnStatement(func(string) (time.Duration, error) { return 0, &mysql.MySQLError{Number: number} })
				_, err := p.DB().Exec("w")
				require.Error(t, err)
				s.OnStatement(nil)
				require.EqualValues(t, 1, p.Stats().Generation)
				synctest.Wait()
				require.EqualValues(t, 2, p.Stats().Closes[pool.CloseGeneration])
				_, err = p.DB().Exec("w")
				require.NoError(t, err)
			})
		})
	}
}

func TestAWriteInTheCallersOwnReadOnlyTransactionIsNoFailover(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{})
		tx, err := p.DB().BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
		require.NoError(t, err)
		s.OnStatement(func(string) (time.Duration, error) { return 0, &mysql.MySQLError{Number: 1792} })
		_, err = tx.Exec("w")
		require.Error(t, err)
		s.OnStatement(nil)
		require.NoError(t, tx.Rollback())
		require.Zero(t, p.Stats().Generation)
	})
}

func TestResetRetiresEverythingOlder(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 2})
		c := hold(t, p)
		old := session(t, c)
		p.Reset()
		c.Close()
		c = hold(t, p)
		defer c.Close()
		require.NotEqual(t, old, session(t, c))
	})
}

func TestADialFromBeforeAResetIsNotUsed(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		s.SetConnectDelay(100 * time.Millisecond)
		p := fake(t, s, pool.Config{})
		time.AfterFunc(50*time.Millisecond, p.Reset)
		c := hold(t, p)
		defer c.Close()
		require.NotEqual(t, uint64(1), session(t, c), "the first may have gone to the old server")
		require.EqualValues(t, 1, p.Stats().Closes[pool.CloseGeneration])
	})
}

func TestTheHealthLaneAnswersWhileThePoolIsSaturated(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1})
		c := hold(t, p)
		defer c.Close()
		start := time.Now()
		require.NoError(t, p.Ping(t.Context()))
		require.ErrorIs(t, p.DB().Ping(), pool.ErrAcquireTimeout)
		s.SetRefuse(errors.New("down"))
		s.KillIdle()
		require.ErrorContains(t, p.Ping(t.Context()), "down")
		require.Equal(t, time.Second, time.Since(start), "only the saturated call waited")
	})
}

func TestPingIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		s.SetStalled(true, false)
		p := fake(t, s, pool.Config{MinConns: -1, ConnectTimeout: 3 * time.Second})
		start := time.Now()
		require.Error(t, p.Ping(t.Context()))
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestShutdownWaitsForHolders(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1})
		c := hold(t, p)
		waiting := make(chan error, 1)
		go func() { waiting <- p.DB().Ping() }()
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- p.Shutdown(t.Context()) }()
		synctest.Wait()
		require.ErrorIs(t, <-waiting, pool.ErrClosed)
		_, err := p.DB().Exec("w")
		require.ErrorIs(t, err, pool.ErrClosed)
		_, err = c.ExecContext(t.Context(), "the holder may finish")
		require.NoError(t, err)
		require.Empty(t, done)
		c.Close()
		require.NoError(t, <-done)
		require.Zero(t, s.Counts().Sessions)
		require.NoError(t, p.Shutdown(t.Context()), "again")
	})
}

func TestShutdownNamesHolders(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{})
		c := hold(t, p)
		time.Sleep(3 * time.Second)
		err := p.Shutdown(within(2 * time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var left *pool.ShutdownError
		require.ErrorAs(t, err, &left)
		require.Len(t, left.Holders, 1)
		require.Equal(t, "1", left.Holders[0].Session)
		require.Equal(t, 5*time.Second, left.Holders[0].Held)
		require.ErrorContains(t, err, "session 1 for 5s")
		c.Close()
		synctest.Wait()
		require.Zero(t, s.Counts().Sessions)
	})
}

func TestClosingTheDBBeginsTheShutdown(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 3})
		synctest.Wait()
		require.NoError(t, p.DB().Close())
		synctest.Wait()
		require.Zero(t, p.Stats().Open)
	})
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	_, err := pool.Open(t.Context(), pool.Config{})
	require.ErrorContains(t, err, "DSN is empty")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = pool.Open(ctx, pool.Config{Connector: new(pooltest.Server).Connector()})
	require.ErrorIs(t, err, context.Canceled)
}

func TestStatsTellTimesApart(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		s.SetConnectDelay(50 * time.Millisecond)
		s.SetStatementTime(200 * time.Millisecond)
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { p.DB().Exec("w") })
		}
		wg.Wait()
		st := p.Stats()
		require.Equal(t, 50*time.Millisecond, st.Dial.Sum)
		require.Equal(t, 400*time.Millisecond, st.Hold.Sum)
		require.Equal(t, 50*time.Millisecond+250*time.Millisecond, st.Wait.Sum)
		require.EqualValues(t, 2, st.Queued)
		require.GreaterOrEqual(t, st.Hold.Quantile(0.5), 200*time.Millisecond)
		require.Less(t, st.Hold.Quantile(0.5), 400*time.Millisecond)
	})
}

func TestWaitsAreToldToThoseWhoAsk(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1, AcquireTimeout: time.Minute})
		held := hold(t, p)
		var wait, none atomic.Int64
		go func() {
			time.Sleep(3 * time.Second)
			_ = held.Close()
		}()
		_, err := p.DB().ExecContext(pool.WithWait(t.Context(), &wait), "w")
		require.NoError(t, err)
		require.InDelta(t, 3*time.Second, wait.Load(), float64(time.Millisecond))
		_, err = p.DB().ExecContext(pool.WithWait(t.Context(), &none), "w")
		require.NoError(t, err)
		require.Zero(t, none.Load())
	})
}
