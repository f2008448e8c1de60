package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
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
				changes, err := plain.History(t.Context(), made[0].ID, nil, 10)
				require.NoError(t, err)
				require.Len(t, changes, 3)
				service := storetest.NewService(t, store, nil)
				for _, sort := range product.Sorts() {
					var skus []string
					for p, err := range service.All(t.Context(), product.Query{Sort: sort, Currency: "EUR", Tag: "men", Limit: 1}) {
						require.NoError(t, err)
						skus = append(skus, p.SKU)
					}
					require.ElementsMatch(t, []string{"B", "C"}, skus, sort)
				}
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
		require.Equal(t, 1, db.Stats().OpenConnections)
		require.Zero(t, db.Stats().MaxLifetimeClosed)
		var variable sql.NullInt64
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT @productkit_lock_wait").Scan(&variable))
		require.False(t, variable.Valid)
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
			"sql_select_limit":  func(c *mysql.Config) { c.Params = map[string]string{"sql_select_limit": "100"} },
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

func TestAReadOnlyServerIsUnavailable(t *testing.T) {
	t.Parallel()
	forEachWay(t, func(t *testing.T, e engine) {
		writable := migrated(t, e.open(t), nil)
		made := apply(t, writable, create(t, "A"))
		variable := "transaction_read_only"
		if writable.Engine().Dialect == sqlstore.MariaDB {
			variable = "tx_read_only"
		}
		db := e.with(t, func(c *mysql.Config) { c.Params = map[string]string{variable: "1"} }).open(t)
		store, err := sqlstore.New(t.Context(), db, nil)
		require.NoError(t, err)
		require.Equal(t, made[0], findOne(t, store, product.BySKU("A")))
		_, err = store.Apply(t.Context(), product.Batch{Writes: []product.Write{create(t, "B")}})
		require.ErrorIs(t, err, product.ErrUnavailable)
		var number *mysql.MySQLError
		require.ErrorAs(t, err, &number)
		require.EqualValues(t, 1792, number.Number)
	})
}

func TestErrorsAreToldApartByNumber(t *testing.T) {
	t.Parallel()
	e := engine{"sqlite", sqliteDSN(t)} // whose own errors stay away
	migrated(t, e.open(t), nil)
	for _, test := range []struct {
		err  error
		want error
	}{
		{&mysql.MySQLError{Number: 1205}, product.ErrBusy},
		{&mysql.MySQLError{Number: 1213}, product.ErrBusy},
		{&mysql.MySQLError{Number: 3572}, product.ErrBusy},
		{&mysql.MySQLError{Number: 1040}, product.ErrUnavailable},
		{&mysql.MySQLError{Number: 1053}, product.ErrUnavailable},
		{&mysql.MySQLError{Number: 1203}, product.ErrUnavailable},
		{&mysql.MySQLError{Number: 1226}, product.ErrUnavailable},
		{&mysql.MySQLError{Number: 1290}, product.ErrUnavailable},
		{&mysql.MySQLError{Number: 1836}, product.ErrUnavailable},
		{&mysql.MySQLError{Number: 2006}, product.ErrUnavailable},
		{&mysql.MySQLError{Number: 2013}, product.ErrUnavailable},
		{&mysql.MySQLError{Number: 1064}, nil},
		{&mysql.MySQLError{Number: 1390}, nil},
		{mysql.ErrPktTooLarge, nil},
		{mysql.ErrInvalidConn, product.ErrUnavailable},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, product.ErrUnavailable},
		{context.DeadlineExceeded, product.ErrUnavailable},
		{sqliteError(5), product.ErrBusy},
		{sqliteError(5 | 2<<8), product.ErrBusy},
		{sqliteError(6 | 1<<8), product.ErrBusy},
		{sqliteError(10 | 3<<8), product.ErrUnavailable},
		{sqliteError(13), product.ErrUnavailable},
		{sqliteError(1), nil},
	} {
		store, err := sqlstore.New(t.Context(), openHooked(t, e.driver, e.dsn, &hooks{before: func(query string) error {
			if strings.HasPrefix(query, "SELECT p.id") {
				return test.err
			}
			return nil
		}}), nil)
		require.NoError(t, err)
		_, findErr := store.Find(t.Context(), []product.Key{product.BySKU("A")})
		_, applyErr := store.Apply(t.Context(), product.Batch{Writes: []product.Write{{Op: product.OpDelete, SKU: "A", At: time.Now()}}})
		for _, err := range []error{findErr, applyErr} {
			require.ErrorIs(t, err, test.err)
			for _, sentinel := range []error{product.ErrBusy, product.ErrUnavailable} {
				require.Equal(t, sentinel == test.want, errors.Is(err, sentinel), "%v", err)
			}
		}
	}
}

type sqliteError int

func (e sqliteError) Error() string { return "SQLite" }
func (e sqliteError) Code() int     { return int(e) }

// A batch that finds a SKU free locks no gap in which somebody else's SKU would go.
func TestLookingForAFreeSKUBlocksNobody(t *testing.T) {
	t.Parallel()
	forEachServer(t, func(t *testing.T, e engine) {
		plain := migrated(t, e.open(t), nil)
		apply(t, plain, create(t, "A"), create(t, "Z"))
		neighbour := errors.New("not tried")
		store, err := sqlstore.New(t.Context(), openHooked(t, e.driver, e.dsn, &hooks{before: func(query string) error {
			if isCommit(query) {
				_, neighbour = plain.Apply(t.Context(), product.Batch{Writes: []product.Write{create(t, "M"), create(t, "Y")}})
			}
			return nil
		}}), nil)
		require.NoError(t, err)
		upsert := func(sku string) product.Write {
			w := create(t, sku)
			w.Op = product.OpUpsert // a creation would not look
			return w
		}
		apply(t, store, upsert("L"), upsert("N"))
		require.NoError(t, neighbour)
	})
}
