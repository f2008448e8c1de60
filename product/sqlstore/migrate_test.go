package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// eachEmpty runs a test on every engine with a maker of empty databases.
func eachEmpty(t *testing.T, test func(t *testing.T, empty func() engine)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, func() engine { return engine{"sqlite", sqliteDSN(t)} })
	})
	for _, flavor := range mysqltest.Flavors() {
		t.Run(string(flavor), func(t *testing.T) {
			t.Parallel()
			test(t, func() engine { return engine{"mysql", mysqltest.NewOn(t, flavor).DSN()} })
		})
	}
}

// schema is everything that migrations make, as text.
func schema(t testing.TB, db *sql.DB, e engine) []string {
	t.Helper()
	column := func(i int, query string) (values []string) {
		rows, err := db.QueryContext(t.Context(), query)
		require.NoError(t, err)
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var line [2]string
			require.NoError(t, rows.Scan(&line[0], &line[1]))
			values = append(values, line[i])
		}
		require.NoError(t, rows.Err())
		require.NotEmpty(t, values)
		return values
	}
	lines := column(0, "SELECT DISTINCT version_id, is_applied FROM productkit_migrations ORDER BY version_id")
	if e.driver == "sqlite" {
		return append(lines, column(1, "SELECT name, COALESCE(sql, name) FROM sqlite_master ORDER BY name")...)
	}
	for _, table := range column(0, "SHOW FULL TABLES") {
		lines = append(lines, column(1, "SHOW CREATE TABLE "+table)...)
	}
	for i := range lines {
		lines[i] = regexp.MustCompile(` AUTO_INCREMENT=\d+`).ReplaceAllString(lines[i], "")
	}
	return lines
}

const killAfter = "SQLSTORE_TEST_KILL_AFTER" // statements; 0: never

// migrateAndDie is the life of a child process: it migrates, and after so many statements
// nobody hears from it again.
func migrateAndDie() error {
	n, err := strconv.ParseInt(os.Getenv(killAfter), 10, 64)
	if err != nil {
		return err
	}
	var statements atomic.Int64
	plain, err := sql.Open(os.Getenv(killDriver), os.Getenv(killDSN))
	if err != nil {
		return err
	}
	db := sql.OpenDB(&hookConnector{plain.Driver(), os.Getenv(killDSN), &hooks{after: func(_ string, err error) error {
		if statements.Add(1) == n {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return err
	}}})
	return sqlstore.Migrate(context.Background(), db, nil)
}

// child starts this test binary as a process that migrates e.
func child(t testing.TB, e engine, n int) *exec.Cmd {
	return e.process(t, fmt.Sprintf("%s=%d", killAfter, n))
}

func TestAMigrationKilledAfterAnyStatementIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, empty func() engine) {
		whole := empty()
		db := whole.open(t)
		require.NoError(t, sqlstore.Migrate(t.Context(), db, nil))
		want := schema(t, db, whole)

		step := testscale.N(13, 1)
		if whole.driver == "sqlite" { // which has transactions around DDL, and twice the migrations
			step = testscale.N(23, 1)
		}
		for n := 1; ; n += step {
			e := empty()
			if e.driver == "mysql" { // so that each statement is one call of the driver
				e.dsn += "?interpolateParams=true"
			}
			err := child(t, e, n).Run()
			db := e.open(t)
			require.NoError(t, sqlstore.Migrate(t.Context(), db, nil), "after %d statements", n)
			require.Equal(t, want, schema(t, db, e), "after %d statements", n)
			_, newErr := sqlstore.New(t.Context(), db, nil)
			require.NoError(t, newErr)
			require.NoError(t, db.Close())
			if err == nil {
				require.Greater(t, n, 10, "it was never killed")
				return
			}
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal(), "after %d statements", n)
		}
	})
}

func TestTenProcessesStartingAtOnceMigrateOnce(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, empty func() engine) {
		e := empty()
		var all errgroup.Group
		for range 10 {
			cmd := child(t, e, 0)
			cmd.Stderr = nil
			all.Go(func() error {
				_, err := cmd.Output()
				var exit *exec.ExitError
				if errors.As(err, &exit) {
					return fmt.Errorf("%w: %s", err, exit.Stderr)
				}
				return err
			})
		}
		require.NoError(t, all.Wait())
		migratedOnce(t, e)
	})
}

func TestTenPoolsAtOnceMigrateOnce(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, empty func() engine) {
		e := empty()
		var all errgroup.Group
		for range 10 {
			db := e.open(t)
			all.Go(func() error { return sqlstore.Migrate(t.Context(), db, nil) })
		}
		require.NoError(t, all.Wait())
		migratedOnce(t, e)
	})
}

func migratedOnce(t *testing.T, e engine) {
	t.Helper()
	db := e.open(t)
	var rows, versions int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*), COUNT(DISTINCT version_id) FROM productkit_migrations").Scan(&rows, &versions))
	require.Equal(t, versions, rows)
	_, err := sqlstore.New(t.Context(), db, nil)
	require.NoError(t, err)
}

func TestWaitsForAnotherProcessesMigrationOnlySoLong(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, empty func() engine) {
		e := empty()
		release := make(chan struct{})
		reached := make(chan struct{})
		var once atomic.Bool
		slow := openHooked(t, e.driver, e.dsn, &hooks{before: func(query string) error {
			if strings.Contains(query, "CREATE TABLE") && once.CompareAndSwap(false, true) {
				close(reached)
				<-release
			}
			return nil
		}})
		var first errgroup.Group
		first.Go(func() error { return sqlstore.Migrate(t.Context(), slow, nil) })
		<-reached
		err := sqlstore.Migrate(t.Context(), e.open(t), &sqlstore.Options{MigrateWait: 50 * time.Millisecond})
		require.ErrorIs(t, err, product.ErrBusy)
		require.ErrorContains(t, err, "MigrateWait")

		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, sqlstore.Migrate(ctx, e.open(t), nil), product.ErrUnavailable)

		close(release)
		require.NoError(t, first.Wait())
		require.NoError(t, sqlstore.Migrate(t.Context(), e.open(t), nil))
	})
}

func TestTwoPrefixesShareADatabase(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		one := migrated(t, db, &sqlstore.Options{TablePrefix: "one_"})
		two := migrated(t, db, &sqlstore.Options{TablePrefix: "two_"})
		made := apply(t, one, create(t, "A"))
		apply(t, two, create(t, "A"))
		require.Equal(t, made[0], findOne(t, one, product.BySKU("A")))
		require.NotEqual(t, made[0].ID, findOne(t, two, product.BySKU("A")).ID)
	})
}

func TestMigrationsAreOneStatementEachForAnyTool(t *testing.T) {
	t.Parallel()
	for _, dialect := range []sqlstore.Dialect{sqlstore.MySQL, sqlstore.MariaDB, sqlstore.SQLite} {
		files, err := sqlstore.Migrations(dialect, &sqlstore.Options{TablePrefix: "shop_"})
		require.NoError(t, err)
		names, err := fs.Glob(files, "*.sql")
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for _, name := range names {
			text, err := fs.ReadFile(files, name)
			require.NoError(t, err)
			require.NotContains(t, string(text), "{", name)
			require.Contains(t, string(text), "shop_", name)
			require.Equal(t, 1, strings.Count(string(text), ";\n"), name)
			info, err := fs.Stat(files, name)
			require.NoError(t, err)
			require.EqualValues(t, len(text), info.Size())
		}
	}
	_, err := sqlstore.Migrations("oracle", nil)
	require.ErrorContains(t, err, "oracle")
}
