package bench

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product/feed"
)

// bulk is a server whose catalogue has come in as one file.
type bulk struct {
	ours contender
	rows int
	rate float64 // rows a second
}

// imported launches a server on MySQL and sends it a file of so many products.
func (l *lab) imported(place string, rows int) bulk {
	db := l.newDatabase()
	b := bulk{ours: contender{name: "ours", db: db, user: userOf(db, place), connections: 6}, rows: rows}
	l.launch(&b.ours, l.server(), "PORT=%[2]s", "POOL_MAX_OVERFLOW=-1", "DATABASE_URL="+l.grant(db, b.ours.user).FormatDSN())
	defer l.watch(b.ours)()
	file, sending := io.Pipe()
	go func() { _ = sending.CloseWithError(writeRows(sending, rows)) }()
	begun := time.Now()
	res, err := http.Post(b.ours.url+"/v1/import", "text/csv", file)
	require.NoError(l, err)
	defer func() { _ = res.Body.Close() }()
	events, err := io.ReadAll(res.Body)
	require.NoError(l, err)
	b.rate = float64(rows) / time.Since(begun).Seconds()
	lines := bytes.Split(bytes.TrimSpace(events), []byte("\n"))
	var last feed.Event
	require.NoError(l, json.Unmarshal(lines[len(lines)-1], &last), "%s", events)
	require.Equal(l, feed.EventSummary, last.Kind)
	require.EqualValues(l, rows, last.Created, "%s", lines[len(lines)-1])
	_, err = db.DB().ExecContext(l.Context(), "ANALYZE TABLE productkit_products, productkit_stock")
	require.NoError(l, err)
	return b
}

// writeRows writes native CSV of the same products that create makes.
func writeRows(to io.Writer, n int) error {
	w := bufio.NewWriter(to)
	_, _ = fmt.Fprintln(w, "sku,name,price,currency,description,status,category,tags,vendor,stock")
	for i := range n {
		p := item(i)
		_, _ = fmt.Fprintf(w, "%s,\"%s\",%d.%02d,%s,\"%s\",%s,%s,%s,%s,%d\n", p.SKU, p.Name, p.Price.Amount/100, p.Price.Amount%100, p.Price.Currency,
			p.Description, p.Status, p.Category, strings.Join(p.Tags, ";"), p.Vendor, stocked)
	}
	return w.Flush()
}

// importing is how many rows a second an import takes, against INSERTs of 500 of the same rows into a
// table with the same keys, on one connection.
func (l *lab) importing() (float64, float64) { return l.inserted(), l.big().rate }

// insertBare is by hand what imported does. It makes the same rows, which it checks.
func (l *lab) insertBare() float64 {
	const rows = 500
	b := l.big()
	db, err := b.ours.db.DB().Conn(l.Context())
	require.NoError(l, err)
	defer func() { _ = db.Close() }()
	exec := func(statement string) {
		_, err := db.ExecContext(l.Context(), statement)
		require.NoError(l, err)
	}
	exec("CREATE TABLE bare LIKE productkit_products")
	exec("ALTER TABLE bare ADD COLUMN stock BIGINT NOT NULL")
	insert := func(n int) *sql.Stmt {
		stmt, err := db.PrepareContext(l.Context(), `INSERT INTO bare (id, sku, live_sku, deleted, name, description, status, price, currency, backorder,
			group_name, options, category, tags, vendor, barcode, weight_grams, images, attributes, version, created_at, updated_at, deleted_at, stock) VALUES `+
			strings.Repeat(`, (?, ?, ?, 0, ?, ?, ?, ?, ?, 0, '', '', ?, ?, ?, '', 0, '', '', 1, ?, ?, 0, ?)`, n)[2:])
		require.NoError(l, err)
		return stmt
	}
	stmt := insert(rows)
	begun := time.Now()
	for from := 0; from < b.rows; from += rows {
		if from+rows > b.rows {
			stmt = insert(b.rows - from)
		}
		var args []any
		for i := from; i < min(from+rows, b.rows); i++ {
			p, id, now := item(i), uuid.Must(uuid.NewV7()), time.Now().UnixMicro()
			args = append(args, id[:], p.SKU, p.SKU, p.Name, p.Description, string(p.Status), p.Price.Amount, p.Price.Currency, p.Category,
				`["`+strings.Join(p.Tags, `","`)+`"]`, p.Vendor, now, now, stocked)
		}
		_, err := stmt.ExecContext(l.Context(), args...)
		require.NoError(l, err)
	}
	rate := float64(b.rows) / time.Since(begun).Seconds()
	var same int
	require.NoError(l, db.QueryRowContext(l.Context(), `SELECT COUNT(*) FROM bare b JOIN productkit_products p USING (sku, live_sku, deleted, name, description,
		status, price, currency, backorder, group_name, options, category, tags, vendor, barcode, weight_grams, images, attributes, version, deleted_at)
		JOIN productkit_stock s ON s.product_id = p.id AND s.on_hand = b.stock`).Scan(&same))
	require.Equal(l, b.rows, same, "rows that are as those of ours")
	return rate
}

// exporting is how many rows a second an export gives, against a SELECT of the same columns that the
// driver streams to a file.
func (l *lab) exporting() (float64, float64) {
	b := l.big()
	return l.written(b, func(to io.Writer) error { return selectBare(b.ours.db.DB(), to) }), l.exported(b)
}

func (l *lab) exported(b bulk) float64 {
	defer l.watch(b.ours)()
	return l.written(b, func(to io.Writer) error {
		res, err := http.Get(b.ours.url + "/v1/export")
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		head := make([]byte, len("sku,name,"))
		if _, err := io.ReadFull(res.Body, head); err != nil || string(head) != "sku,name," {
			return fmt.Errorf("%s: %q: %w", res.Status, head, err)
		}
		_, err = io.Copy(to, res.Body)
		return err
	})
}

// written returns how many rows a second go to a file.
func (l *lab) written(b bulk, rows func(to io.Writer) error) float64 {
	file, err := os.Create(filepath.Join(l.TempDir(), "products.csv"))
	require.NoError(l, err)
	begun := time.Now()
	require.NoError(l, rows(file))
	took := time.Since(begun)
	require.NoError(l, file.Close())
	text, err := os.ReadFile(file.Name())
	require.NoError(l, err)
	require.Equal(l, b.rows+1, bytes.Count(text, []byte("\n")), "lines, the header's among them")
	require.Contains(l, string(text), item(b.rows-1).Name)
	return float64(b.rows) / took.Seconds()
}

func selectBare(db *sql.DB, to io.Writer) error {
	rows, err := db.Query(`SELECT p.sku, p.name, p.price, p.currency, p.description, p.status, p.compare_at, s.on_hand, p.backorder, p.group_name, p.options,
		p.category, p.tags, p.vendor, p.barcode, p.weight_grams, p.images, p.attributes, p.publish_at, p.unpublish_at
		FROM productkit_products p JOIN productkit_stock s ON s.product_id = p.id`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	cells, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	w := bufio.NewWriter(to)
	_, _ = fmt.Fprintln(w, strings.Join(columns, ","))
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, cell := range cells {
			if i > 0 {
				_ = w.WriteByte(',')
			}
			_, _ = w.Write(cell)
		}
		_ = w.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return w.Flush()
}

// memoryOfBulk is the most memory that an import and an export have taken.
func (l *lab) memoryOfBulk() (float64, float64) {
	b := l.big()
	l.exported(b)
	return none, l.mostMemory(b.ours)
}
