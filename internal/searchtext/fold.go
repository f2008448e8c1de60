package searchtext

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// unfolded are letters that Unicode does not decompose and that shoppers type without their
// strokes, or as two.
var unfolded = strings.NewReplacer(
	"ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th",
	"ħ", "h", "ŧ", "t", "ŋ", "n", "ı", "i", "ĸ", "k", "ς", "σ",
)

// Fold writes text as it is compared: compatible forms as one (NFKC), lower case, without the
// accents of Latin, Greek and Cyrillic and the vowel points of Hebrew and Arabic. Marks of other
// scripts stay, for there they make another letter. Invalid UTF-8 becomes U+FFFD.
func Fold(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	s = norm.NFKD.String(strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Map(func(r rune) rune {
		if accent(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
	return norm.NFC.String(unfolded.Replace(s))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func accent(r rune) bool {
	switch {
	case r < 0x300:
		return r == 0xAD // a soft hyphen
	case r <= 0x36F:
		return true
	case r >= 0x591 && r <= 0x5C7, r >= 0x610 && r <= 0x61A, r >= 0x64B && r <= 0x65F, r == 0x670:
		return unicode.Is(unicode.Mn, r)
	case r == 0x640: // what lengthens Arabic words
		return true
	}
	return r >= 0x200B && r <= 0x200F || r >= 0xFE00 && r <= 0xFE0F || r == 0x2060 || r == 0xFEFF // invisible
}
