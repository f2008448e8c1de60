package sqlstore

import (
	sq "github.com/Masterminds/squirrel"

	"github.com/productkit-go/productkit/product"
)

// feedStep is how many records one transaction numbers or prunes: few milliseconds, for which
// other readers wait.
const feedStep = maxKeys

// byIndex is a table read by one index. Another plan may look cheaper on a small table, but it
// would meet rows that somebody else has locked.
func (t tables) byIndex(table, index string) string {
	if t.dialect == SQLite {
		return table
	}
	return table + " FORCE INDEX (" + index + ")"
}

// feed selects the state of the change feed. The unnumbered records are at the beginning of the
// index of positions, where all engines sort NULL.
func (t tables) feed() (string, []any, error) {
	row := " FROM " + t.changeFeed + " WHERE id = 1)"
	return sq.Select("(SELECT newest"+row, "(SELECT pruned"+row,
		"EXISTS (SELECT 1 FROM "+t.byIndex(t.changes, "seq")+" WHERE seq IS NULL)").ToSql()
}

func (t tables) lockFeed() (string, []any, error) {
	q := sq.Select("newest", "pruned").From(t.changeFeed).Where("id = 1")
	return t.forUpdate(q, false).ToSql()
}

func (t tables) insertFeed() (string, []any, error) {
	return sq.Insert(t.changeFeed).Columns("id", "newest", "pruned").Values(1, 0, 0).ToSql()
}

func (t tables) advanceFeed(newest product.Seq) (string, []any, error) {
	return sq.Update(t.changeFeed).Set("newest", int64(newest)).Where("id = 1").ToSql()
}

func (t tables) advancePruned(pruned product.Seq) (string, []any, error) {
	return sq.Update(t.changeFeed).Set("pruned", int64(pruned)).Where("id = 1").ToSql()
}

// unnumbered selects the arrivals of committed records without a position. It locks nothing: a
// locking read would wait for the records of every open transaction.
func (t tables) unnumbered() (string, []any, error) {
	return sq.Select("arrival").From(t.byIndex(t.changes, "seq")).
		Where("seq IS NULL").OrderBy("arrival").Limit(feedStep).ToSql()
}

// number gives records, by ascending arrival, the positions after newest. Arrivals that follow
// each other without a gap lie equally far from their positions, so there are few cases.
func (t tables) number(newest product.Seq, arrivals []int64) (string, []any, error) {
	distance := sq.Case()
	for i, arrival := range arrivals {
		if i+1 == len(arrivals) || arrivals[i+1] != arrival+1 {
			distance = distance.When(sq.Expr("arrival <= ?", arrival), sq.Expr("?", arrival-int64(newest)-int64(i)-1))
		}
	}
	keys := make([]any, len(arrivals))
	for i := range arrivals {
		keys[i] = arrivals[i]
	}
	return sq.Update(t.byIndex(t.changes, "PRIMARY")).
		Set("seq", sq.ConcatExpr("arrival - ", distance)).Where(in("arrival", keys)).ToSql()
}

// numbered selects a page of the feed.
func (t tables) numbered(after product.Seq, limit int) (string, []any, error) {
	return sq.Select(changeSelection...).From(t.byIndex(t.changes, "seq")).
		Where("seq > ?", int64(after)).OrderBy("seq").Limit(uint64(limit)).ToSql()
}

// ages selects positions and times behind a position.
func (t tables) ages(after product.Seq) (string, []any, error) {
	return sq.Select("seq", "changed_at").From(t.byIndex(t.changes, "seq")).
		Where("seq > ?", int64(after)).OrderBy("seq").Limit(feedStep).ToSql()
}

// pruneStock removes records of stock between two positions. Servers take an index by name only
// in the form for several tables.
func (t tables) pruneStock(after, last product.Seq) (string, []any, error) {
	verb := "DELETE FROM "
	if t.dialect != SQLite {
		verb = "DELETE " + t.changes + " FROM "
	}
	return sq.Expr(verb+t.byIndex(t.changes, "seq")+" WHERE seq > ? AND seq <= ? AND subject = 1", int64(after), int64(last)).ToSql()
}
