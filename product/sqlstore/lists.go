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
	if len(queries) == 1 { // nothing is shared
		page, err := s.List(ctx, queries[0])
		return [][]product.Product{page}, err
	}
	pages := make([][]product.Product, len(queries))
	alike := make(map[string][]int) // by text
	args := make([][]any, len(queries))
	for i, q := range queries {
		var text string
		text, args[i] = s.tables.merged(q, []string{q.Category})
		alike[text] = append(alike[text], i)
	}
	for text, which := range alike {
		if len(which) == 1 {
			continue
		}
		if err := s.readPages(ctx, pages, text, args, which); err != nil {
			return nil, err
		}
		for _, i := range which {
			arrange(pages[i], queries[i].Sort)
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

// readPages reads those of the pages whose statements have the same text by one.
func (s *Store) readPages(ctx context.Context, pages [][]product.Product, text string, args [][]any, which []int) error {
	var all []any
	for _, i := range which {
		all = append(all, args[i]...)
	}
	rows, err := s.reads.QueryContext(ctx, together(text, len(which)), all...)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = rows.Close() }()
	scan := scanProducts(rows)
	var part integer
	scan.dest = append([]any{&part}, scan.dest...)
	for rows.Next() {
		var p product.Product
		if err := scan.scanInto(&p); err != nil {
			return err
		}
		page := &pages[which[part.value]]
		*page = append(*page, p)
	}
	return classify(rows.Err())
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

// together selects what n statements of the same text do, behind the number of the statement.
func together(text string, n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf("(SELECT %d, %s)", i, strings.TrimPrefix(text, "SELECT "))
	}
	return strings.Join(parts, " UNION ALL ")
}
