package pool_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// single is a pool of one connection, whose statements can be told apart.
func single(t *testing.T, s *pooltest.Server, cfg pool.Config) *pool.Pool {
	cfg.MaxConns, cfg.MaxOverflow = 1, -1
	return fake(t, s, cfg)
}

func TestATextIsPreparedTheSecondTimeAndKept(t *testing.T) {
	t.Parallel()
	s := new(pooltest.Server)
	p := single(t, s, pool.Config{})
	for i := range 10 {
		_, err := p.DB().Exec("w ?", i)
		require.NoError(t, err)
		var n int
		require.NoError(t, p.DB().QueryRow("r ?", i).Scan(&n))
		_, err = p.DB().Exec(fmt.Sprintf("once ? %d", i), i)
		require.NoError(t, err)
		_, err = p.DB().Exec("no arguments")
		require.NoError(t, err)
	}
	require.Equal(t, 2, s.Counts().Prepares)
	require.Equal(t, pool.StatementStats{Cached: 2, Hits: 18, Misses: 12, Prepared: 2}, p.Stats().Statements)
}

func TestTextsDoNotMakeEachOtherForgotten(t *testing.T) {
	t.Parallel()
	p := single(t, new(pooltest.Server), pool.Config{StatementCache: 100})
	for range 3 {
		for i := range 100 {
			_, err := p.DB().Exec(fmt.Sprintf("w%d ?", i), 1)
			require.NoError(t, err)
		}
	}
	require.Equal(t, pool.StatementStats{Cached: 100, Hits: 200, Misses: 100, Prepared: 100}, p.Stats().Statements)
}

func TestStatementCacheIsBoundedAndNotChurned(t *testing.T) {
	t.Parallel()
	s := new(pooltest.Server)
	p := single(t, s, pool.Config{StatementCache: 4})
	for round := range 50 {
		for i := range 12 { // thrice what fits
			_, err := p.DB().Exec(fmt.Sprintf("w%d ?", i), round)
			require.NoError(t, err)
			require.LessOrEqual(t, s.Counts().Prepared, 4)
		}
	}
	require.Less(t, s.Counts().Prepares, 20, "prepared over and over")
	for round := range 20 { // a new set takes over
		for i := range 4 {
			_, err := p.DB().Exec(fmt.Sprintf("new%d ?", i), round)
			require.NoError(t, err)
		}
	}
	before := p.Stats().Statements
	for i := range 4 {
		_, err := p.DB().Exec(fmt.Sprintf("new%d ?", i), 1)
		require.NoError(t, err)
	}
	require.Equal(t, before.Hits+4, p.Stats().Statements.Hits)
	require.NotZero(t, before.Evicted)
}

func TestWhatIsNotCached(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cfg    pool.Config
		hidden bool
		query  string
	}{
		"switched off":   {cfg: pool.Config{StatementCache: -1}, query: "w ?"},
		"behind a proxy": {hidden: true, query: "w ?"},
		"a huge text":    {query: "w ?" + strings.Repeat(" ", 9000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := new(pooltest.Server)
			s.SetNoSessions(test.hidden)
			p := single(t, s, test.cfg)
			for range 4 {
				_, err := p.DB().Exec(test.query, 1)
				require.NoError(t, err)
			}
			require.Zero(t, s.Counts().Prepares)
		})
	}
}

func TestAServerOutOfStatementsIsLeftAloneForAMinute(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		var log bytes.Buffer
		s.SetMaxStatements(1)
		p := single(t, s, pool.Config{Logger: slog.New(slog.NewTextHandler(&log, nil)), MaxIdleTime: -1})
		run := func() {
			for i := range 20 {
				_, err := p.DB().Exec(fmt.Sprintf("w%d ?", i%4), 1)
				require.NoError(t, err)
			}
		}
		run()
		require.Equal(t, 1, s.Counts().Prepares)
		require.Equal(t, 1, strings.Count(log.String(), "level=WARN"))
		s.SetMaxStatements(0)
		run()
		require.Equal(t, 1, s.Counts().Prepares)
		time.Sleep(time.Minute)
		run()
		require.Equal(t, 4, s.Counts().Prepares)
	})
}

func TestAStatementThatTheServerTurnsAwayIsRunItsOwnWay(t *testing.T) {
	t.Parallel()
	for number, prepares := range map[uint16]int{ // so many in all
		1615: 2, // tables changed
		1243: 2, // the session was reset
		1210: 1, // an argument that fits only as text
		1295: 1, // not supported for prepared statements
	} {
		s := new(pooltest.Server)
		p := single(t, s, pool.Config{})
		for range 2 {
			_, err := p.DB().Exec("w ?", 1)
			require.NoError(t, err)
		}
		require.Equal(t, 1, s.Counts().Prepared)
		var turned atomic.Bool
		s.OnStatement(func(string) (time.Duration, error) {
			if turned.CompareAndSwap(false, true) {
				return 0, &mysql.MySQLError{Number: number}
			}
			return 0, nil
		})
		for range 3 {
			_, err := p.DB().Exec("w ?", 1)
			require.NoError(t, err, number)
		}
		require.True(t, turned.Load())
		require.Equal(t, prepares, s.Counts().Prepares, number)
	}
}

func TestPreparedStatementsGoWhenTheDatabaseChanges(t *testing.T) {
	t.Parallel()
	s := new(pooltest.Server)
	p := single(t, s, pool.Config{})
	for _, change := range []string{"USE other", "use other", "SET sql_mode = 'ANSI_QUOTES'", "SET @a_b = 1, Session SQL_Mode = 'ANSI_QUOTES'", "/* hidden */ USE other"} {
		for range 2 {
			_, err := p.DB().Exec("w ?", 1)
			require.NoError(t, err)
		}
		require.Equal(t, 1, s.Counts().Prepared)
		_, err := p.DB().Exec(change)
		require.NoError(t, err)
		require.Zero(t, s.Counts().Prepared, change)
	}
}

func TestMySQLScansTheSameFromCachedStatements(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		ctx := t.Context()
		_, err := db.DB().ExecContext(ctx, `CREATE TABLE item (
			id BINARY(16) PRIMARY KEY, tiny TINYINT, yes BOOL, small SMALLINT UNSIGNED, mid MEDIUMINT, i INT UNSIGNED, big BIGINT, huge BIGINT UNSIGNED,
			price DECIMAL(20,4), d DOUBLE, name VARCHAR(40), note TEXT, doc JSON, raw VARBINARY(20), bits BIT(10), kind ENUM('a','b'), y YEAR,
			at DATETIME(6), stamp TIMESTAMP(3) NULL, day DATE, dur TIME(3), nothing INT)`)
		require.NoError(t, err)
		p := openMySQL(t, db, pool.Config{MaxConns: 1, MaxOverflow: -1})
		id := []byte{0xff, 0, 0xfe, '\'', '"', '\\', 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
		at := time.Date(2026, 11, 23, 22, 1, 2, 345678000, time.UTC)
		_, err = p.DB().ExecContext(ctx, "INSERT INTO item VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
			id, -7, true, 65535, -8388608, uint32(math.MaxUint32), int64(math.MinInt64), uint64(math.MaxUint64),
			"1234567890123456.7890", 0.1, "naïve '\\ 🧵", "text", `{"a": [1, 2]}`, []byte{0, 255}, 5, "b", 2026,
			at, at.Truncate(time.Millisecond), "2026-11-23", "-12:34:56.789", nil)
		require.NoError(t, err)

		type row struct {
			ID, Raw, Bits                       []byte
			Tiny                                int8
			Yes                                 bool
			Small                               uint16
			Mid                                 int32
			I                                   uint32
			Big                                 int64
			Huge                                uint64
			Price, Name, Note, Doc, Kind, Dur   string
			D                                   float64
			Y                                   int
			At, Day                             time.Time
			Stamp                               sql.NullTime
			Nothing                             *int
			Any                                 []any
			BigText, HugeText, DText, TinyFloat any
		}
		read := func() (r row) {
			rows, err := p.DB().QueryContext(ctx, `SELECT id, raw, bits, tiny, yes, small, mid, i, big, huge, price, name, note, doc, kind, dur, d, y, at, day, stamp, nothing,
				big, tiny, price, d, name, raw, at, day, dur, y, nothing, doc, COUNT(*) OVER (), huge, big, d FROM item WHERE id = ? AND at = ? AND yes = ?`, id, at, true)
			require.NoError(t, err)
			defer rows.Close()
			require.True(t, rows.Next(), "%v", rows.Err())
			r.Any = make([]any, 13)
			dest := []any{&r.ID, &r.Raw, &r.Bits, &r.Tiny, &r.Yes, &r.Small, &r.Mid, &r.I, &r.Big, &r.Huge, &r.Price, &r.Name, &r.Note, &r.Doc, &r.Kind, &r.Dur,
				&r.D, &r.Y, &r.At, &r.Day, &r.Stamp, &r.Nothing}
			for i := range r.Any {
				dest = append(dest, &r.Any[i])
			}
			var huge, big, d string
			require.NoError(t, rows.Scan(append(dest, &huge, &big, &d)...))
			r.HugeText, r.BigText, r.DText = huge, big, d
			require.False(t, rows.Next())
			require.NoError(t, rows.Err())
			return r
		}
		text := read()
		require.Zero(t, p.Stats().Statements.Hits)
		for range 3 {
			require.Equal(t, text, read())
		}
		require.EqualValues(t, 3, p.Stats().Statements.Hits)
		require.Equal(t, at, text.At)
		require.Equal(t, uint64(math.MaxUint64), text.Huge)
	})
}

func TestMySQLTurnsStatementsAwayWithoutHarm(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		ctx := t.Context()
		c := db.Config()
		c.MultiStatements = true
		p, err := pool.Open(ctx, pool.Config{DSN: c.FormatDSN(), MaxConns: 1, MaxOverflow: -1})
		require.NoError(t, err)
		pooltest.NoLeaks(t, p)
		run := func(query string, args ...any) {
			t.Helper()
			for range 4 {
				_, err := p.DB().ExecContext(ctx, query, args...)
				require.NoError(t, err)
			}
		}
		var n int
		point := func() int {
			t.Helper()
			require.NoError(t, p.DB().QueryRowContext(ctx, "SELECT n FROM item WHERE id = ?", 1).Scan(&n))
			return n
		}
		run("DROP TABLE IF EXISTS item; CREATE TABLE item (id INT PRIMARY KEY, n INT); INSERT INTO item VALUES (?, 1)", 1)
		for range 4 {
			require.Equal(t, 1, point())
		}
		// The table changes under the statement, in kind and by replacement.
		for range 3 {
			run("ALTER TABLE item ADD COLUMN more TEXT FIRST; ALTER TABLE item MODIFY n VARCHAR(20); UPDATE item SET n = '2'; ALTER TABLE item DROP COLUMN more")
			require.Equal(t, 2, point())
			run("DROP TABLE item; CREATE TABLE item (n BIGINT, id BIGINT PRIMARY KEY); INSERT INTO item VALUES (3, 1)")
			require.Equal(t, 3, point())
		}
		for range 4 { // an argument that only the text protocol takes here
			require.NoError(t, p.DB().QueryRowContext(ctx, "SELECT id FROM item LIMIT ?", 1.0).Scan(&n))
		}
		for range 4 { // a wrong number of arguments, worded as database/sql does
			_, err := p.DB().ExecContext(ctx, "DELETE FROM item WHERE id = ?", 1, 2)
			require.ErrorContains(t, err, "expected 1 arguments, got 2")
		}
		for range 4 {
			_, err := p.DB().ExecContext(ctx, "INSERT INTO item VALUES (?, ?)", 3, 1)
			my, ok := errors.AsType[*mysql.MySQLError](err)
			require.True(t, ok, "%v", err)
			require.EqualValues(t, 1062, my.Number)
		}
		held := hold(t, p)
		require.NoError(t, held.Raw(func(raw any) error {
			res, err := raw.(interface {
				ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error)
			}).ExecContext(ctx, "UPDATE item SET n = n + ?", []driver.NamedValue{{Ordinal: 1, Value: int64(1)}})
			require.NoError(t, err)
			require.Equal(t, []int64{1}, res.(mysql.Result).AllRowsAffected())
			return nil
		}))
		require.NoError(t, held.Close())
	})
}

func TestMySQLStatementsFollowTheDatabaseInUse(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		p := openMySQL(t, db, pool.Config{MaxConns: 1, MaxOverflow: -1})
		schema := func() (name string) {
			require.NoError(t, p.DB().QueryRowContext(t.Context(), "SELECT CONCAT(DATABASE(), ?) FROM TABLES LIMIT 1", "").Scan(&name))
			return name
		}
		_, err := p.DB().ExecContext(t.Context(), "CREATE TABLE TABLES AS SELECT 1")
		require.NoError(t, err)
		for range 3 {
			require.Equal(t, db.Name(), schema())
		}
		_, err = p.DB().ExecContext(t.Context(), "USE information_schema")
		require.NoError(t, err)
		for range 3 {
			require.Equal(t, "information_schema", strings.ToLower(schema()))
		}
	})
}

func TestMySQLKeepsNoMoreStatementsThanTheCachesHold(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		p := openMySQL(t, db, pool.Config{MaxConns: 2, MaxOverflow: -1, StatementCache: 8})
		c := hold(t, p)
		defer c.Close()
		prepared := func(status string) (n int) {
			var name string
			require.NoError(t, c.QueryRowContext(t.Context(), "SHOW SESSION STATUS LIKE '"+status+"'").Scan(&name, &n))
			return n
		}
		closed, made := prepared("Com_stmt_close"), prepared("Com_stmt_prepare")
		for round := range 5 {
			for i := range 40 {
				for range 3 {
					var n int
					require.NoError(t, c.QueryRowContext(t.Context(), fmt.Sprintf("SELECT %d + ?", i), round).Scan(&n))
					require.Equal(t, i+round, n)
				}
			}
			open := prepared("Com_stmt_prepare") - made - (prepared("Com_stmt_close") - closed)
			require.LessOrEqual(t, open, 8)
			require.Positive(t, open)
		}
	})
}

func TestMySQLCallersStatementsComeFromTheCache(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		ctx := t.Context()
		p := openMySQL(t, db, pool.Config{MaxConns: 1, MaxOverflow: -1, StatementCache: 4})
		status := func() (n int) {
			var name string
			require.NoError(t, p.DB().QueryRowContext(ctx, "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'").Scan(&name, &n))
			return n
		}
		before := status()
		stmt, err := p.DB().PrepareContext(ctx, "SELECT ? + 1")
		require.NoError(t, err)
		defer stmt.Close()
		for i := range 20 {
			var n int
			require.NoError(t, stmt.QueryRowContext(ctx, i).Scan(&n))
			require.Equal(t, i+1, n)
		}
		require.LessOrEqual(t, status()-before, 2)

		// One that is in use outlives its eviction and a change of database.
		tx, err := p.DB().BeginTx(ctx, nil)
		require.NoError(t, err)
		kept, err := tx.PrepareContext(ctx, "SELECT ? + 1")
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, "USE information_schema")
		require.NoError(t, err)
		for i := range 40 {
			for range 3 {
				var n int
				require.NoError(t, tx.QueryRowContext(ctx, fmt.Sprintf("SELECT %d + ?", i), 1).Scan(&n))
				require.NoError(t, kept.QueryRowContext(ctx, 6).Scan(&n))
				require.Equal(t, 7, n)
			}
		}
		require.NoError(t, kept.Close())
		require.NoError(t, tx.Commit())
		require.LessOrEqual(t, p.Stats().Statements.Cached, 4)
	})
}
