package sqlstore

import (
	"slices"
	"strings"

	sq "github.com/Masterminds/squirrel"

	"github.com/productkit-go/productkit/internal/searchtext"
	"github.com/productkit-go/productkit/product"
)

var (
	documentColumns = []string{"product_id", "tokens"}
	wordColumns     = []string{"rowid", "tokens"}
)

// words is SQLite's index on the tokens.
func (t tables) words() string { return t.search + "_words" }

// addWords adds the documents of known products to SQLite's index, which the servers do by themselves.
func (t tables) addWords(ids []any) (string, []any, error) {
	return sq.Insert(t.words()).Columns(wordColumns...).
		Select(sq.Select("id", "tokens").From(t.search).Where(in("product_id", ids))).ToSql()
}

// removeWords takes them out. It must see the documents that have been added.
func (t tables) removeWords(ids []any) (string, []any, error) {
	return sq.Insert(t.words()).Columns(t.words(), "rowid", "tokens").
		Select(sq.Select("'delete'", "id", "tokens").From(t.search).Where(in("product_id", ids))).ToSql()
}

// hits selects the documents of q's products that match. The index of words comes first: whatever
// the filter is, it is asked of those products only.
func (t tables) hits(q product.Query, match string, limit int) (string, []any, error) {
	s := sq.Select("s.product_id", "s.tokens")
	if t.dialect == SQLite {
		s = s.From(t.words()+" w").
			JoinClause("CROSS JOIN "+t.search+" s ON s.id = w.rowid").
			JoinClause("CROSS JOIN "+t.products+" p ON p.id = s.product_id").
			Where("w."+t.words()+" MATCH ?", match)
	} else {
		s = s.From(t.search+" s").
			JoinClause("STRAIGHT_JOIN "+t.products+" p FORCE INDEX (PRIMARY) ON p.id = s.product_id").
			Where("MATCH (s.tokens) AGAINST (? IN BOOLEAN MODE)", match)
	}
	if q.Tag != "" { // a scalar, because the servers would begin at the tag and search for each product of it
		s = s.Where("(SELECT COUNT(*) FROM "+t.tags+" t WHERE t.tag = ? AND t.product_id = p.id) > 0", q.Tag)
	}
	q.Tag, q.Sort = "", product.SortCreated
	return t.filter(s, q).Limit(uint64(limit)).ToSql()
}

// among selects products by their IDs.
func (t tables) among(ids []any) sq.SelectBuilder {
	from := t.products + " p"
	if t.dialect != SQLite {
		from += " FORCE INDEX (PRIMARY)"
	}
	return sq.Select(productSelection).From(from).Where(in("p.id", ids))
}

// matches returns the queries of the full-text index whose hits together are those of q, the best
// first: what has the code, what has all words in its name, and so on. Each of the others finds
// again what the one before it does. Loose says that more may be hit than q means.
func (t tables) matches(q searchtext.Query) (all []string, loose bool) {
	b := matchBuilder{sqlite: t.dialect == SQLite}
	phrases, loose := selectivePhrases(q)
	all = []string{searchtext.Term{Text: q.Code}.Token(searchtext.Code)}
	for n := range searchFields {
		all = append(all, b.query(searchFields[:n+1], phrases))
	}
	return all, loose
}

var searchFields = []searchtext.Field{searchtext.Name, searchtext.Key, searchtext.Prose}

const (
	// maxGroups is how many groups in parentheses a query has: MySQL takes no more than 31 (error 209).
	maxGroups = 30
	// maxPhraseTerms is how many terms of a phrase are asked for: the others narrow little.
	maxPhraseTerms = 3
)

// selectivePhrases returns as much of a query as fits, the longest words first.
func selectivePhrases(q searchtext.Query) (phrases []searchtext.Phrase, loose bool) {
	all := slices.Clone(q.Phrases)
	slices.SortStableFunc(all, func(a, b searchtext.Phrase) int { return b.Len() - a.Len() })
	groups := 0
	for _, p := range all {
		if len(p.Terms) > 1 {
			loose = true // they may stand apart
			groups += 2
			p.Terms = p.Terms[:min(len(p.Terms), maxPhraseTerms)]
		}
		if groups += len(p.Terms); groups > maxGroups {
			return phrases, true
		}
		phrases = append(phrases, p)
	}
	return phrases, loose
}

// matchBuilder writes full-text queries: on the servers those of boolean mode, on SQLite of FTS5.
// They hold nothing but tokens, which are letters, digits and underscores, and what is written here.
type matchBuilder struct{ sqlite bool }

func (b matchBuilder) query(fields []searchtext.Field, phrases []searchtext.Phrase) string {
	one := fields // that may have a phrase in one
	if slices.Contains(fields, searchtext.Key) {
		one = append(slices.Clip(fields), searchtext.Code)
	}
	var every []string
	for _, p := range phrases {
		in := fields
		if len(p.Terms) == 1 {
			in = one
		}
		var terms []string
		for _, term := range p.Terms {
			terms = append(terms, b.any(b.tokens(in, term)))
		}
		phrase := b.all(terms)
		if p.Whole.Text != "" {
			phrase = b.any(append(b.tokens(one, p.Whole), phrase))
		}
		every = append(every, phrase)
	}
	return b.all(every)
}

func (b matchBuilder) tokens(fields []searchtext.Field, term searchtext.Term) []string {
	var all []string
	for _, f := range fields {
		token := term.Token(f)
		if term.Prefix {
			token += "*"
		}
		all = append(all, token)
	}
	return all
}

func (b matchBuilder) any(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	if b.sqlite {
		return "(" + strings.Join(list, " OR ") + ")"
	}
	return "(" + strings.Join(list, " ") + ")"
}

func (b matchBuilder) all(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	if b.sqlite {
		return "(" + strings.Join(list, " AND ") + ")"
	}
	return "(+" + strings.Join(list, " +") + ")"
}
