package pool_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

func TestDoctorJudgesTheSize(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		load := func(p *pool.Pool, callers, calls int, query string) {
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for range calls {
						_, _ = p.DB().ExecContext(t.Context(), query)
					}
				})
			}
			wg.Wait()
		}
		t.Run("too small", func(t *testing.T) {
			t.Parallel()
			p := openMySQL(t, db, pool.Config{MaxConns: 1, MaxOverflow: -1, AcquireTimeout: 50 * time.Millisecond, QueueTarget: -1})
			load(p, 20, 15, "DO SLEEP(0.01)")
			f := found(t, examine(t, p, &pool.DoctorOptions{Fleet: quiet}), pool.FindingTooSmall)
			require.Equal(t, pool.SeverityWarning, f.Severity)
			require.Contains(t, f.Evidence, "held on average = ")
			require.Contains(t, f.Fix, "raise MaxConns to ")
		})
		t.Run("too large", func(t *testing.T) {
			t.Parallel()
			p := openMySQL(t, db, pool.Config{MaxConns: 40})
			load(p, 1, 250, "DO 1")
			f := found(t, examine(t, p, &pool.DoctorOptions{Fleet: quiet}), pool.FindingTooLarge)
			require.Equal(t, pool.SeverityInfo, f.Severity)
			require.Contains(t, f.Fix, "lower MaxConns towards 2")
		})
		t.Run("churn", func(t *testing.T) {
			t.Parallel()
			p := openMySQL(t, db, pool.Config{MaxUses: 2})
			load(p, 1, 60, "DO 1")
			f := found(t, examine(t, p, &pool.DoctorOptions{Fleet: quiet}), pool.FindingChurn)
			require.Equal(t, "30 connections were closed for 60 uses", f.Evidence[:len("30 connections were closed for 60 uses")])
			require.Contains(t, f.Evidence, "(30 uses)")
			require.Contains(t, f.Fix, "turn MaxUses off")
		})
		t.Run("only what is sampled", func(t *testing.T) {
			t.Parallel()
			p := openMySQL(t, db, pool.Config{MaxUses: 2})
			load(p, 1, 60, "DO 1")
			r := examine(t, p, &pool.DoctorOptions{Fleet: quiet, Sample: time.Millisecond})
			for _, f := range r.Findings {
				require.NotEqual(t, pool.FindingChurn, f.ID)
			}
			require.Contains(t, r.String(), "only 0 uses and 0 refusals in ")
		})
	})
}

// stubborn opens connections whose sessions cannot be ended.
type stubborn struct{ driver.Connector }

func (c stubborn) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	pool.NoteSession(ctx, lasting{fmt.Sprintf("%p", conn)})
	return conn, err
}

type lasting struct{ name string }

func (l lasting) String() string { return l.name }

func (lasting) End(context.Context, driver.Conn) (bool, error) {
	return false, errors.New("not allowed")
}

func TestDoctorFindsAbandonedStatements(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := openOn(t, stubborn{s.Connector()}, pool.Config{})
		c := hold(t, p)
		s.SetStatementTime(time.Second)
		_, err := c.ExecContext(within(time.Millisecond), "UPDATE stock SET n = 0")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, c.Close())
		time.Sleep(time.Minute) // in simulated time
		require.EqualValues(t, 1, p.Stats().Abandoned)
		s.SetStatementTime(0)
		require.Contains(t, found(t, examine(t, p, nil), pool.FindingAbandoned).Evidence, "1 cancelled or broken statements could not be ended")
	})
}
