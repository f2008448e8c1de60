package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

var holdColumns = []string{"id", "reservation_id", "product_id", "quantity", "expires_at"}

// holdsOf selects what reservations hold.
func (t tables) holdsOf(reservations []any) sq.SelectBuilder {
	return t.findHolds("by_reservation").Where(in("h.reservation_id", reservations))
}

// expiredHolds selects what has expired of products.
func (t tables) expiredHolds(products []any, now time.Time) sq.SelectBuilder {
	return t.findHolds("by_product").Where(in("h.product_id", products)).Where("h.expires_at <= ?", now.UnixMicro())
}

// findHolds selects holds by an index. The reservation's key comes from a query of its own, so that
// whoever locks does not lock the reservation.
func (t tables) findHolds(index string) sq.SelectBuilder {
	key := "(SELECT r.reservation_key FROM " + t.reservations + " r WHERE r.id = h.reservation_id)"
	return sq.Select(qualified("h", holdColumns), key).From(t.byIndex(t.holds+" h", index))
}

// expiredProducts selects products of which something has expired, those that wait longest first.
// A product comes as often as it has such holds.
func (t tables) expiredProducts(now time.Time, limit int) (string, []any, error) {
	return sq.Select("product_id").From(t.byIndex(t.holds, "by_expiry")).
		Where("expires_at <= ?", now.UnixMicro()).OrderBy("expires_at").Limit(uint64(limit)).ToSql()
}

// stockAsOf are stockSelection's columns with what has expired by now released. The subqueries
// are part of one statement, so they see the same moment as the row; where nothing is reserved
// they are not run.
func (t tables) stockAsOf(q sq.SelectBuilder, now time.Time) sq.SelectBuilder {
	return q.Columns("s.product_id", "s.on_hand").
		Column(sq.ConcatExpr("s.reserved - ", t.expired("SUM(h.quantity)", now))).
		Column(sq.ConcatExpr("s.version + ", t.expired("COUNT(*)", now)))
}

// expired aggregates the expired holds of the stock s.
func (t tables) expired(aggregate string, now time.Time) sq.Sqlizer {
	return sq.Expr(t.expiredText(aggregate), now.UnixMicro())
}

// expiredText has a placeholder for now. SUM is a decimal on servers, which would make decimals of all
// that is reckoned with it, and text of those.
func (t tables) expiredText(aggregate string) string {
	return "CASE WHEN s.reserved = 0 THEN 0 ELSE CAST(COALESCE((SELECT " + aggregate + " FROM " + t.byIndex(t.holds+" h", "by_product") +
		" WHERE h.product_id = s.product_id AND h.expires_at <= ?), 0) AS SIGNED) END"
}

// Expired returns products of which something has expired; see [product.Store].
func (s *Store) Expired(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	query, args, err := s.tables.expiredProducts(now, limit)
	if err != nil {
		return nil, err
	}
	ids, err := readAll(ctx, s.reads, nil, query, args, scanID("hold"))
	seen := make(map[uuid.UUID]bool, len(ids))
	return slices.DeleteFunc(ids, func(id uuid.UUID) bool {
		again := seen[id]
		seen[id] = true
		return again
	}), err
}

// holds looks up what reservations hold and what has expired of products, all of whose rows are
// locked.
//
// It does not lock the holds: READ COMMITTED shows what was there before the rows were locked, and
// a locking read of an index would wait for the holds of the next product, whose own transaction may
// be waiting for ours. Only in a host's transaction, which may look at an older snapshot, does it
// lock.
func (w *writer) holds(ctx context.Context, need product.Needs, noWait bool) ([]product.Hold, error) {
	lock := func(q sq.SelectBuilder) sq.SelectBuilder {
		if w.hosted {
			q = w.locking(q, noWait)
		}
		return q
	}
	held, err := lookUp(ctx, w.q, digests(need.Holds), func(ids []any) (string, []any, error) {
		return lock(w.tables.holdsOf(ids)).ToSql()
	}, scanHold)
	if err != nil {
		return nil, err
	}
	expired, err := lookUp(ctx, w.q, idKeys(need.Expired), func(ids []any) (string, []any, error) {
		return lock(w.tables.expiredHolds(ids, need.Time)).ToSql()
	}, scanHold)
	return append(held, expired...), err
}

func (t tables) deleteHolds(ids []any) (string, []any, error) {
	return sq.Delete(t.holds).Where(in("id", ids)).ToSql()
}

// holdRows are the rows that a decision adds and the keys of those that it removes.
func holdRows(d *product.Decision) (added [][]any, removed []any) {
	made, ended := d.Holds()
	for i := range made {
		added = append(added, holdValues(&made[i]))
	}
	for i := range ended {
		removed = append(removed, ended[i].ID[:])
	}
	return added, removed
}

func holdValues(h *product.Hold) []any {
	return []any{h.ID[:], h.Reservation[:], h.ProductID[:], h.Quantity, h.ExpiresAt.UnixMicro()}
}

func scanHold(rows *sql.Rows) (product.Hold, error) {
	var h product.Hold
	var id, reservation, productID sql.RawBytes
	var expires int64
	var key sql.NullString
	if err := scan(rows, "hold", &id, &reservation, &productID, &h.Quantity, &expires, &key); err != nil {
		return h, err
	}
	err := readID(&h.ID, id)
	if err == nil {
		err = readID(&h.ProductID, productID)
	}
	if err != nil {
		return h, corrupt("hold", id, err)
	}
	copy(h.Reservation[:], reservation)
	h.ExpiresAt, h.Key = fromMicros(expires), key.String
	return h, nil
}
