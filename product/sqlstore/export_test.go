package sqlstore

import (
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/internal/searchtext"
	"github.com/productkit-go/productkit/product"
)

// ListSQL is the statement of a list, to be explained.
func (s *Store) ListSQL(q product.Query) (string, []any, error) {
	if mergeable(q) {
		query, args := s.tables.merged(q, []string{q.Category})
		return query, args, nil
	}
	return s.tables.list(q)
}

// MergedSQL is the statement of a list by category that has these categories below it.
func (s *Store) MergedSQL(q product.Query, below ...string) (string, []any) {
	return s.tables.merged(q, append([]string{q.Category}, below...))
}

// BelowSQL is the statement that looks which categories are below one.
func (s *Store) BelowSQL(root string) (string, []any) { return s.tables.below(subtree{root: root}) }

// ReadTags returns what a row's tags are read as without unmarshalling, and whether they can be.
func ReadTags(text string) ([]string, bool) {
	s := scanner{tags: []byte(text)}
	var p product.Product
	s.readText(&p)
	return p.Tags, plainList(s.tags)
}

// CountSQL is the statement that counts what a list selects.
func (s *Store) CountSQL(q product.Query) (string, []any, error) {
	return s.tables.count(q, product.MaxCount+1)
}

// HistorySQL is the statement of a page of a product's history.
func (s *Store) HistorySQL(id uuid.UUID, after *product.HistoryPosition) (string, []any, error) {
	return s.tables.history(id, after, product.MaxLimit)
}

// FindSQL is the statement that finds products by "id" or "live_sku".
func (s *Store) FindSQL(column string, keys []any) (string, []any, error) {
	keys = padded(keys)
	text, err := s.tables.find(lookup{column: column, keys: len(keys)})
	return text, keys, err
}

// LockSQL is the statement that locks products by "id", "live_sku" or "variant_key".
func (s *Store) LockSQL(column, index string, keys []any) (string, []any, error) {
	return s.tables.forUpdate(s.tables.look(column, index, keys), false).ToSql()
}

// UntagSQL is the statement that takes tags off products.
func (s *Store) UntagSQL(rows [][]any) (string, []any, error) { return s.tables.deleteTags(rows) }

// FeedSQL are the statements of the change feed, to be explained.
func (s *Store) FeedSQL(after, last product.Seq, arrivals []int64) map[string]func() (string, []any, error) {
	return map[string]func() (string, []any, error){
		"feed":       s.tables.feed,
		"unnumbered": s.tables.unnumbered,
		"number":     func() (string, []any, error) { return s.tables.number(last, arrivals) },
		"numbered":   func() (string, []any, error) { return s.tables.numbered(after, 100) },
		"ages":       func() (string, []any, error) { return s.tables.ages(after) },
		"pruneStock": func() (string, []any, error) { return s.tables.pruneStock(after, last) },
	}
}

// ReservationSQL are the statements of reservations, to be explained.
func (s *Store) ReservationSQL(ids []uuid.UUID, keys []product.ReservationID, now time.Time) map[string]func() (string, []any, error) {
	t := s.tables
	return map[string]func() (string, []any, error){
		"reservations":  t.findReservations(digests(keys)).ToSql,
		"held":          t.holdsOf(digests(keys)).ToSql,
		"expired":       t.expiredHolds(idKeys(ids), now).ToSql,
		"stock":         func() (string, []any, error) { return t.findStock(idKeys(ids), now) },
		"deleted holds": func() (string, []any, error) { return t.deleteHolds(idKeys(ids)) },
		"to be swept":   func() (string, []any, error) { return t.expiredProducts(now, 100) },
		"prune":         func() (string, []any, error) { return t.pruneReservations(now) },
	}
}

// Statement is one with its arguments.
type Statement struct {
	Query string
	Args  []any
}

// SearchSQL are the statements of a search, to be explained.
func (s *Store) SearchSQL(q product.Query) (all []Statement, err error) {
	matches, _ := s.tables.matches(searchtext.Parse(q.Text))
	for _, match := range matches {
		query, args, err := s.tables.hits(q, match, product.MaxHits)
		if err != nil {
			return nil, err
		}
		all = append(all, Statement{query, args})
	}
	return all, nil
}

// DocumentOf is what a product is found by.
func DocumentOf(p *product.Product) string {
	return documentValues(new(searchtext.Document), p)[1].(string)
}

// CategoriesSQL is the statement that counts products by category.
func (s *Store) CategoriesSQL(q product.Query) (string, []any, error) { return s.tables.categories(q) }

// Judge returns what is wrong with a server that has these settings.
func Judge(e Engine, settings map[string]string) []Finding {
	a := &Abilities{Engine: e, Settings: settings}
	a.judgeServer()
	return a.Findings
}

// OlderThan compares versions.
func OlderThan(version string, d Dialect) bool { return olderThan(version, oldest[d]) }

// Script is a statement as it is sent together with others.
func Script(query string, args ...any) (string, error) {
	var s script
	err := s.add(query, args)
	return s.take(), err
}

// Narrow has the store take the server's max_allowed_packet to be that. It is called before the first use.
func (s *Store) Narrow(bytes int) { s.abilities.Settings["max_allowed_packet"] = strconv.Itoa(bytes) }

// Statements returns how many texts are kept prepared on SQLite, and how many may be.
func (s *Store) Statements() (kept, most int) {
	return len(s.reads.(*statements).byText), maxStatements
}

// PageExports has each query of an export select so many rows. It is called before the first use.
func (s *Store) PageExports(rows int) { s.exportPage = rows }

// TogetherSQL is the statement of so many lists by category, which has none below it.
func (s *Store) TogetherSQL(q product.Query, lists int) (string, []any) {
	return s.tables.together(slices.Repeat([]product.Query{q}, lists))
}
