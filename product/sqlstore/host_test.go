package sqlstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
	"github.com/productkit-go/productkit/product/storetest"
)

func TestBelongsToAnyHost(t *testing.T) {
	t.Parallel()
	hosts := map[string]func(c *mysql.Config){
		"found rows":          func(c *mysql.Config) { c.ClientFoundRows = true },
		"interpolated":        func(c *mysql.Config) { c.InterpolateParams = true },
		"times parsed abroad": func(c *mysql.Config) { c.ParseTime = true; c.Loc = time.Local },
		"another time zone":   func(c *mysql.Config) { c.Params = map[string]string{"time_zone": "'-07:00'"} },
		"another collation":   func(c *mysql.Config) { c.Collation = "utf8mb4_unicode_ci"; c.InterpolateParams = true },
		"no strict mode":      func(c *mysql.Config) { c.Params = map[string]string{"sql_mode": "'ANSI_QUOTES,PIPES_AS_CONCAT'"} },
		"traditional mode":    func(c *mysql.Config) { c.Params = map[string]string{"sql_mode": "'TRADITIONAL'"} },
	}
	forEachServer(t, func(t *testing.T, e engine) {
		for name, change := range hosts {
			t.Run(name, func(t *testing.T) {
				opts := &sqlstore.Options{TablePrefix: strings.ReplaceAll(name, " ", "_") + "_"}
				store := migrated(t, e.with(t, change).open(t), opts)
				made := apply(t, store, create(t, "A"), create(t, "B"))
				apply(t, store, rename(made[0], "C"))
				plain, err := sqlstore.New(t.Context(), e.open(t), opts)
				require.NoError(t, err)
				byHost, byPlain := findOne(t, store, product.BySKU("C")), findOne(t, plain, product.BySKU("C"))
				require.Equal(t, byPlain, byHost)
				require.Equal(t, made[0].CreatedAt, byPlain.CreatedAt)
				changes, err := plain.History(t.Context(), made[0].ID, 10)
				require.NoError(t, err)
				require.Len(t, changes, 3)
			})
		}
	})
}

func TestLeavesNothingBehindOnTheHostsConnection(t *testing.T) {
	t.Parallel()
	forEachServer(t, func(t *testing.T, e engine) {
		db := e.with(t, func(c *mysql.Config) { c.Params = map[string]string{"innodb_lock_wait_timeout": "37"} }).open(t)
		db.SetMaxOpenConns(1)
		store := migrated(t, db, nil)
		settings := func() (wait int, level string) {
			variable := "@@transaction_isolation"
			if store.Engine().Dialect == sqlstore.MariaDB {
				variable = "@@tx_isolation"
			}
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT @@innodb_lock_wait_timeout, "+variable).Scan(&wait, &level))
			return wait, level
		}
		_, before := settings()
		made := apply(t, store, create(t, "A"))
		outcomes, err := store.Apply(t.Context(), product.Batch{Writes: []product.Write{create(t, "A")}}) // rolled back
		require.NoError(t, err)
		require.ErrorIs(t, outcomes[0].Err, product.ErrTaken)
		wait, after := settings()
		require.Equal(t, 37, wait)
		require.Equal(t, before, after)
		require.Equal(t, 1, db.Stats().OpenConnections, "no connection was thrown away")
		require.Equal(t, made[0].ID, findOne(t, store, product.BySKU("A")).ID)
	})
}

func TestTheDatabaseGoneIsUnavailable(t *testing.T) {
	t.Parallel()
	forEachServer(t, func(t *testing.T, e engine) {
		store := migrated(t, e.open(t), nil)
		service := storetest.NewService(t, store, nil)
		_, err := service.Create(t.Context(), draft("A"))
		require.NoError(t, err)

		nowhere := e.with(t, func(c *mysql.Config) { c.Addr = "127.0.0.1:1" })
		_, err = sqlstore.New(t.Context(), nowhere.open(t), nil)
		require.ErrorIs(t, err, product.ErrUnavailable)
		stranger := e.with(t, func(c *mysql.Config) { c.User = "nobody" })
		require.ErrorIs(t, sqlstore.Migrate(t.Context(), stranger.open(t), nil), product.ErrUnavailable)
	})
}

func TestSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		_, err := sqlstore.New(t.Context(), db, nil)
		require.ErrorIs(t, err, sqlstore.ErrNotMigrated)
		require.ErrorContains(t, err, "sqlstore.Migrate")
		migrated(t, db, nil)
		_, err = db.ExecContext(t.Context(), "ALTER TABLE productkit_changes DROP COLUMN reason")
		require.NoError(t, err)
		_, err = sqlstore.New(t.Context(), db, nil)
		require.ErrorIs(t, err, sqlstore.ErrNotMigrated)
	})
}

func TestRefusesConnectionsThatWouldDoHarm(t *testing.T) {
	t.Parallel()
	forEachServer(t, func(t *testing.T, e engine) {
		migrated(t, e.open(t), nil)
		for want, change := range map[string]func(c *mysql.Config){
			"charset=utf8mb4":   func(c *mysql.Config) { _ = c.Apply(mysql.Charset("latin1", "")) },
			"no database":       func(c *mysql.Config) { c.DBName = "" },
			"autocommit is off": func(c *mysql.Config) { c.Params = map[string]string{"autocommit": "0"} },
		} {
			_, err := sqlstore.New(t.Context(), e.with(t, change).open(t), nil)
			require.ErrorContains(t, err, want)
		}
	})
}

func TestRefusesBadOptions(t *testing.T) {
	t.Parallel()
	db := open(t, "sqlite", ":memory:")
	for _, prefix := range []string{"Shop_", "a b", "x;DROP", "a-b", strings.Repeat("x", 33)} {
		opts := &sqlstore.Options{TablePrefix: prefix}
		_, err := sqlstore.New(t.Context(), db, opts)
		require.ErrorContains(t, err, "TablePrefix")
		require.ErrorContains(t, sqlstore.Migrate(t.Context(), db, opts), "TablePrefix")
	}
}
