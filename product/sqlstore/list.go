package sqlstore

import (
	"time"

	sq "github.com/Masterminds/squirrel"

	"github.com/productkit-go/productkit/product"
)

// list selects a page.
func (t tables) list(q product.Query) (string, []any, error) {
	w := t.conditions(q)
	w.after(q)
	return "SELECT " + productSelection + " FROM " + t.products + " p" + t.force(q) +
		" WHERE " + w.text + order(q) + t.limit(), append(w.args, q.Limit), nil
}

// force has the servers use the index of q's order, or that of a selective filter if they expect it to
// find the page sooner: without it they read the whole of a table that is small or that they think is.
func (t tables) force(q product.Query) string {
	if t.dialect == SQLite {
		return ""
	}
	names := sortIndex(q)
	if !selective(q) {
		return " FORCE INDEX (" + names + ")"
	}
	for _, filter := range []struct {
		index string
		used  bool
	}{
		{"by_vendor", q.Vendor != ""},
		{"by_group", q.Group != ""},
		{"by_category", q.Category != ""},
		{"PRIMARY", q.Tag != ""},
		{"live_sku", q.SKUPrefix != "" && !q.Deleted},
		{"by_price", q.PriceMin != nil || q.PriceMax != nil},
		{"by_updated", !q.UpdatedSince.IsZero()},
	} {
		if filter.used && filter.index != names {
			names += ", " + filter.index
		}
	}
	return " FORCE INDEX (" + names + ")"
}

// limit takes as many rows as an argument says. SQLite looks at that of a plain LIMIT ? when it chooses a
// plan, and so would prepare the statement anew each time that it is bound.
func (t tables) limit() string {
	if t.dialect == SQLite {
		return " LIMIT ?+0"
	}
	return " LIMIT ?"
}

// page filters and orders a selection, and takes the page of it.
func (t tables) page(s sq.SelectBuilder, q product.Query) (string, []any, error) {
	w := t.conditions(q)
	w.after(q)
	return s.Where(w.text, w.args...).Suffix(order(q)[1:]+t.limit(), q.Limit).ToSql()
}

// conditions are joined with AND.
type conditions struct {
	text string
	args []any
}

func (w *conditions) add(condition string, args ...any) {
	if w.text != "" {
		w.text += " AND "
	}
	w.text += condition
	w.args = append(w.args, args...)
}

// after begins behind q's position by a >= ? AND (a > ? OR id > ?): of the row value (a, id) > (?, ?)
// MySQL makes a scan of the whole index.
func (w *conditions) after(q product.Query) {
	at := q.After
	if at == nil {
		return
	}
	column, beyond, orEqual := sortColumn(q), " > ?", " >= ?"
	if q.Sort.Descending() {
		beyond, orEqual = " < ?", " <= ?"
	}
	var value any = at.Int
	switch q.Sort {
	case product.SortSKU, product.SortSKUDesc, product.SortName, product.SortNameDesc:
		value = at.Text
	}
	if column == "p.live_sku" { // unique by itself
		w.add(column+beyond, value)
		return
	}
	w.add(column+orEqual+" AND ("+column+beyond+" OR p.id"+beyond+")", value, value, at.ID[:])
}

func order(q product.Query) string {
	column, direction := sortColumn(q), ""
	if q.Sort.Descending() {
		direction = " DESC"
	}
	if column == "p.live_sku" {
		return " ORDER BY " + column + direction
	}
	return " ORDER BY " + column + direction + ", p.id" + direction
}

// count counts what list selects on all its pages, and stops at most.
func (t tables) count(q product.Query, most int) (string, []any, error) {
	q.Sort = product.SortCreated
	from := t.products + " p"
	if t.dialect != SQLite && !selective(q) && q.Currency == "" {
		from += " FORCE INDEX (by_created)"
	}
	rows := t.filter(sq.Select("1").From(from), q).Limit(uint64(most))
	return sq.Select("COUNT(*)").FromSelect(rows, "counted").ToSql()
}

// categories counts what list selects by category, along an index that has all that is asked.
func (t tables) categories(q product.Query) (string, []any, error) {
	from := t.products + " p"
	if t.dialect != SQLite {
		from += " FORCE INDEX (by_category)"
	}
	q = product.Query{Category: q.Category, Status: q.Status, Published: q.Published, Now: q.Now}
	return t.filter(sq.Select("p.category", "COUNT(*)").From(from), q).
		GroupBy("p.category").OrderBy("p.category").ToSql()
}

func sortColumn(q product.Query) string {
	switch q.Sort {
	case product.SortUpdated, product.SortUpdatedDesc:
		return "p.updated_at"
	case product.SortName, product.SortNameDesc:
		return "p.name"
	case product.SortPrice, product.SortPriceDesc:
		return "p.price"
	case product.SortSKU, product.SortSKUDesc:
		return skuColumn(q)
	}
	return "p.created_at"
}

// sortIndex has all that q's order needs. The servers do not always see that reading a few rows
// of it is less than sorting the table.
func sortIndex(q product.Query) string {
	switch sortColumn(q) {
	case "p.updated_at":
		return "by_updated"
	case "p.name":
		return "by_name"
	case "p.price":
		return "by_price"
	case "p.live_sku":
		return "live_sku"
	}
	return "by_created" // also of deleted products by SKU: its first column is deleted
}

// selective reports whether q may be met by so few products that another index than its
// order's finds them sooner. The servers then choose by their statistics. A range in the order
// itself is no reason to look elsewhere.
func selective(q product.Query) bool {
	column := sortColumn(q)
	return q.Vendor != "" || q.Group != "" || q.Category != "" || q.Tag != "" ||
		q.SKUPrefix != "" && column != skuColumn(q) ||
		(q.PriceMin != nil || q.PriceMax != nil) && column != "p.price" ||
		!q.UpdatedSince.IsZero() && column != "p.updated_at"
}

// skuColumn is indexed for live products. Deleted ones keep only the other one, whose sorting
// reads all of them.
func skuColumn(q product.Query) string {
	if q.Deleted {
		return "p.sku"
	}
	return "p.live_sku"
}

// filter has a selection of products select what q does.
func (t tables) filter(s sq.SelectBuilder, q product.Query) sq.SelectBuilder {
	w := t.conditions(q)
	return s.Where(w.text, w.args...)
}

// conditions are those of q's filter. There is at least one.
func (t tables) conditions(q product.Query) *conditions {
	w := new(conditions)
	switch {
	case q.Deleted:
		w.add("p.deleted = 1")
	case q.Sort == product.SortSKU, q.Sort == product.SortSKUDesc:
		w.add("p.live_sku > ''") // the same, as a range of the order's index
		if selective(q) {
			w.add("p.deleted = 0") // for the filter's index
		}
	default:
		w.add("p.deleted = 0")
	}
	equal := func(column, value string) {
		if value != "" {
			w.add(column+" = ?", value)
		}
	}
	if q.Published != nil {
		w.published(*q.Published, q.Now)
	}
	equal("p.currency", q.Currency)
	equal("p.status", string(q.Status))
	equal("p.vendor", q.Vendor)
	equal("p.group_name", q.Group)
	if q.Category != "" {
		// '0' follows '/', so this is the path and everything that begins with it and a slash. As
		// one range it leaves an index's order as it is; what begins with the path and a lesser
		// character, such as a hyphen, is passed over.
		w.add("p.category >= ? AND p.category < ? AND (p.category = ? OR p.category >= ?)", q.Category, q.Category+"0", q.Category, q.Category+"/")
	}
	if q.SKUPrefix != "" {
		column := skuColumn(q)
		w.add(column+" >= ? AND "+column+" < ?", q.SKUPrefix, following(q.SKUPrefix))
	}
	if q.PriceMin != nil {
		w.add("p.price >= ?", *q.PriceMin)
	}
	if q.PriceMax != nil {
		w.add("p.price <= ?", *q.PriceMax)
	}
	if !q.UpdatedSince.IsZero() {
		w.add("p.updated_at >= ?", q.UpdatedSince.UnixMicro())
	}
	if q.Tag != "" {
		w.add("p.id IN (SELECT t.product_id FROM "+t.tags+" t WHERE t.tag = ?)", q.Tag)
	}
	if q.InStock != nil {
		w.inStock(t, *q.InStock, q.Now)
	}
	return w
}

// inStock compares a scalar and asks for no EXISTS, which the servers would turn into a join that
// starts at the stock of everything and sorts it.
func (w *conditions) inStock(t tables, is bool, now time.Time) {
	compare := " <= 0"
	if is {
		compare = " > 0"
	}
	w.add("(SELECT s.on_hand - s.reserved + "+t.expiredText("SUM(h.quantity)")+" FROM "+t.stock+" s WHERE s.product_id = p.id)"+compare, now.UnixMicro())
}

// published is [product.Product.Published] in SQL, for products that are not deleted. Its
// negation says what is the case and not NOT, so that no NULL comes in.
func (w *conditions) published(is bool, now time.Time) {
	at := now.UnixMicro()
	if is {
		w.add("p.status = ? AND (p.publish_at IS NULL OR p.publish_at <= ?) AND (p.unpublish_at IS NULL OR p.unpublish_at > ?)", string(product.StatusActive), at, at)
		return
	}
	w.add("(p.status <> ? OR p.publish_at > ? OR p.unpublish_at <= ?)", string(product.StatusActive), at, at)
}

// following is the least string above all that begin with prefix, which is visible ASCII.
func following(prefix string) string {
	last := len(prefix) - 1
	return prefix[:last] + string(rune(prefix[last]+1))
}
