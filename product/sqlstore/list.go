package sqlstore

import (
	"time"

	sq "github.com/Masterminds/squirrel"

	"github.com/productkit-go/productkit/product"
)

// list selects a page.
func (t tables) list(q product.Query) (string, []any, error) {
	from := t.products + " p"
	if t.dialect != SQLite && !selective(q) {
		from += " FORCE INDEX (" + sortIndex(q) + ")"
	}
	return t.page(sq.Select(productSelection).From(from), q)
}

// page filters and orders a selection, and takes the page of it.
//
// It begins after a position by a >= ? AND (a > ? OR id > ?): of the row value (a, id) > (?, ?)
// MySQL makes a scan of the whole index.
func (t tables) page(s sq.SelectBuilder, q product.Query) (string, []any, error) {
	s = t.filter(s, q).Limit(uint64(q.Limit))
	column := sortColumn(q)
	after, direction := " > ?", ""
	if q.Sort.Descending() {
		after, direction = " < ?", " DESC"
	}
	if column == "p.live_sku" { // unique by itself
		if q.After != nil {
			s = s.Where(column+after, q.After.Text)
		}
		return s.OrderBy(column + direction).ToSql()
	}
	if at := q.After; at != nil {
		var value any = at.Int
		switch q.Sort {
		case product.SortSKU, product.SortSKUDesc, product.SortName, product.SortNameDesc:
			value = at.Text
		}
		orEqual := map[string]string{" > ?": " >= ?", " < ?": " <= ?"}[after]
		s = s.Where(column+orEqual, value).
			Where("("+column+after+" OR p.id"+after+")", value, at.ID[:])
	}
	return s.OrderBy(column+direction, "p.id"+direction).ToSql()
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

func (t tables) filter(s sq.SelectBuilder, q product.Query) sq.SelectBuilder {
	switch {
	case q.Deleted:
		s = s.Where("p.deleted = 1")
	case q.Sort == product.SortSKU, q.Sort == product.SortSKUDesc:
		s = s.Where("p.live_sku > ''") // the same, as a range of the order's index
	default:
		s = s.Where("p.deleted = 0")
	}
	equal := func(column, value string) {
		if value != "" {
			s = s.Where(column+" = ?", value)
		}
	}
	if q.Published != nil {
		s = s.Where(published(*q.Published, q.Now))
	}
	equal("p.currency", q.Currency)
	equal("p.status", string(q.Status))
	equal("p.vendor", q.Vendor)
	equal("p.group_name", q.Group)
	if q.Category != "" {
		// '0' follows '/', so this is the path and everything that begins with it and a slash. As
		// one range it leaves an index's order as it is; what begins with the path and a lesser
		// character, such as a hyphen, is passed over.
		s = s.Where("p.category >= ? AND p.category < ?", q.Category, q.Category+"0").
			Where("(p.category = ? OR p.category >= ?)", q.Category, q.Category+"/")
	}
	if q.SKUPrefix != "" {
		column := skuColumn(q)
		s = s.Where(column+" >= ?", q.SKUPrefix).Where(column+" < ?", following(q.SKUPrefix))
	}
	if q.PriceMin != nil {
		s = s.Where("p.price >= ?", *q.PriceMin)
	}
	if q.PriceMax != nil {
		s = s.Where("p.price <= ?", *q.PriceMax)
	}
	if !q.UpdatedSince.IsZero() {
		s = s.Where("p.updated_at >= ?", q.UpdatedSince.UnixMicro())
	}
	if q.Tag != "" {
		s = s.Where("p.id IN (SELECT t.product_id FROM "+t.tags+" t WHERE t.tag = ?)", q.Tag)
	}
	if q.InStock != nil {
		// A scalar and no EXISTS, which the servers would turn into a join that starts at the
		// stock of everything and sorts it.
		compare := map[bool]string{true: " > 0", false: " <= 0"}[*q.InStock]
		s = s.Where(sq.ConcatExpr("(SELECT s.on_hand - s.reserved + ", t.expired("SUM(h.quantity)", q.Now),
			" FROM "+t.stock+" s WHERE s.product_id = p.id)"+compare))
	}
	return s
}

// published is [product.Product.Published] in SQL, for products that are not deleted. Its
// negation says what is the case and not NOT, so that no NULL comes in.
func published(is bool, now time.Time) sq.Sqlizer {
	at := now.UnixMicro()
	if is {
		return sq.Expr("p.status = ? AND (p.publish_at IS NULL OR p.publish_at <= ?) AND (p.unpublish_at IS NULL OR p.unpublish_at > ?)",
			product.StatusActive, at, at)
	}
	return sq.Expr("(p.status <> ? OR p.publish_at > ? OR p.unpublish_at <= ?)", product.StatusActive, at, at)
}

// following is the least string above all that begin with prefix, which is visible ASCII.
func following(prefix string) string {
	last := len(prefix) - 1
	return prefix[:last] + string(rune(prefix[last]+1))
}
