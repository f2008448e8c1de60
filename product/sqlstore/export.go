package sqlstore

import (
	"context"
	"database/sql/driver"

	"github.com/productkit-go/productkit/product"
)

// exportPage is how many rows one query of an export selects. They stream, so it bounds no memory, but
// what a server may have to wait with, for its net_write_timeout, until it is taken: few MB, which sockets
// hold. Between two pages it does nothing, which were they of 2,000 rows would be an eighth of the time.
const exportPage = 10_000

// Export calls each with the products of a snapshot; see [product.Store]. It pins one connection
// for as long as it takes, and does not lock: writers go on.
func (s *Store) Export(ctx context.Context, q product.Query, each func(product.Row) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return unavailable(err)
	}
	defer func() { _ = conn.Close() }()
	begin := []string{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"}
	if s.engine.Dialect == SQLite {
		begin = []string{"BEGIN DEFERRED"} // the first SELECT takes the snapshot (sqlite.org/isolation.html)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil && s.engine.Dialect != SQLite {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // its transaction may still be open
		}
	}()
	for _, statement := range begin {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return classify(err)
		}
	}
	return s.exportPages(ctx, conn, q, each)
}

func (s *Store) exportPages(ctx context.Context, from querier, q product.Query, each func(product.Row) error) error {
	if !matchable(q) {
		return nil
	}
	for after := ""; ; {
		query, args, err := s.tables.export(q, after, s.exportPage)
		if err != nil {
			return err
		}
		n := 0
		err = streamRows(ctx, from, query, args, func(r product.Row) error {
			n, after = n+1, r.Product.SKU
			return each(r)
		})
		if err != nil || n < s.exportPage {
			return err
		}
	}
}

// streamRows calls each with every row that a query selects, as they come.
func streamRows(ctx context.Context, from querier, query string, args []any, each func(product.Row) error) error {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = rows.Close() }()
	scan := scanProducts(rows).withStock()
	for rows.Next() {
		row, err := scan.scanRow()
		if err != nil {
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return classify(rows.Err())
}

// Preview decides without locks; see [product.Store].
func (s *Store) Preview(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	w := s.writer(s.reads)
	w.unlocked = true
	d, err := w.decide(ctx, b)
	if err != nil {
		return nil, err
	}
	return d.Outcomes(), nil
}
