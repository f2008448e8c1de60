package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	sq "github.com/Masterminds/squirrel"

	"github.com/productkit-go/productkit/product"
)

var reservationColumns = []string{"id", "reservation_key", "state", "items", "created_at", "expires_at", "ends_at"}

func (t tables) findReservations(ids []any) sq.SelectBuilder {
	return sq.Select(reservationColumns...).From(t.byIndex(t.reservations, "PRIMARY")).Where(in("id", ids))
}

// Reservations returns reservations; see [product.Store].
func (s *Store) Reservations(ctx context.Context, ids []product.ReservationID) ([]product.Reservation, error) {
	return lookUp(ctx, s.reads, digests(ids), func(ids []any) (string, []any, error) {
		return s.tables.findReservations(ids).ToSql()
	}, scanReservation)
}

// reservations looks reservations up. It locks them for the reasons that there are for idempotency
// records.
func (w *writer) reservations(ctx context.Context, ids []product.ReservationID, noWait bool) ([]product.Reservation, error) {
	return lookUp(ctx, w.q, digests(ids), func(ids []any) (string, []any, error) {
		return w.locking(w.tables.findReservations(ids), noWait).ToSql()
	}, scanReservation)
}

func reservationValues(r *product.Reservation) ([]any, error) {
	items, err := jsonText(r.Items, len(r.Items))
	if err != nil {
		return nil, fmt.Errorf("%w: reservation %x: %w", errOurs, r.ID, err)
	}
	ends := r.ExpiresAt
	if !r.SettledAt.IsZero() {
		ends = r.SettledAt
	}
	return []any{r.ID[:], r.Key, string(r.State), items, r.CreatedAt.UnixMicro(), r.ExpiresAt.UnixMicro(), ends.UnixMicro()}, nil
}

func scanReservation(rows *sql.Rows) (product.Reservation, error) {
	var r product.Reservation
	var id, items sql.RawBytes
	var created, expires, ends int64
	if err := scan(rows, "reservation", &id, &r.Key, &r.State, &items, &created, &expires, &ends); err != nil {
		return r, err
	}
	if err := json.Unmarshal(items, &r.Items); err != nil {
		return r, corrupt("reservation", id, err)
	}
	copy(r.ID[:], id)
	r.CreatedAt, r.ExpiresAt = fromMicros(created), fromMicros(expires)
	if r.State != product.Held {
		r.SettledAt = fromMicros(ends)
	}
	return r, nil
}

// pruneReservations removes a bounded number of reservations that ended long ago.
func (t tables) pruneReservations(before time.Time) (string, []any, error) {
	return t.pruneOldest(t.reservations, "ends_at", before)
}

// reservationRows are the rows that a decision adds and those that it replaces.
func reservationRows(d *product.Decision) (added, replaced [][]any, err error) {
	made, changed := d.Reservations()
	rows := make([][]any, 0, len(made)+len(changed))
	for _, list := range [][]product.Reservation{made, changed} {
		for i := range list {
			values, err := reservationValues(&list[i])
			if err != nil {
				return nil, nil, err
			}
			rows = append(rows, values)
		}
	}
	return rows[:len(made)], rows[len(made):], nil
}
