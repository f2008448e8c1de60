// Package searchtext decides what a product is found by, the same for every engine: it writes a
// product's texts as a document of tokens for a full-text index, reads what a shopper typed as a
// query, and ranks documents against it.
//
// A word is what stands between spaces. It is cut into parts at everything that is neither letter,
// digit nor mark, and is found by its parts side by side and by all of them in one: AB-12/3 as
// ab 12 3 and as ab123. Chinese, Japanese and Korean have no spaces to rely on: a run of their
// characters is cut into each pair of neighbours and its last character.
package searchtext

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxToken is the longest token in bytes. What is longer is cut, in documents and queries alike,
// so that it is still found. The servers leave out what is longer than innodb_ft_max_token_size.
const maxToken = MaxServerToken

// The lengths, in bytes, of the tokens that a server's full-text parser must not leave out.
const (
	MinServerToken = 3
	MaxServerToken = 84
)

// part is a run of characters of one kind.
type part struct {
	text        string
	ideographic bool
}

// cut returns the parts of a folded word.
func cut(word string) []part { return appendParts(nil, word) }

func appendParts(parts []part, word string) []part {
	start := -1
	var kind bool
	end := func(at int) {
		if start >= 0 {
			parts = append(parts, part{word[start:at], kind})
		}
		start = -1
	}
	for i, r := range word {
		if !inWord(r) {
			end(i)
			continue
		}
		// A mark belongs to what it stands on.
		is := ideographic(r) || start >= 0 && kind && unicode.Is(unicode.M, r)
		if start >= 0 && is != kind {
			end(i)
		}
		if start < 0 {
			start, kind = i, is
		}
	}
	end(len(word))
	return parts
}

func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
	}
	return unicode.In(r, unicode.L, unicode.N, unicode.M)
}

func ideographic(r rune) bool {
	if r < 0x1100 { // the first of them, Hangul Jamo
		return false
	}
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo) || r == 'ー'
}

// join is the whole of a word that has several parts and no ideographs.
func join(parts []part) string {
	if len(parts) < 2 {
		return ""
	}
	var b strings.Builder
	for _, p := range parts {
		if p.ideographic {
			return ""
		}
		b.WriteString(p.text)
	}
	return b.String()
}

// pairs returns each two neighbours of a run, and its last character.
func pairs(run string) (all []string, last string) {
	for i, r := range run {
		size := utf8.RuneLen(r)
		if i+size == len(run) {
			return all, run[i:]
		}
		_, next := utf8.DecodeRuneInString(run[i+size:])
		all = append(all, run[i:i+size+next])
	}
	return all, ""
}

// appendToken appends a term in letters, digits and underscores of ASCII, because everything else
// is for each engine's parser to judge. What begins with a term begins with it as a token too.
func appendToken(b []byte, f Field, term string) []byte {
	begin := len(b)
	b = append(b, byte(f), '_')
	if ascii(term) {
		return append(b, term[:min(len(term), maxToken-2)]...)
	}
	for _, r := range term {
		size := len(b)
		switch {
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		case r < 36*36*36:
			b = appendBase36(append(b, '_'), r, 3)
		default:
			b = appendBase36(append(b, "__"...), r, 4)
		}
		if len(b)-begin > maxToken {
			return b[:size]
		}
	}
	return b
}

func appendBase36(b []byte, r rune, digits int) []byte {
	s := strconv.FormatInt(int64(r), 36)
	return append(append(b, "0000"[:digits-len(s)]...), s...)
}
