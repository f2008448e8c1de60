package pool_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// stock is a pool on a table with the rows 1 and 2, each with n = 0.
func stock(t *testing.T, db *mysqltest.Database, cfg pool.Config) *sql.DB {
	t.Helper()
	p := openMySQL(t, db, cfg)
	for _, statement := range []string{
		"CREATE TABLE stock (id INT PRIMARY KEY, n INT NOT NULL)",
		"INSERT INTO stock VALUES (1, 0), (2, 0)",
	} {
		_, err := p.DB().ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	return p.DB()
}

func add(ctx context.Context, tx *sql.Tx, id int) error {
	if _, err := tx.ExecContext(ctx, "UPDATE stock SET n = n + 1 WHERE id = ?", id); err != nil {
		return fmt.Errorf("add to %d: %w", id, err)
	}
	return nil
}

func requireStock(t *testing.T, db *sql.DB, want ...int) {
	t.Helper()
	for i, n := range want {
		var got int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT n FROM stock WHERE id = ?", i+1).Scan(&got))
		require.Equal(t, n, got, "row %d", i+1)
	}
}

func TestInTxRunsDeadlockedTransactionsAgain(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		shop := stock(t, db, pool.Config{})
		var runs, deadlocks atomic.Int64
		var meet, wg sync.WaitGroup
		meet.Add(2)
		for _, order := range [][2]int{{1, 2}, {2, 1}} {
			wg.Go(func() {
				first := true
				err := pool.InTx(t.Context(), shop, nil, func(tx *sql.Tx) error {
					runs.Add(1)
					if err := add(t.Context(), tx, order[0]); err != nil {
						return err
					}
					if first { // both hold one row: the second is a deadlock
						first = false
						meet.Done()
						meet.Wait()
					}
					err := add(t.Context(), tx, order[1])
					if my, ok := errors.AsType[*mysql.MySQLError](err); ok && my.Number == 1213 {
						deadlocks.Add(1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, deadlocks.Load())
		require.EqualValues(t, 3, runs.Load())
		requireStock(t, shop, 2, 2)
	})
}

func TestInTxRunsAgainAfterALockWait(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		shop := stock(t, db, pool.Config{})
		holder, err := shop.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer holder.Rollback()
		require.NoError(t, add(t.Context(), holder, 2))

		runs := 0
		err = pool.InTx(t.Context(), shop, nil, func(tx *sql.Tx) error {
			runs++
			if runs == 2 {
				// 1205 undoes one statement. That the row is free again shows that
				// the whole transaction was.
				_, err := shop.ExecContext(t.Context(), "SELECT n FROM stock WHERE id = 1 FOR UPDATE NOWAIT")
				require.NoError(t, err)
				require.NoError(t, holder.Commit())
			}
			if _, err := tx.ExecContext(t.Context(), "SET SESSION innodb_lock_wait_timeout = 1"); err != nil {
				return err
			}
			if err := add(t.Context(), tx, 1); err != nil {
				return err
			}
			return add(t.Context(), tx, 2)
		})
		require.NoError(t, err)
		require.Equal(t, 2, runs)
		requireStock(t, shop, 1, 2)
	})
}

// signal has the server fail with an error of this number.
func signal(ctx context.Context, tx *sql.Tx, number int) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf("SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = %d, MESSAGE_TEXT = 'as asked'", number))
	return err
}

func TestInTxTriesAgainOnlyWhatItMay(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		shop := stock(t, db, pool.Config{})
		for _, test := range []struct {
			name   string
			number int
			opts   *pool.TxOptions
			runs   int
			says   string
		}{
			{"deadlocks without end", 1213, nil, 5, "pool: transaction failed 5 times: "},
			{"lock waits without end", 1205, &pool.TxOptions{MaxTries: 2}, 2, "pool: transaction failed 2 times: "},
			{"once", 1213, &pool.TxOptions{MaxTries: -1}, 1, "Error 1213"},
			{"a duplicate", 1062, nil, 1, "Error 1062"},
			{"a cancelled statement, idempotent", 1317, &pool.TxOptions{Idempotent: true}, 1, "Error 1317"},
			{"a server that is read-only", 1792, nil, 1, "Error 1792"},
		} {
			runs := 0
			err := pool.InTx(t.Context(), shop, test.opts, func(tx *sql.Tx) error {
				runs++
				if err := add(t.Context(), tx, 1); err != nil {
					return err
				}
				return signal(t.Context(), tx, test.number)
			})
			var my *mysql.MySQLError
			require.ErrorAs(t, err, &my, test.name)
			require.EqualValues(t, test.number, my.Number, test.name)
			require.Equal(t, test.runs, runs, test.name)
			require.ErrorContains(t, err, test.says, test.name)
		}
		requireStock(t, shop, 0, 0)
	})
}

func TestInTxAfterALostConnection(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		shop := stock(t, db, pool.Config{})
		for _, idempotent := range []bool{false, true} {
			runs := 0
			err := pool.InTx(t.Context(), shop, &pool.TxOptions{Idempotent: idempotent}, func(tx *sql.Tx) error {
				runs++
				if err := add(t.Context(), tx, 1); err != nil {
					return err
				}
				if runs > 1 {
					return nil
				}
				var id int
				require.NoError(t, tx.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id))
				_, err := db.Admin().ExecContext(t.Context(), fmt.Sprintf("KILL %d", id))
				require.NoError(t, err)
				require.Eventually(t, func() bool { return count(t, db, fmt.Sprintf("id = %d", id)) == 0 }, 10*time.Second, time.Millisecond)
				return nil // so that COMMIT finds it
			})
			if idempotent {
				require.NoError(t, err)
				require.Equal(t, 2, runs)
				requireStock(t, shop, 1, 0)
			} else {
				require.ErrorContains(t, err, "pool: commit, which may have happened: ")
				require.Equal(t, 1, runs)
				requireStock(t, shop, 0, 0)
			}
		}
	})
}

func TestInTxRollsBack(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		shop := stock(t, db, pool.Config{MaxConns: 1, MaxOverflow: -1})
		enough := errors.New("enough")

		require.ErrorIs(t, pool.InTx(t.Context(), shop, nil, func(tx *sql.Tx) error {
			require.NoError(t, add(t.Context(), tx, 1))
			return enough
		}), enough)
		require.PanicsWithValue(t, enough, func() {
			_ = pool.InTx(t.Context(), shop, nil, func(tx *sql.Tx) error {
				require.NoError(t, add(t.Context(), tx, 1))
				panic(enough)
			})
		})
		require.ErrorIs(t, pool.InTx(t.Context(), shop, nil, func(tx *sql.Tx) error {
			require.NoError(t, tx.Rollback())
			return nil
		}), sql.ErrTxDone)
		require.Error(t, pool.InTx(t.Context(), shop, &pool.TxOptions{ReadOnly: true}, func(tx *sql.Tx) error {
			return add(t.Context(), tx, 1)
		}))
		requireStock(t, shop, 0, 0) // on the only connection: it was given back each time
	})
}

func TestInTxEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{})
		deadlock := &mysql.MySQLError{Number: 1213, Message: "Deadlock found"}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		runs := 0
		err := pool.InTx(ctx, p.DB(), &pool.TxOptions{MaxTries: 1000}, func(*sql.Tx) error {
			if runs++; runs == 3 {
				time.AfterFunc(time.Millisecond, cancel) // ends during the wait of at least 10 ms
			}
			return deadlock
		})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, deadlock)
		require.ErrorContains(t, err, "given up after 3 tries")
		require.Equal(t, 3, runs)

		require.ErrorIs(t, pool.InTx(ctx, p.DB(), nil, nil), context.Canceled)
	})
}

// Two transactions that lock the same rows in different order deadlock now and
// then; the server undoes one of them, which then runs again.
func ExampleInTx() {
	ctx := context.Background()
	p, _ := pool.Open(ctx, pool.Config{Connector: new(pooltest.Server).Connector()})
	defer p.Shutdown(ctx)

	run := 0
	err := pool.InTx(ctx, p.DB(), nil, func(tx *sql.Tx) error {
		if run++; run == 1 {
			return fmt.Errorf("take from stock: %w", &mysql.MySQLError{Number: 1213, Message: "Deadlock found"})
		}
		_, err := tx.ExecContext(ctx, "UPDATE stock SET n = n - 1 WHERE id = ?", 7)
		return err
	})
	fmt.Println("run", run, "times, error:", err)
	// Output: run 2 times, error: <nil>
}
