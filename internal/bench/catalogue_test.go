package bench

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// catalogue is the products of both, in one database.
type catalogue struct {
	db         *mysqltest.Database
	ids, first string // as of a contender
}

// seed makes a catalogue of n products.
func (l *lab) seed(n int) catalogue {
	db := l.newDatabase()
	own, err := sql.Open("mysql", db.DSN())
	require.NoError(l, err)
	defer func() { _ = own.Close() }()
	ids := l.create(own, n)
	for _, statement := range append(copyByHand, "ANALYZE TABLE byhand, productkit_products") {
		_, err := own.ExecContext(l.Context(), statement)
		require.NoError(l, err)
	}
	return catalogue{db, l.listed(sampled(ids)), ids[0]}
}

// sampled is at most 100,000 of the IDs, at equal distances: for wrk to make a request of each takes seconds.
func sampled(ids []string) []string {
	const most = 100_000
	step := (len(ids) + most - 1) / most
	var some []string
	for i := 0; i < len(ids); i += step {
		some = append(some, ids[i])
	}
	return some
}

// copyByHand makes the same products for the server by hand, on any engine.
var copyByHand = []string{
	`CREATE TABLE byhand (id BINARY(16) PRIMARY KEY, sku VARCHAR(64) NOT NULL UNIQUE, name VARCHAR(255) NOT NULL, description TEXT NOT NULL,
		status VARCHAR(16) NOT NULL, price BIGINT NOT NULL, currency CHAR(3) NOT NULL, backorder TINYINT NOT NULL, category VARCHAR(255) NOT NULL,
		tags TEXT NOT NULL, vendor VARCHAR(255) NOT NULL, version BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
		stock BIGINT NOT NULL)`,
	`CREATE INDEX by_category ON byhand (category, id)`,
	`INSERT INTO byhand SELECT id, sku, name, description, status, price, currency, backorder, category, tags, vendor, version, created_at, updated_at,
		4503599627370495 FROM productkit_products`,
}

// create makes products of ours and returns their IDs.
func (l *lab) create(db *sql.DB, n int) (ids []string) {
	require.NoError(l, sqlstore.Migrate(l.Context(), db, nil))
	store, err := sqlstore.New(l.Context(), db, nil)
	require.NoError(l, err)
	svc := product.NewService(store, nil)
	defer func() { _ = svc.Close(l.Context()) }()
	var ops []product.Operation
	for i := range n {
		ops = append(ops, product.Create{Draft: product.Draft{Stock: new(int64(stocked)), Product: item(i)}})
	}
	for part := range slices.Chunk(ops, product.MaxBatch) {
		outcomes, err := svc.Batch(l.Context(), part)
		require.NoError(l, err)
		for _, o := range outcomes {
			require.NoError(l, o.Err)
			ids = append(ids, o.Product.ID.String())
		}
	}
	return ids
}

// item is product number i of every catalogue, without what a catalogue gives it.
func item(i int) product.Product {
	return product.Product{
		SKU: fmt.Sprintf("S-%d", i), Name: fmt.Sprintf("A lamp for the table, number %d", i), Status: product.StatusActive,
		Description: "It stands on three legs, takes bulbs of up to 40 W, and has a switch in its cord.",
		Price:       product.Money{Amount: int64(100 + i%5000), Currency: "EUR"}, Category: fmt.Sprintf("apparel/%d", i%20),
		Tags: []string{"men", "new"}, Vendor: "Acme",
	}
}

// stocked is how many there are of each, so that none is ever short.
const stocked = product.MaxQuantity / 2

// listed writes lines to a file for wrk.
func (l *lab) listed(lines []string) (file string) {
	file = filepath.Join(l.TempDir(), "lines")
	require.NoError(l, os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600))
	return file
}

// userOf returns a user's name that no other test has.
func userOf(db *mysqltest.Database, name string) string {
	_, suffix, _ := strings.Cut(db.Name(), "_test_")
	return name + suffix[max(0, len(suffix)-20):]
}

// grant makes a user who can be told from others in the process list.
func (l *lab) grant(db *mysqltest.Database, user string) *mysql.Config {
	for _, statement := range []string{
		fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY 'secret'", user),
		fmt.Sprintf("GRANT ALL ON `%s`.* TO '%s'@'%%'", db.Name(), user),
	} {
		_, err := db.Admin().ExecContext(l.Context(), statement)
		require.NoError(l, err)
	}
	l.Cleanup(func() {
		_, err := db.Admin().ExecContext(context.Background(), fmt.Sprintf("DROP USER '%s'@'%%'", user))
		require.NoError(l, err)
	})
	c := db.Config()
	c.User, c.Passwd = user, "secret"
	return c
}
