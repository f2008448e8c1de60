package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/productkit-go/productkit/product"
)

// Joins reports whether a page is one that Lists reads together with others: of a category that is
// taken to have none below it, by nothing else, so that it takes as many rows of an index as it shows. On SQLite
// there is no way to a server to be saved; see [product.Lister].
func (s *Store) Joins(q product.Query) bool {
	plain := product.Query{Category: q.Category, Sort: q.Sort, Limit: q.Limit, Cursor: q.Cursor, Now: q.Now, After: q.After}
	return s.engine.Dialect != SQLite && q == plain && mergeable(q) && matchable(q) && len(s.subtrees.guess(subtree{root: q.Category})) == 1
}

// Lists returns a page of each query; see [product.Lister].
func (s *Store) Lists(ctx context.Context, queries []product.Query) ([][]product.Product, error) {
	pages := make([][]product.Product, len(queries))
	type shape struct { // of a statement
		sort  product.Sort
		first bool // page of the list
	}
	alike := make(map[shape][]int)
	for i, q := range queries {
		of := shape{q.Sort, q.After == nil}
		alike[of] = append(alike[of], i)
	}
	for of, which := range alike {
		if len(which) == 1 { // nothing is shared
			continue
		}
		read, err := s.readPages(ctx, picked(queries, which))
		if err != nil {
			return nil, err
		}
		for i, page := range read {
			arrange(page, of.sort)
			pages[which[i]] = page
		}
	}
	for i, q := range queries {
		if len(pages[i]) > 0 {
			continue
		}
		var err error
		if pages[i], err = s.List(ctx, q); err != nil { // which knows what it means that nothing was selected
			return nil, err
		}
	}
	return pages, nil
}

// readPages reads the pages of queries of one shape by one statement, in no order, or none of them if any category has
// others below it.
func (s *Store) readPages(ctx context.Context, queries []product.Query) ([][]product.Product, error) {
	text, args := s.tables.together(queries)
	rows, err := s.reads.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }()
	pages := make([][]product.Product, len(queries))
	for i, q := range queries {
		pages[i] = make([]product.Product, 0, min(q.Limit, product.MaxLimit+1))
	}
	scan := scanProducts(rows)
	var part integer
	scan.dest = append([]any{&part}, scan.dest...)
	var p product.Product
	for rows.Next() {
		p = product.Product{}
		if err := scan.scanInto(&p); err != nil {
			return nil, err
		}
		if part.value == int64(len(queries)) {
			return nil, nil
		}
		pages[part.value] = append(pages[part.value], p)
	}
	return pages, classify(rows.Err())
}

func picked(all []product.Query, which []int) []product.Query {
	some := make([]product.Query, len(which))
	for i, n := range which {
		some[i] = all[n]
	}
	return some
}

// arrange puts a page into the order of its creation: a UNION promises none
// (dev.mysql.com/doc/refman/9.7/en/union.html), though servers keep that of its parts.
func arrange(page []product.Product, by product.Sort) {
	slices.SortFunc(page, func(a, b product.Product) int {
		if by.Descending() {
			a, b = b, a
		}
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), bytes.Compare(a.ID[:], b.ID[:]))
	})
}

// together selects pages of queries of one shape, each behind its number, and behind the next number a product of any
// category below theirs. Only the IDs are united, since servers copy what is.
func (t tables) together(queries []product.Query) (string, []any) {
	var united strings.Builder
	var args, gaps []any
	from := t.fromBranch()
	for i, q := range queries {
		branch, branchArgs := t.branch(q)
		fmt.Fprintf(&united, "(SELECT %d AS part, p.id%s%s) UNION ALL ", i, from, branch)
		args = append(append(args, q.Category), branchArgs...)
		gaps = append(gaps, subtree{root: q.Category}.below()...)
	}
	united.WriteString(t.inGaps(fmt.Sprintf("%d, o.id", len(queries)), gap+strings.Repeat(" OR "+gap, len(queries)-1)))
	return "SELECT q.part, " + productSelection + " FROM (" + united.String() + ") q" + t.joined(), append(args, gaps...)
}
