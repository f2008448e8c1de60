package pooltest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a testing.TB that notes failures instead of failing.
type recorder struct {
	testing.TB
	cleanups []func()
	failures []string
}

func (r *recorder) Helper()           {}
func (r *recorder) Cleanup(fn func()) { r.cleanups = append(r.cleanups, fn) }
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestNoLeaksNamesWhatIsStillHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		p, err := pool.Open(t.Context(), pool.Config{Connector: new(pooltest.Server).Connector()})
		require.NoError(t, err)
		pooltest.NoLeaks(r, p)
		c, err := p.DB().Conn(t.Context())
		require.NoError(t, err)
		for _, fn := range r.cleanups {
			fn()
		}
		require.Len(t, r.failures, 1)
		require.Contains(t, r.failures[0], "session 1 for 5s")
		c.Close()
	})
}

func TestAStatementOutlivesItsClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(pooltest.Server)
		s.SetNoSessions(true)
		s.SetStatementTime(time.Minute)
		p, err := pool.Open(t.Context(), pool.Config{Connector: s.Connector()})
		require.NoError(t, err)
		pooltest.NoLeaks(t, p)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = p.DB().ExecContext(ctx, "w")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, s.Counts().Running)
		time.Sleep(time.Minute)
		require.Zero(t, s.Counts().Running)
	})
}

func ExampleServer() {
	server := new(pooltest.Server)
	server.SetRefuse(errors.New("connection refused"))
	p, _ := pool.Open(context.Background(), pool.Config{Connector: server.Connector()})
	defer p.Shutdown(context.Background())

	_, err := p.DB().Exec("UPDATE stock SET n = n - 1")
	fmt.Println(errors.Is(err, pool.ErrDialFailed))
	server.SetRefuse(nil)
	_, err = p.DB().Exec("UPDATE stock SET n = n - 1")
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}
