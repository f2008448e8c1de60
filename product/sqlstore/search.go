package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/internal/searchtext"
	"github.com/productkit-go/productkit/product"
)

// documentValues are the values of documentColumns. The document is made anew in d.
func documentValues(d *searchtext.Document, p *product.Product) []any {
	d.Reset()
	d.Add(searchtext.Name, p.Name)
	d.Add(searchtext.Code, p.SKU)
	d.Add(searchtext.Code, p.Barcode)
	d.Add(searchtext.Key, p.Vendor)
	d.Add(searchtext.Key, p.Category)
	d.Add(searchtext.Key, p.Group)
	for _, tag := range p.Tags {
		d.Add(searchtext.Key, tag)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Options)) {
		d.Add(searchtext.Key, p.Options[name])
	}
	d.Add(searchtext.Prose, p.Description)
	return []any{p.ID[:], d.String()}
}

// sameText reports whether two products have the same document for sure.
func sameText(a, b *product.Product) bool {
	return a.Name == b.Name && a.SKU == b.SKU && a.Barcode == b.Barcode && a.Vendor == b.Vendor &&
		a.Category == b.Category && a.Group == b.Group && a.Description == b.Description &&
		slices.Equal(a.Tags, b.Tags) && maps.Equal(a.Options, b.Options)
}

// index writes documents. Those of deleted products stay, to be found among the deleted.
func (w *writer) index(ctx context.Context, newDocuments, oldDocuments [][]any) error {
	t := w.tables
	overwrite := func() error {
		return w.insert(ctx, t.search, documentColumns, oldDocuments, t.overwrite(documentColumns))
	}
	if t.dialect != SQLite {
		return firstError(overwrite, func() error { return w.insert(ctx, t.search, documentColumns, newDocuments, "") })
	}
	old := firstValues(oldDocuments)
	return firstError(
		func() error { return execKeys(ctx, w, t.removeWords, old) },
		overwrite,
		func() error { return execKeys(ctx, w, t.addWords, old) },
		func() error { return w.indexNew(ctx, newDocuments) },
	)
}

// indexNew writes documents of new products, and adds them to SQLite's index.
func (w *writer) indexNew(ctx context.Context, documents [][]any) error {
	ids, err := w.insertEach(ctx, w.tables.search, documentColumns, documents, "")
	if err != nil {
		return err
	}
	words := make([][]any, len(documents))
	for i, document := range documents {
		words[i] = []any{ids[i], document[1]}
	}
	_, err = w.insertEach(ctx, w.tables.words(), wordColumns, words, "")
	return err
}

func firstValues(rows [][]any) []any {
	values := make([]any, len(rows))
	for i, row := range rows {
		values[i] = row[0]
	}
	return values
}

// hit is a product that a search has found.
type hit struct {
	id   uuid.UUID
	rank int
}

// looseCandidates is how many times as many products are looked at where the index cannot tell all
// that is meant, such as that words stand side by side.
const looseCandidates = 10

// search returns what q.Text finds among q's products, best first and at most that many. Go has
// the last word on what matches and how well; the engine's index says where to look.
func (s *Store) search(ctx context.Context, on querier, q product.Query, most int) ([]hit, error) {
	if s.opts.NoSearch {
		return nil, product.ErrSearchOff
	}
	query := searchtext.Parse(q.Text)
	if query.Empty() {
		return nil, nil
	}
	matches, loose := s.tables.matches(query)
	candidates := most
	if loose {
		candidates *= looseCandidates
	}
	found := map[uuid.UUID]int{}
	for _, match := range matches {
		statement, args, err := s.tables.hits(q, match, candidates)
		if err != nil {
			return nil, err
		}
		if err := rank(ctx, on, &query, found, statement, args); err != nil {
			return nil, err
		}
		if len(found) >= most {
			break
		}
	}
	hits := make([]hit, 0, len(found))
	for id, rank := range found {
		hits = append(hits, hit{id, rank})
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.rank, a.rank), bytes.Compare(a.id[:], b.id[:]))
	})
	return hits[:min(len(hits), most)], nil
}

// rank adds the products of a statement of hits that match, with how well they do.
func rank(ctx context.Context, on querier, query *searchtext.Query, found map[uuid.UUID]int, statement string, args []any) error {
	rows, err := on.QueryContext(ctx, statement, args...)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = rows.Close() }()
	var raw, tokens sql.RawBytes
	for rows.Next() {
		if err := scan(rows, "document", &raw, &tokens); err != nil {
			return err
		}
		var id uuid.UUID
		if err := readID(&id, raw); err != nil {
			return corrupt("document", raw, err)
		}
		if _, known := found[id]; known {
			continue
		}
		if rank, ok := query.Rank(string(tokens)); ok {
			found[id] = rank
		}
	}
	return classify(rows.Err())
}

// listHits returns a page of what q.Text finds.
func (s *Store) listHits(ctx context.Context, on querier, q product.Query) ([]product.Product, error) {
	hits, err := s.search(ctx, on, q, product.MaxHits)
	if err != nil || len(hits) == 0 {
		return nil, err
	}
	ids := make([]uuid.UUID, len(hits))
	for i := range hits {
		ids[i] = hits[i].id
	}
	if q.Sort != "" {
		query, args, err := s.tables.page(s.tables.among(idKeys(ids)), q)
		if err != nil {
			return nil, err
		}
		return readProducts(ctx, on, nil, query, args)
	}
	if at := q.After; at != nil {
		begin := slices.Index(ids, at.ID) + 1
		if begin == 0 {
			begin = min(int(at.Int), len(ids))
		}
		ids = ids[begin:]
	}
	// Some may have gone since they were found: that must not look like the last page.
	var page []product.Product
	for len(ids) > 0 && len(page) < q.Limit {
		n := min(len(ids), q.Limit-len(page))
		if page, err = s.inOrder(ctx, on, q, page, ids[:n]); err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return page, nil
}

// inOrder adds those of the products that q still selects, in the order of their IDs in ids.
func (s *Store) inOrder(ctx context.Context, on querier, q product.Query, into []product.Product, ids []uuid.UUID) ([]product.Product, error) {
	query, args, err := s.tables.filter(s.tables.among(idKeys(ids)), q).ToSql()
	if err != nil {
		return nil, err
	}
	products, err := readProducts(ctx, on, nil, query, args)
	if err != nil {
		return nil, err
	}
	place := make(map[uuid.UUID]int, len(ids))
	for i, id := range ids {
		place[id] = i
	}
	slices.SortFunc(products, func(a, b product.Product) int { return place[a.ID] - place[b.ID] })
	return append(into, products...), nil
}
