package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// Store keeps products in a SQL database. It is safe for concurrent use, holds no connection
// between calls, starts no goroutine and needs no closing; the [sql.DB] stays its owner's.
type Store struct {
	db     *sql.DB
	reads  querier
	opts   Options
	engine Engine
	tables tables

	abilities  *Abilities
	subtrees   *subtrees
	lookups    *lookups
	exportPage int

	queue chan struct{} // SQLite has one writer at a time; they queue here instead of polling
	added atomic.Int64  // rows that are pruned again
	wary  atomic.Int64  // batches that look before they insert, after a collision
	fresh atomic.Bool   // the last batch of an import made products
}

// New returns a Store on db. It asks the database what it is and says what it lacks: it changes
// nothing and never migrates. What only makes it slow or forgetful stands in the log, and in
// [Store.Abilities].
//
// Errors: [ErrNotMigrated], [product.ErrUnavailable], or a sentence for whatever is too old or
// set wrongly.
func New(ctx context.Context, db *sql.DB, opts *Options) (*Store, error) {
	o, err := opts.resolve()
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = conn.Close() }()
	abilities, err := probe(ctx, conn)
	if err != nil {
		return nil, err
	}
	engine := abilities.Engine
	s := &Store{db: db, reads: db, opts: o, engine: engine, abilities: abilities, subtrees: new(subtrees), lookups: new(lookups), exportPage: exportPage, tables: newTables(engine.Dialect, o.TablePrefix)}
	if err := checkSchema(ctx, conn, engine, s.tables); err != nil {
		return nil, err
	}
	if err := abilities.probeTables(ctx, conn, o.TablePrefix); err != nil {
		return nil, err
	}
	if !o.NoSearch {
		if err := engine.probeSearch(ctx, conn); err != nil {
			return nil, err
		}
	}
	if engine.Dialect == SQLite {
		s.queue = make(chan struct{}, 1)
		s.reads = &statements{DB: db}
	}
	abilities.log(o.Logger)
	return s, nil
}

// Limits returns those of the options that are a caller's business, with their defaults.
func (s *Store) Limits() product.StoreLimits {
	return product.StoreLimits{
		KeepIdempotency: s.opts.KeepIdempotency, KeepReservations: s.opts.KeepReservations,
		LockWait: s.opts.LockWait, SettleTimeout: s.opts.SettleTimeout,
	}
}

// Engine returns the database that New found.
func (s *Store) Engine() Engine { return s.engine }

// Abilities returns what New found out about the database. It must not be modified.
func (s *Store) Abilities() *Abilities { return s.abilities }

// Find returns the live products with these keys; see [product.Store].
func (s *Store) Find(ctx context.Context, keys []product.Key) ([]product.Product, error) {
	ids := make([]any, 0, len(keys))
	var skus []any
	for i := range keys {
		switch key := &keys[i]; { // of a copy each ID would be another allocation
		case key.SKU == "":
			ids = append(ids, key.ID[:])
		case product.ValidSKU(key.SKU): // any other is nobody's, and may not be compared (error 1267)
			skus = append(skus, key.SKU)
		}
	}
	var found []product.Product
	var err error
	if found, err = s.find(ctx, found, lookup{column: "id"}, ids); err != nil {
		return nil, err
	}
	if found, err = s.find(ctx, found, lookup{column: "live_sku"}, skus); err != nil {
		return nil, err
	}
	if len(ids) > 0 && len(skus) > 0 {
		found = distinct(found)
	}
	return found, nil
}

func (s *Store) find(ctx context.Context, found []product.Product, l lookup, keys []any) ([]product.Product, error) {
	found = slices.Grow(found, len(keys))
	for chunk := range slices.Chunk(keys, maxKeys) {
		args := padded(chunk)
		l.keys = len(args)
		query, err := s.lookups.text(l, s.tables.find)
		if err != nil {
			return nil, err
		}
		if found, err = readProducts(ctx, s.reads, found, query, args); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// distinct drops the second of two products with the same ID, in which it may be newer.
func distinct(products []product.Product) []product.Product {
	seen := make(map[uuid.UUID]bool, len(products))
	return slices.DeleteFunc(products, func(p product.Product) bool {
		again := seen[p.ID]
		seen[p.ID] = true
		return again
	})
}

func readProducts(ctx context.Context, q querier, into []product.Product, query string, args []any) ([]product.Product, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }()
	scan := scanProducts(rows)
	for rows.Next() {
		into = append(into, product.Product{})
		if err := scan.scanInto(&into[len(into)-1]); err != nil {
			return nil, err
		}
	}
	return into, classify(rows.Err())
}

// pinned reads on one connection what takes several statements. Whoever asked for one again and again
// would be refused, when many wait for connections, with most of the work done in vain.
func (s *Store) pinned(ctx context.Context, read func(on querier) error) error {
	if tx, ok := s.reads.(*sql.Tx); ok {
		return read(tx)
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return unavailable(err)
	}
	defer func() { _ = conn.Close() }()
	return read(conn)
}

// FindDeleted returns the deleted products with these IDs; see [product.Store].
func (s *Store) FindDeleted(ctx context.Context, ids []uuid.UUID) ([]product.Product, error) {
	return s.find(ctx, nil, lookup{column: "id", deleted: true}, idKeys(ids))
}

// Stock returns the stock of the live products with these IDs; see [product.Store].
func (s *Store) Stock(ctx context.Context, ids []uuid.UUID, now time.Time) ([]product.Stock, error) {
	return lookUp(ctx, s.reads, idKeys(ids), func(ids []any) (string, []any, error) {
		return s.tables.findStock(ids, now)
	}, scanStock)
}

func scanStock(rows *sql.Rows) (product.Stock, error) {
	var stock product.Stock
	var id sql.RawBytes
	if err := scan(rows, "stock", &id, &stock.OnHand, &stock.Reserved, &stock.Version); err != nil {
		return stock, err
	}
	if err := readID(&stock.ProductID, id); err != nil {
		return stock, corrupt("stock", id, err)
	}
	return stock, nil
}

// List returns a page; see [product.Store].
func (s *Store) List(ctx context.Context, q product.Query) (page []product.Product, err error) {
	if !matchable(q) {
		return nil, nil
	}
	if q.Text != "" {
		err = s.pinned(ctx, func(on querier) error {
			page, err = s.listHits(ctx, on, q)
			return err
		})
		return page, err
	}
	if mergeable(q) {
		if page, ok, err := s.listSubtree(ctx, q); ok {
			return page, err
		}
	}
	query, args, err := s.tables.list(q)
	if err != nil {
		return nil, err
	}
	return readProducts(ctx, s.reads, make([]product.Product, 0, min(q.Limit, product.MaxLimit+1)), query, args)
}

// Count returns how many products a query selects; see [product.Store].
func (s *Store) Count(ctx context.Context, q product.Query, most int) (n int, err error) {
	if !matchable(q) {
		return 0, nil
	}
	if q.Text != "" {
		err = s.pinned(ctx, func(on querier) error {
			hits, err := s.search(ctx, on, q, most)
			n = len(hits)
			return err
		})
		return n, err
	}
	query, args, err := s.tables.count(q, most)
	if err != nil {
		return 0, err
	}
	return n, classify(s.reads.QueryRowContext(ctx, query, args...).Scan(&n))
}

// Categories calls each with the categories of a query and their products; see [product.Store].
func (s *Store) Categories(ctx context.Context, q product.Query, each func(path string, products int) error) error {
	if !matchable(q) {
		return nil
	}
	query, args, err := s.tables.categories(q)
	if err != nil {
		return err
	}
	rows, err := s.reads.QueryContext(ctx, query, args...)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var path string
		var products int
		if err := scan(rows, "category", &path, &products); err != nil {
			return err
		}
		if err := each(path, products); err != nil {
			return err
		}
	}
	return classify(rows.Err())
}

// matchable reports whether any product can have what q asks for. Text that no column can hold
// may not be compared with it either (errors 1267 and 1300).
func matchable(q product.Query) bool {
	for _, s := range []string{q.SKUPrefix, q.Currency, string(q.Status)} {
		for i := range len(s) {
			if s[i] <= ' ' || s[i] > '~' {
				return false
			}
		}
	}
	for _, s := range []string{q.Category, q.Tag, q.Vendor, q.Group} {
		if !utf8.ValidString(s) {
			return false
		}
	}
	if at := q.After; at != nil && !utf8.ValidString(at.Text) {
		return false
	}
	return true
}

// History returns a product's changes; see [product.Store].
func (s *Store) History(ctx context.Context, id uuid.UUID, after *product.HistoryPosition, limit int) ([]product.Change, error) {
	query, args, err := s.tables.history(id, after, limit)
	if err != nil {
		return nil, err
	}
	return readChanges(ctx, s.reads, query, args, math.MaxInt)
}

// readChanges reads records until they have this many bytes, and at least one.
func readChanges(ctx context.Context, q querier, query string, args []any, most int) ([]product.Change, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }()
	var changes []product.Change
	for bytes := 0; bytes < most && rows.Next(); {
		c, err := scanChange(rows)
		if err != nil {
			return nil, err
		}
		bytes += c.Size()
		changes = append(changes, c)
	}
	return changes, classify(rows.Err())
}

func idKeys(ids []uuid.UUID) []any {
	keys := make([]any, len(ids))
	for i := range ids {
		keys[i] = ids[i][:]
	}
	return keys
}
