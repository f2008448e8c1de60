//go:build faults

package faults_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// driver.Tx has no context: without the pool's help a COMMIT that begins in time is stuck.
func TestCommitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*sql.Tx) error{"commit": (*sql.Tx).Commit, "rollback": (*sql.Tx).Rollback} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
				x := newProxy(t, db.Addr())
				config := db.Config()
				config.Addr = x.Listen
				p, err := pool.Open(t.Context(), pool.Config{DSN: config.FormatDSN()})
				require.NoError(t, err)
				pooltest.NoLeaks(t, p)
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				tx, err := p.DB().BeginTx(ctx, nil)
				require.NoError(t, err)
				_, err = tx.ExecContext(ctx, "DO 1")
				require.NoError(t, err)
				defer x.poison(t, "latency", map[string]any{"latency": 1000 * 1000})()
				done := make(chan error, 1)
				go func() { done <- end(tx) }()
				select {
				case err := <-done:
					require.ErrorIs(t, err, context.DeadlineExceeded)
				case <-time.After(deadline + 2*slack):
					t.Fatal("stuck")
				}
			})
		})
	}
}
