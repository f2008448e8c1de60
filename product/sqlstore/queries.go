package sqlstore

import (
	"fmt"
	"slices"
	"strings"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// tables holds the names of the tables and builds every statement on them: pure functions to
// text and arguments. Lists of keys are padded to a power of two, so that there are few texts
// and caches of prepared statements stay useful.
type tables struct {
	dialect                                            Dialect
	products, stock, tags, search, changes, changeFeed string
	idempotency, reservations, holds                   string
}

func newTables(d Dialect, prefix string) tables {
	return tables{
		dialect:     d,
		products:    prefix + "products",
		stock:       prefix + "stock",
		tags:        prefix + "tags",
		search:      prefix + "search",
		changes:     prefix + "changes",
		changeFeed:  prefix + "change_feed",
		idempotency: prefix + "idempotency",

		reservations: prefix + "reservations",
		holds:        prefix + "holds",
	}
}

// productColumns is the one list of what makes a product, in the order of scanner and values.
var productColumns = []string{
	"id", "sku", "name", "description", "status", "publish_at", "unpublish_at", "price", "currency", "compare_at", "backorder",
	"group_name", "options", "category", "tags", "vendor", "barcode", "weight_grams", "images",
	"attributes", "version", "created_at", "updated_at", "deleted_at",
}

// claimColumns follow productColumns where products are written. They are made from them.
var claimColumns = []string{"live_sku", "variant_key", "deleted"}

var (
	stockColumns  = []string{"product_id", "on_hand", "reserved", "version"}
	tagColumns    = []string{"tag", "product_id"}
	changeColumns = []string{"id", "product_id", "subject", "version", "sku", "kind", "changed_at", "actor", "reason", "fields"}

	productSelection = qualified("p", productColumns)
	stockSelection   = qualified("s", stockColumns)
	changeSelection  = append([]string{"seq"}, changeColumns...)
)

func qualified(alias string, columns []string) string {
	return alias + "." + strings.Join(columns, ", "+alias+".")
}

// maxKeys is how many keys one statement looks up: below every engine's limit of placeholders
// (65,535; SQLite 32,766), and a power of two because of padding.
const maxKeys = 512

// in asks for padded keys.
func in(column string, keys []any) sq.Sqlizer { return sq.Eq{column: padded(keys)} }

// padded fills keys up to the next power of two by repeating the last one, so that there are few
// statements to prepare.
func padded[K any](keys []K) []K {
	keys = slices.Clip(keys)
	for size := len(keys); size&(size-1) != 0; size++ {
		keys = append(keys, keys[len(keys)-1])
	}
	return keys
}

// lookup is what statements that find products have in common whatever their keys are.
type lookup struct {
	column  string // "id" or "live_sku"
	deleted bool
	keys    int // padded
}

// find selects products by the index of a column. MySQL would spend a quarter of its time on what
// others cost, key by key; SQLite would read all live products for four keys, unless the plus hides from
// it that there is an index of them.
func (t tables) find(l lookup) (string, error) {
	index, deleted := l.column, fmt.Sprintf("p.deleted = %d", number(l.deleted))
	if index == "id" {
		index = "PRIMARY"
	}
	if t.dialect == SQLite {
		deleted = "+" + deleted
	}
	text, _, err := sq.Select(productSelection).From(t.byIndex(t.products+" p", index)).
		Where(sq.Eq{"p." + l.column: make([]any, l.keys)}).Where(deleted).ToSql()
	return text, err
}

func (t tables) findStock(ids []any, now time.Time) (string, []any, error) {
	return t.stockAsOf(sq.Select(), now).From(t.stock + " s").
		Join(t.products + " p ON p.id = s.product_id").
		Where(in("s.product_id", ids)).Where("p.deleted = 0").ToSql()
}

// look selects the products whose column has one of the keys, and their stock as it was written
// last, in the order of the keys. The indexes are forced: a scan, which looks cheaper on a small
// table, would wait for rows that nobody asked for where they are locked (MariaDB 10.11 scanned
// the stock).
func (t tables) look(column, index string, keys []any) sq.SelectBuilder {
	return t.fromRows(sq.Select(productSelection, stockSelection), index).Where(in("p."+column, keys)).OrderBy("p." + column)
}

// forUpdate has a query lock what it selects.
func (t tables) forUpdate(q sq.SelectBuilder, noWait bool) sq.SelectBuilder {
	switch {
	case t.dialect == SQLite: // BEGIN IMMEDIATE has locked the whole database
		return q
	case noWait:
		return q.Suffix("FOR UPDATE NOWAIT")
	}
	return q.Suffix("FOR UPDATE")
}

// lookGroup selects the live products of a group: as many as a [product.Decision] wants to see of
// one, which are then too many or all.
func (t tables) lookGroup(group string) sq.SelectBuilder {
	return t.fromRows(sq.Select(productSelection, stockSelection), "by_group").Where(sq.Eq{"p.group_name": group}).Where("p.deleted = 0").
		OrderBy("p.id").Limit(product.MaxVariants + 1)
}

// fromRows has a query read products with their stock by an index of the products.
func (t tables) fromRows(q sq.SelectBuilder, index string) sq.SelectBuilder {
	q = q.From(t.byIndex(t.products+" p", index))
	if t.dialect == SQLite {
		return q.Join(t.stock + " s ON s.product_id = p.id")
	}
	return q.JoinClause("STRAIGHT_JOIN " + t.stock + " s FORCE INDEX (PRIMARY) ON s.product_id = p.id")
}

// export selects the page of q's products behind a SKU, with their stock. It walks along the SKUs
// whatever the filter is, so that all pages together read each row once.
func (t tables) export(q product.Query, after string, limit int) (string, []any, error) {
	q.Sort = product.SortSKU
	return t.filter(t.fromRows(t.stockAsOf(sq.Select(productSelection), q.Now), "live_sku"), q).Where("p.live_sku > ?", after).
		OrderBy("p.live_sku").Limit(uint64(limit)).ToSql()
}

func (t tables) history(id uuid.UUID, after *product.HistoryPosition, limit int) (string, []any, error) {
	q := sq.Select(changeSelection...).From(t.changes).
		Where(sq.Eq{"product_id": id[:]}).
		OrderBy("subject", "version").Limit(uint64(limit))
	if after != nil {
		subject := number(after.Stock)
		q = q.Where("subject >= ? AND (subject > ? OR version > ?)", subject, subject, after.Version)
	}
	return q.ToSql()
}

// changeIDs selects the ID of the record of history that has a record's place, and waits for whoever
// is writing one there.
func (t tables) changeIDs(c *product.Change) (string, []any, error) {
	q := sq.Select("id").From(t.changes).Where(sq.Eq{"product_id": c.ProductID[:], "subject": subject(c.Kind), "version": c.Version})
	return t.forUpdate(q, false).ToSql()
}

// releaseClaims takes SKUs and variants off products whose claims are about to change, so that
// products of one batch may exchange theirs.
func (t tables) releaseClaims(ids []any) (string, []any, error) {
	return sq.Update(t.products).Set("live_sku", nil).Set("variant_key", nil).Where(in("id", ids)).ToSql()
}

// deleteTags removes rows of tagColumns by the table's only index.
func (t tables) deleteTags(rows [][]any) (string, []any, error) {
	var either sq.Or
	for _, row := range padded(rows) {
		either = append(either, sq.Eq{"tag": row[0], "product_id": row[1]})
	}
	return sq.Delete(t.tags).Where(either).ToSql()
}

// insert is a statement with several rows.
func insert(table string, columns []string, rows [][]any, suffix string) (string, []any) {
	values := strings.Repeat(placeholders(len(columns)), len(rows))[len(", "):]
	text := "INSERT INTO " + table + " (" + strings.Join(columns, ",") + ") VALUES " + values
	if suffix != "" {
		text += " " + suffix
	}
	return text, slices.Concat(rows...)
}

// placeholders are those of one more row with so many columns.
func placeholders(columns int) string { return ", (?" + strings.Repeat(",?", columns-1) + ")" }

// overwrite makes an insert replace the columns of the row that has the key, which is the first
// of them.
//
// The form of MySQL and MariaDB would change whatever row collides in any unique key (both
// manuals warn). It is used only for rows which this transaction has locked and which therefore
// exist: InnoDB meets the primary key first, and a collision in another key is then error 1062.
// A test holds this.
func (t tables) overwrite(columns []string) string {
	set := make([]string, 0, len(columns))
	for _, column := range columns[1:] {
		if column == "created_at" {
			continue
		}
		if t.dialect == SQLite {
			set = append(set, column+" = excluded."+column)
		} else {
			set = append(set, column+" = VALUES("+column+")")
		}
	}
	if t.dialect == SQLite {
		return "ON CONFLICT (" + columns[0] + ") DO UPDATE SET " + strings.Join(set, ", ")
	}
	return "ON DUPLICATE KEY UPDATE " + strings.Join(set, ", ")
}

// probes read every column of every table, and no row.
func (t tables) probes() []string {
	columns := func(lists ...[]string) string {
		var names []string
		for _, list := range lists {
			names = append(names, list...)
		}
		return strings.Join(names, ", ")
	}
	return []string{
		"SELECT " + columns(productColumns, claimColumns) + " FROM " + t.products + " WHERE 1 = 0",
		"SELECT " + columns(stockColumns) + " FROM " + t.stock + " WHERE 1 = 0",
		"SELECT " + columns(tagColumns) + " FROM " + t.tags + " WHERE 1 = 0",
		"SELECT " + columns(documentColumns) + " FROM " + t.search + " WHERE 1 = 0",
		"SELECT " + columns(changeSelection) + ", arrival FROM " + t.changes + " WHERE 1 = 0",
		"SELECT id, newest, pruned FROM " + t.changeFeed + " WHERE 1 = 0",
		"SELECT " + columns(recordColumns) + " FROM " + t.idempotency + " WHERE 1 = 0",
		"SELECT " + columns(reservationColumns) + " FROM " + t.reservations + " WHERE 1 = 0",
		"SELECT " + columns(holdColumns) + " FROM " + t.holds + " WHERE 1 = 0",
	}
}

// subject keeps the versions of a product and of its stock apart.
func subject(kind product.ChangeKind) int {
	return number(kind == product.ChangeStock)
}
