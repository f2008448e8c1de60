package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync"

	"github.com/productkit-go/productkit/product"
)

// A list by category selects everything below it, too. No index has a whole subtree in the order of
// creation, but by_category has each of its categories so. So a page is merged from the pages of the
// categories that are there. Which they are is remembered from the last look, as a guess that the
// statement itself checks: it selects nothing if there is another one, and then we look again.

// maxBranches is how many categories one statement merges. What has more is dense enough to be found
// along the order of the whole catalogue, or the servers' statistics know better.
const maxBranches = 32

// maxSubtrees is how many guesses are kept: a few MB at most.
const maxSubtrees = 1000

// subtree is a category with everything below it, among the live products or the deleted ones.
type subtree struct {
	root    string
	deleted bool
}

// subtrees remembers which categories a subtree has. It is safe for concurrent use.
type subtrees struct {
	mu       sync.RWMutex
	branches map[subtree][]string
}

// guess returns the categories of a subtree as of the last look, and of an unknown one its root.
func (s *subtrees) guess(of subtree) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if known, ok := s.branches[of]; ok {
		return known
	}
	return []string{of.root}
}

func (s *subtrees) learn(of subtree, branches []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(branches) == 0 || len(branches) == 1 && branches[0] == of.root {
		delete(s.branches, of) // as guessed without
		return
	}
	if s.branches == nil || len(s.branches) >= maxSubtrees {
		s.branches = map[subtree][]string{}
	}
	s.branches[of] = branches
}

// mergeable reports whether by_category has the order of q's page and no other filter is likely to
// leave less of it than the category does.
func mergeable(q product.Query) bool {
	category := q.Category
	q.Category = ""
	return category != "" && sortColumn(q) == "p.created_at" && !selective(q)
}

// listSubtree lists a page of a mergeable query. It reports false if it cannot tell what is on it.
func (s *Store) listSubtree(ctx context.Context, q product.Query) (page []product.Product, ok bool, err error) {
	of := subtree{q.Category, q.Deleted}
	branches := s.subtrees.guess(of)
	for range 2 {
		if len(branches) > maxBranches {
			return nil, false, nil
		}
		query, args := s.tables.merged(q, branches)
		page, err = readProducts(ctx, s.reads, make([]product.Product, 0, min(q.Limit, product.MaxLimit+1)), query, args)
		if err != nil || len(page) > 0 {
			return page, true, err
		}
		query, args = s.tables.below(of)
		found, err := readAll(ctx, s.reads, []string{of.root}, query, args, scanCategory)
		if err != nil {
			return nil, true, err
		}
		s.subtrees.learn(of, found)
		if slices.Equal(found, branches) {
			break // nothing is selected, or the categories have changed and changed back
		}
		branches = found
	}
	return nil, false, nil
}

func scanCategory(rows *sql.Rows) (path string, err error) {
	err = scan(rows, "category", &path)
	return path, err
}

// below selects the categories below the root that products have, in order, until they are too
// many. Grouped by all of the index's beginning, the servers skip from one to the next.
func (t tables) below(of subtree) (string, []any) {
	return "SELECT p.category FROM " + t.byIndex(t.products+" p", "by_category") +
		" WHERE p.deleted = ? AND p.category > ? AND p.category < ?" +
		" GROUP BY p.deleted, p.category ORDER BY p.deleted, p.category" + t.limit(), append(of.below(), maxBranches)
}

// below are the arguments for everything below the root.
func (of subtree) below() []any { return of.between(of.root+"/", of.root+"0") }

// between are those for what is between two categories.
func (of subtree) between(lower, upper any) []any { return []any{number(of.deleted), lower, upper} }

// branch is what a page of q takes from one of its categories, behind fromBranch, and its arguments behind the category.
func (t tables) branch(q product.Query) (text string, args []any) {
	q.Category = ""
	w := t.conditions(q)
	w.after(q)
	return "p.category = ? AND " + w.text + order(q) + t.limit(), append(w.args, q.Limit)
}

func (t tables) fromBranch() string {
	return " FROM " + t.byIndex(t.products+" p", "by_category") + " WHERE "
}

// gap is where a category is that nobody has guessed: between two others.
const gap = "o.deleted = ? AND o.category > ? AND o.category < ?"

// inGaps selects a column of one product in these gaps, if there is any.
func (t tables) inGaps(column, gaps string) string {
	return "(SELECT " + column + " FROM " + t.byIndex(t.products+" o", "by_category") + " WHERE " + gaps + " LIMIT 1)"
}

// merged selects a page of q from these of its categories, of which the root is the first and the
// others are in order, and nothing if there are more.
func (t tables) merged(q product.Query, branches []string) (string, []any) {
	of := subtree{q.Category, q.Deleted}
	from, unknown := t.fromBranch(), t.inGaps("1", gap)+" IS NULL"
	branch, branchArgs := t.branch(q)
	if len(branches) == 1 {
		args := append(of.below(), of.root)
		return "SELECT " + productSelection + from + unknown + " AND " + branch, append(args, branchArgs...)
	}
	// Few texts, so that they stay prepared: there are as many parts as a power of two, and those
	// without a category select nothing, as do looks into gaps between them that are not there.
	parts := 1
	for parts < len(branches) {
		parts *= 2
	}
	var args, gaps []any
	lower := any(of.root + "/")
	for i := range parts {
		var category any
		upper := any(of.root + "0")
		if i < len(branches) {
			category = branches[i]
		}
		if i+1 < len(branches) {
			upper = branches[i+1]
		}
		args = append(append(args, category), branchArgs...)
		gaps = append(gaps, of.between(lower, upper)...)
		lower = upper
	}
	part := "SELECT * FROM (SELECT p.id, p.created_at" + from + branch + ") q"
	united := strings.NewReplacer("p.", "u.").Replace(order(q)) + t.limit()
	return "SELECT " + productSelection + " FROM (SELECT u.id, u.created_at FROM (" + part + strings.Repeat(" UNION ALL "+part, parts-1) + ") u WHERE " +
		unknown + strings.Repeat(" AND "+unknown, parts-1) + united + ") q" + t.joined() + order(q), append(append(args, gaps...), q.Limit)
}

// joined is the products of q's IDs, looked up one after the other.
func (t tables) joined() string {
	join := " STRAIGHT_JOIN "
	if t.dialect == SQLite {
		join = " CROSS JOIN " // which keeps the order of the tables, too
	}
	return join + t.products + " p ON p.id = q.id"
}
