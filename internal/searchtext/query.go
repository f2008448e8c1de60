package searchtext

import (
	"strings"
	"unicode"
)

// Term is one part of a word that is looked for.
type Term struct {
	Text   string // folded; empty: nothing
	Prefix bool   // words that begin with Text are meant too
}

// Token returns the token that the term is in a field.
func (t Term) Token(f Field) string { return string(appendToken(nil, f, t.Text)) }

// Phrase is terms that stand side by side in one text, or in one as Whole.
type Phrase struct {
	Terms []Term
	Whole Term
}

// Query is what a shopper typed. What has all its phrases is found.
type Query struct {
	Phrases []Phrase
	Code    string // all of it in one, as codes are written

	targets [][]target // of each phrase, best field first
	name    target     // all terms in a row
	code    string     // Code as a token
}

// Empty reports whether nothing can be found by the query, as by one of punctuation only.
func (q *Query) Empty() bool { return len(q.Phrases) == 0 }

// One is all of the phrase in one, as a Code has it; without text if it is several words.
func (p Phrase) One() Term {
	if len(p.Terms) == 1 {
		return p.Terms[0]
	}
	return p.Whole
}

// Len is the length of the phrase's terms together, in bytes.
func (p Phrase) Len() int {
	n := 0
	for _, t := range p.Terms {
		n += len(t.Text)
	}
	return n
}

// Parse reads a query. Every text is one: there is no syntax but double quotes, around words that
// stand side by side; one that is not closed ends with the text. Of the last word the beginning is
// enough, unless it is quoted or followed by a space.
func Parse(text string) Query {
	var q Query
	var code strings.Builder
	// Folding first makes full-width quotes and spaces ordinary ones.
	sections := strings.Split(quotes.Replace(Fold(text)), `"`)
	for i, section := range sections {
		quoted := i%2 == 1
		var phrases []Phrase
		for word := range strings.FieldsSeq(section) {
			parts := cut(word)
			if len(parts) == 0 {
				continue
			}
			for _, p := range parts {
				code.WriteString(p.text)
			}
			phrases = append(phrases, Phrase{Terms: terms(parts), Whole: Term{Text: join(parts)}})
		}
		switch n := len(phrases); {
		case quoted && n > 1:
			phrases = []Phrase{inOne(phrases)}
		case !quoted && n > 0 && i == len(sections)-1 && section == strings.TrimRightFunc(section, unicode.IsSpace):
			phrases[n-1].open()
		}
		q.Phrases = append(q.Phrases, phrases...)
	}
	q.Code = code.String()
	q.compile()
	return q
}

// inOne returns the phrase of all terms in a row.
func inOne(phrases []Phrase) Phrase {
	var one Phrase
	for _, p := range phrases {
		one.Terms = append(one.Terms, p.Terms...)
	}
	return one
}

// open lets the phrase's last term be the beginning of one, unless it is ideographic: those are
// cut short already.
func (p *Phrase) open() {
	last := &p.Terms[len(p.Terms)-1]
	for _, r := range last.Text {
		last.Prefix = last.Prefix || !ideographic(r)
	}
	p.Whole.Prefix = true
}

// quotes are the typographic double quotes, which phones put in by themselves.
var quotes = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`)

func terms(parts []part) []Term {
	var all []Term
	for _, p := range parts {
		if !p.ideographic {
			all = append(all, Term{Text: p.text})
			continue
		}
		two, last := pairs(p.text)
		for _, pair := range two {
			all = append(all, Term{Text: pair})
		}
		if two == nil { // as the beginning of a pair
			all = append(all, Term{Text: last, Prefix: true})
		}
	}
	return all
}
