package sqlstore_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
	"github.com/productkit-go/productkit/product/storetest"
)

func TestMain(m *testing.M) {
	for variable, live := range map[string]func() error{killAfter: migrateAndDie, killRound: writeUntilKilled, recordClient: record, ruleInstance: writeByTheRules, buyerName: buyUntilKilled} {
		if os.Getenv(variable) == "" {
			continue
		}
		if err := live(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(mysqltest.Main(m))
}

// sqliteDSN names a new file with the settings that the package recommends.
func sqliteDSN(t testing.TB) string {
	return "file:" + filepath.Join(t.TempDir(), "catalogue.db") + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)"
}

func open(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// migrated returns a Store on a database that had no tables.
func migrated(t testing.TB, db *sql.DB, opts *sqlstore.Options) *sqlstore.Store {
	t.Helper()
	require.NoError(t, sqlstore.Migrate(t.Context(), db, opts))
	store, err := sqlstore.New(t.Context(), db, opts)
	require.NoError(t, err)
	return store
}

// engine is a database that a test may open as often and in whatever way it likes.
type engine struct {
	driver, dsn string
}

func forEachEngine(t *testing.T, test func(t *testing.T, e engine)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, engine{"sqlite", sqliteDSN(t)})
	})
	forEachServer(t, test)
}

func forEachServer(t *testing.T, test func(t *testing.T, e engine)) {
	t.Helper()
	mysqltest.Each(t, func(t *testing.T, d *mysqltest.Database) { test(t, engine{"mysql", d.DSN()}) })
}

// forEachWay is forEachServer, once more with connections that take several statements at once.
func forEachWay(t *testing.T, test func(t *testing.T, e engine)) {
	t.Helper()
	forEachServer(t, test)
	forEachTogether(t, test)
}

// forEachEngineAndWay is forEachEngine, once more likewise.
func forEachEngineAndWay(t *testing.T, test func(t *testing.T, e engine)) {
	t.Helper()
	forEachEngine(t, test)
	forEachTogether(t, test)
}

func forEachTogether(t *testing.T, test func(t *testing.T, e engine)) {
	t.Helper()
	for _, flavor := range mysqltest.Flavors() {
		t.Run(string(flavor)+", statements together", func(t *testing.T) {
			t.Parallel()
			test(t, engine{"mysql", mysqltest.NewOn(t, flavor).DSN()}.together(t))
		})
	}
}

// together returns the engine with connections that take several statements at once.
func (e engine) together(t testing.TB) engine {
	return e.with(t, func(c *mysql.Config) { c.MultiStatements = true })
}

func (e engine) open(t testing.TB) *sql.DB { return open(t, e.driver, e.dsn) }

// hasty returns the engine without SQLite's waiting for the disk, where no power failure is tried.
func (e engine) hasty() engine {
	if e.driver == "sqlite" {
		e.dsn += "&_pragma=synchronous(off)"
	}
	return e
}

// with returns the engine with other settings in its data source name; servers only.
func (e engine) with(t testing.TB, change func(c *mysql.Config)) engine {
	config, err := mysql.ParseDSN(e.dsn)
	require.NoError(t, err)
	change(config)
	return engine{e.driver, config.FormatDSN()}
}

func TestKeepsWhatEveryStoreMust(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t testing.TB) product.Store {
			return migrated(t, open(t, "sqlite", sqliteDSN(t)), nil)
		})
	})
	t.Run("sqlite in memory", func(t *testing.T) {
		if !testscale.Long() {
			return // most other packages test on it
		}
		t.Parallel()
		storetest.Run(t, func(t testing.TB) product.Store {
			db := open(t, "sqlite", ":memory:")
			db.SetMaxOpenConns(1)
			return migrated(t, db, nil)
		})
	})
	type way struct {
		flavor   mysqltest.Flavor
		together bool // statements
	}
	ways := []way{{mysqltest.MySQL, true}, {mysqltest.MariaDB, false}}
	for _, w := range testscale.N(ways, append(ways, way{mysqltest.MySQL, false}, way{mysqltest.MariaDB, true})) {
		t.Run(fmt.Sprintf("%s, statements together %v", w.flavor, w.together), func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t testing.TB) product.Store {
				e := engine{"mysql", mysqltest.NewOn(t, w.flavor).DSN()}
				if w.together {
					e = e.together(t)
				}
				return migrated(t, e.open(t), nil)
			})
		})
	}
}
