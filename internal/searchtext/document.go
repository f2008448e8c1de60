package searchtext

import (
	"html"
	"strings"
)

// Field is what part of a product a text is. Where something is found decides how much it counts.
type Field byte

// The fields, from the one that counts most. What is found in a Code as a whole counts more than
// anything; its parts, if it has several, are those of a Key.
const (
	Code  Field = 'c' // SKU, barcode: one word
	Name  Field = 'n'
	Key   Field = 'k' // vendor, category, tags, group, options
	Prose Field = 'p' // a description, maybe in HTML
)

// MaxProse is how many tokens of prose a document has at most; what follows is not found. It is
// some five pages, and bounds what one product costs.
const MaxProse = 1000

// gap stands where neighbours do not belong together. No engine takes it for a word.
const gap = "-"

// Document is what a full-text index keeps of a product: its tokens in the order of its text, and
// behind a gap those that stand for more or less than one part of a word. The zero value is empty.
type Document struct {
	b     []byte
	rest  []byte // of the present text, to be put behind it
	parts []part // of the present word
}

// Reset empties the document and keeps its memory.
func (d *Document) Reset() { d.b = d.b[:0] }

// String returns the document: ASCII, tokens and gaps with a space between each two.
func (d *Document) String() string { return string(d.b) }

// Add adds a text.
func (d *Document) Add(f Field, text string) {
	if text == "" {
		return
	}
	if f == Prose {
		text = withoutMarkup(text)
	}
	d.rest = d.rest[:0]
	tokens := 0
	for word := range strings.FieldsSeq(Fold(text)) {
		if tokens += d.addWord(f, word); f == Prose && tokens >= MaxProse {
			break
		}
	}
	if len(d.rest) > 0 {
		d.b = append(append(d.gap(), ' '), d.rest...)
	}
	d.b = d.gap()
}

// addWord adds one word and returns how many tokens it has.
func (d *Document) addWord(f Field, word string) (tokens int) {
	d.parts = appendParts(d.parts[:0], word)
	of := f // the parts
	if f == Code && len(d.parts) > 1 {
		of = Key
	}
	for _, p := range d.parts {
		if !p.ideographic {
			d.b = next(d.b, of, p.text)
			tokens++
			continue
		}
		two, last := pairs(p.text)
		for _, pair := range two {
			d.b = next(d.b, of, pair)
		}
		if tokens += len(two) + 1; two == nil {
			d.b = next(d.b, of, last)
		} else {
			d.rest = next(d.rest, of, last)
		}
	}
	if all := join(d.parts); all != "" {
		d.rest = next(d.rest, f, all)
		tokens++
	}
	return tokens
}

func (d *Document) gap() []byte {
	if len(d.b) > 0 {
		return append(d.b, " "+gap...)
	}
	return append(d.b, gap...)
}

func next(b []byte, f Field, term string) []byte {
	if len(b) > 0 {
		b = append(b, ' ')
	}
	return appendToken(b, f, term)
}

// withoutMarkup puts a space in the place of each tag, and characters in that of entities.
func withoutMarkup(text string) string {
	if !strings.ContainsAny(text, "<&") {
		return text
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "<")
		b.WriteString(before)
		if !found {
			break
		}
		text = after
		if after != "" && (after[0] == '/' || after[0] == '!' || letter(after[0])) {
			if _, behind, closed := strings.Cut(after, ">"); closed {
				text = behind
			}
		}
		b.WriteByte(' ')
	}
	return html.UnescapeString(b.String())
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
