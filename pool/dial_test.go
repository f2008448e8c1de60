package pool_test

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

func TestADialOutlivesTheCallerWhoGaveUp(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		s.SetConnectDelay(150 * time.Millisecond)
		p := fake(t, s, pool.Config{MinConns: -1})
		for i := range 3 {
			_, err := p.DB().ExecContext(within(100*time.Millisecond), "w")
			if i == 0 {
				require.Error(t, err)
			} else {
				require.NoError(t, err)
			}
		}
		require.EqualValues(t, 1, p.Stats().Dial.Count)
	})
}

func TestAWaiterTakesAConnectionThatComesFreeDuringADial(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 2})
		c := hold(t, p)
		s.SetConnectDelay(900 * time.Millisecond)
		time.AfterFunc(10*time.Millisecond, func() { c.Close() })
		start := time.Now()
		hold(t, p).Close()
		require.Equal(t, 10*time.Millisecond, time.Since(start))
		time.Sleep(time.Second)
		require.Equal(t, 2, p.Stats().Idle, "the dial warms the pool")
	})
}

func TestASpikeIsServedByWhatComesFreeAndNotByAStormOfDials(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MinConns: 5, MaxConns: 50, MaxOverflow: -1})
		synctest.Wait()
		s.SetConnectDelay(150 * time.Millisecond)
		s.SetStatementTime(2 * time.Millisecond)
		dials := p.Stats().Dial.Count
		start := time.Now()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { p.DB().Exec("w") })
		}
		wg.Wait()
		require.LessOrEqual(t, time.Since(start), 25*time.Millisecond)
		time.Sleep(time.Second)
		require.LessOrEqual(t, p.Stats().Dial.Count-dials, uint64(5))
	})
}

func TestTooManyConnectionsIsWaitedOutAndBackedOff(t *testing.T) {
	for _, number := range []uint16{1040, 1203, 1226} {
		t.Run("", func(t *testing.T) {
			bubble(t, func(t *testing.T, s *pooltest.Server) {
				s.SetRefuse(&mysql.MySQLError{Number: number})
				p := fake(t, s, pool.Config{AcquireTimeout: 5 * time.Second})
				_, err := p.DB().Exec("w")
				require.ErrorIs(t, err, pool.ErrDialFailed)
				var my *mysql.MySQLError
				require.ErrorAs(t, err, &my)
				time.Sleep(30 * time.Second)
				require.LessOrEqual(t, s.Counts().Dials, 80, "30 s of backing off")
				require.GreaterOrEqual(t, s.Counts().Dials, 30)
				s.SetRefuse(nil)
				start := time.Now()
				_, err = p.DB().Exec("w")
				require.NoError(t, err)
				require.LessOrEqual(t, time.Since(start), time.Second)
			})
		})
	}
}

func TestABlinkOfTheServerGoesUnnoticed(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{})
		require.NoError(t, p.DB().Ping())
		s.Kill()
		s.SetRefuse(syscall.ECONNREFUSED)
		time.AfterFunc(60*time.Millisecond, func() { s.SetRefuse(nil) })
		_, err := p.DB().Exec("w")
		require.NoError(t, err)
	})
}

func TestWrongCredentialsAreToldAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		s.SetRefuse(&mysql.MySQLError{Number: 1045, Message: "Access denied"})
		p := fake(t, s, pool.Config{MinConns: -1})
		start := time.Now()
		_, err := p.DB().Exec("w")
		require.ErrorIs(t, err, pool.ErrDialFailed)
		require.ErrorContains(t, err, "Access denied")
		require.Zero(t, time.Since(start))
	})
}

func TestAStalledServerIsUsedAgainSoonAfterItRecovers(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		t.Run(map[bool]string{false: "driver heeds its context", true: "driver ignores its context"}[deaf], func(t *testing.T) {
			bubble(t, func(t *testing.T, s *pooltest.Server) {
				p := fake(t, s, pool.Config{MaxConns: 5, MaxOverflow: -1})
				require.NoError(t, p.DB().Ping())
				stalled := make(chan struct{})
				s.Kill()
				s.SetStalled(true, deaf)
				s.SetStatementTime(time.Millisecond)
				stop := time.Now().Add(10 * time.Second)
				var served [11]atomic.Int64
				begin := time.Now()
				var wg sync.WaitGroup
				for range 20 {
					wg.Go(func() {
						for time.Now().Before(stop) {
							if _, err := p.DB().ExecContext(within(500*time.Millisecond), "w"); err == nil {
								served[time.Since(begin)/time.Second].Add(1)
							}
						}
					})
				}
				time.AfterFunc(2*time.Second, func() { close(stalled) })
				<-stalled
				s.SetStalled(false, deaf)
				wg.Wait()
				// Five connections, one statement a millisecond each.
				require.GreaterOrEqual(t, served[4].Load(), int64(4900), "full throughput 2 s after recovery")
				require.LessOrEqual(t, s.Counts().Peak, 5+1)
				time.Sleep(time.Minute) // until the last deaf connect has ended
			})
		})
	}
}

// A server that accepts and says nothing holds database/sql's only opener for
// good (golang/go#38185).
func TestAStalledGreetingIsBounded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var accepted sync.WaitGroup
	accepted.Go(func() {
		var conns []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				for _, c := range conns {
					c.Close()
				}
				return
			}
			conns = append(conns, c)
		}
	})
	defer accepted.Wait()
	defer l.Close()
	p, err := pool.Open(t.Context(), pool.Config{DSN: "u:p@tcp(" + l.Addr().String() + ")/d", ConnectTimeout: 200 * time.Millisecond, AcquireTimeout: 300 * time.Millisecond})
	require.NoError(t, err)
	pooltest.NoLeaks(t, p)
	start := time.Now()
	require.Error(t, p.Ping(t.Context()))
	_, err = p.DB().ExecContext(t.Context(), "w")
	require.True(t, errors.Is(err, pool.ErrAcquireTimeout) || errors.Is(err, pool.ErrDialFailed), "%v", err)
	require.ErrorContains(t, err, "did not complete the connect within 200ms")
	require.Less(t, time.Since(start), 5*time.Second)
}

func TestOpenDoesNotNeedTheDatabaseAndRecoversWithIt(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		s.SetRefuse(syscall.ECONNREFUSED)
		p := fake(t, s, pool.Config{MinConns: 2})
		require.ErrorIs(t, p.Ping(t.Context()), syscall.ECONNREFUSED, "it can be told")
		time.Sleep(time.Minute)
		s.SetRefuse(nil)
		time.Sleep(2 * time.Second)
		require.Equal(t, 2, p.Stats().Idle)
	})
}
