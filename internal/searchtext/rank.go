package searchtext

import (
	"slices"
	"strings"
)

// fields are where words are found, best first, and what a phrase counts there: as it is, and as
// the beginning of something.
var fields = []struct {
	field       Field
	exact, open int
}{
	{Name, 60, 50},
	{Key, 40, 30},
	{Prose, 8, 5},
}

// What the query as a whole counts besides.
const (
	worthCode     = 1_000_000 // it is the product's SKU or barcode
	worthFullName = 10_000    // it is the product's name
	worthInName   = 100       // the name has its words in their order, side by side
	worthShort    = 20        // less one for each word of the name
)

// token is a term in the form that a document has it in.
type token struct {
	text   string
	prefix bool
}

// in reports whether a document's token is meant, and whether as it is.
func (t token) in(s string) (found, exact bool) {
	if t.text == "" || !strings.HasPrefix(s, t.text) {
		return false, false
	}
	exact = len(s) == len(t.text)
	return exact || t.prefix, exact
}

// target is a phrase in one field.
type target struct {
	terms       []token
	whole, code token
	exact, open int
}

func newTarget(i int, p Phrase) target {
	f := fields[i]
	t := target{exact: f.exact, open: f.open}
	for _, term := range p.Terms {
		t.terms = append(t.terms, token{term.Token(f.field), term.Prefix})
	}
	if p.Whole.Text != "" {
		t.whole = token{p.Whole.Token(f.field), p.Whole.Prefix}
	}
	if one := p.One(); f.field == Key && one.Text != "" {
		t.code = token{one.Token(Code), one.Prefix}
	}
	return t
}

// worth is what the target counts in a document's tokens; 0 if it is not there.
func (t *target) worth(tokens []string) int {
	worth := 0
	for i := range tokens {
		found, exact := t.at(tokens[i:])
		if !found {
			found, exact = t.whole.in(tokens[i])
		}
		if !found {
			found, exact = t.code.in(tokens[i])
		}
		if exact {
			return t.exact
		}
		if found {
			worth = t.open
		}
	}
	return worth
}

// at reports whether the tokens begin with the target's terms.
func (t *target) at(tokens []string) (found, exact bool) {
	if len(tokens) < len(t.terms) {
		return false, false
	}
	exact = true
	for i, term := range t.terms {
		found, same := term.in(tokens[i])
		if !found {
			return false, false
		}
		exact = exact && same
	}
	return true, exact
}

func (q *Query) compile() {
	for _, p := range q.Phrases {
		var targets []target
		for i := range fields {
			targets = append(targets, newTarget(i, p))
		}
		q.targets = append(q.targets, targets)
	}
	q.name = newTarget(0, inOne(q.Phrases))
	q.code = Term{Text: q.Code}.Token(Code)
}

// Rank reports whether a document has all that the query asks for, or is of the product with this
// code, and how well: more is better.
func (q *Query) Rank(document string) (rank int, found bool) {
	if q.Empty() {
		return 0, false
	}
	tokens := strings.Split(document, " ")
	rank, found = q.rankPhrases(tokens)
	if slices.Contains(tokens, q.code) {
		return rank + worthCode, true
	}
	return rank, found
}

func (q *Query) rankPhrases(tokens []string) (rank int, found bool) {
	for _, targets := range q.targets {
		worth := 0
		for i := 0; worth == 0 && i < len(targets); i++ {
			worth = targets[i].worth(tokens)
		}
		if worth == 0 {
			return 0, false
		}
		rank += worth
	}
	name := nameOf(tokens)
	if q.name.worth(name) > 0 {
		rank += worthInName
	}
	if _, exact := q.name.at(name); exact && len(name) == len(q.name.terms) {
		rank += worthFullName
	}
	return rank + worthShort - min(len(name), worthShort), true
}

// nameOf returns the first tokens of a document, if they are those of a name.
func nameOf(tokens []string) []string {
	n := 0
	for n < len(tokens) && strings.HasPrefix(tokens[n], string(Name)) {
		n++
	}
	return tokens[:n]
}
