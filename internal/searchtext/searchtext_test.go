package searchtext_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/searchtext"
)

func TestTextsAreFoldedAsShoppersExpect(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Café CRÈME":             "cafe creme",
		"Cafe\u0301":             "cafe",
		"Straße":                 "strasse",
		"GRÖẞE":                  "grosse",
		"Smørrebrød Łódź":        "smorrebrod lodz",
		"Œuvre Ærø Þór":          "oeuvre aero thor",
		"ＡＢ－１２　ｘ":                "ab-12 x",
		"ﬁne ①":                  "fine 1",
		"ΌΔΟΣ οδός":              "οδοσ οδοσ",
		"ЁЛКА":                   "елка",
		"İstanbul ısı":           "istanbul isi",
		"がぎ":                     "がぎ",
		"ｶﾞ":                     "ガ",
		"한국어":                    "한국어",
		"שָׁלוֹם":                "שלום",
		"مُحَمَّد":               "محمد",
		"soft\u00adhy\u200bphen": "softhyphen",
		"हिन्दी":                 "हिन्दी",
		"a\xffb":                 "a\uFFFDb",
	} {
		require.Equal(t, want, searchtext.Fold(text), "%q", text)
	}
}

func document(f searchtext.Field, text string) string {
	var d searchtext.Document
	d.Add(f, text)
	return d.String()
}

func TestTextsAreCutIntoTokens(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                           "",
		"… !? — \x00":                "-",
		"🎁🎁":                         "-",
		"Red red shirt":              "n_red n_red n_shirt -",
		"the a of":                   "n_the n_a n_of -",
		"AB-12/3 x":                  "n_ab n_12 n_3 n_x - n_ab123 -",
		"Men's":                      "n_men n_s - n_mens -",
		"é я":                        "n_e n__0un -",
		"東京都":                        "n__kfl_fjg n__fjg_sn1 - n__sn1 -",
		"東":                          "n__kfl -",
		"T恤":                         "n_t n__j1g -",
		"커":                          "n___14v8 -",
		strings.Repeat("é", 99):      "n_" + strings.Repeat("e", searchtext.MaxServerToken-2) + " -",
		strings.Repeat("я", 99):      "n_" + strings.Repeat("_0un", 20) + " -",
		"<b>bold</b> &amp; <3 a<b>c": "n_b n_bold n_b n_amp n_3 n_a n_b n_c - n_bboldb n_abc -",
	} {
		require.Equal(t, want, document(searchtext.Name, text), "%q", text)
	}
	require.Equal(t, "k_ab k_12 - c_ab12 -", document(searchtext.Code, "AB-12"))
	require.Equal(t, "c_4006381333931 -", document(searchtext.Code, "4006381333931"))
	require.Equal(t, "p_bold p_x p_3 p_a p_c -", document(searchtext.Prose, "<b>bold</b>&nbsp;x &amp; <3 a<b>c"))
	require.Equal(t, "p_a p_b -", document(searchtext.Prose, "a<!-- no --><br/>b"))
	long := document(searchtext.Prose, strings.Repeat("word ", 2*searchtext.MaxProse))
	require.Equal(t, searchtext.MaxProse, strings.Count(long, "p_word"))
}

func TestQueriesAreReadWithoutSyntax(t *testing.T) {
	t.Parallel()
	type phrases = []searchtext.Phrase
	type list = []searchtext.Term
	plain := func(words ...string) (all phrases) {
		for _, word := range words {
			all = append(all, searchtext.Phrase{Terms: list{{Text: word}}})
		}
		return all
	}
	open := func(words ...string) phrases {
		all := plain(words...)
		last := &all[len(all)-1]
		last.Terms[0].Prefix, last.Whole.Prefix = true, true
		return all
	}
	for text, want := range map[string]phrases{
		"":                 nil,
		`"" - (*) '\ %_`:   nil,
		"shir":             open("shir"),
		"shirt ":           plain("shirt"),
		"shirt\t":          plain("shirt"),
		"Red shir -":       open("red", "shir"),
		"red OR NOT -blue": open("red", "or", "not", "blue"),
		"t-shi":            {{Terms: list{{"t", false}, {"shi", true}}, Whole: searchtext.Term{Text: "tshi", Prefix: true}}},
		`"red shirt"`:      {{Terms: list{{"red", false}, {"shirt", false}}}},
		`"red shirt" -`:    {{Terms: list{{"red", false}, {"shirt", false}}}},
		`blue “red shirt`:  append(plain("blue"), searchtext.Phrase{Terms: list{{"red", false}, {"shirt", false}}}),
		`"red" blu`:        open("red", "blu"),
		"東京都":              {{Terms: list{{"東京", false}, {"京都", false}}, Whole: searchtext.Term{Prefix: true}}},
		"茶 ":               {{Terms: list{{"茶", true}}}},
	} {
		require.Equal(t, want, searchtext.Parse(text).Phrases, "%q", text)
	}
	require.Equal(t, "ab123", searchtext.Parse(`AB-"12/3`).Code)
}

// A code is found by its parts, by all of it in one and by the beginning of either, as the code only by all of it.
func TestACodeIsFoundByItsPartsAndInOne(t *testing.T) {
	t.Parallel()
	for code, typed := range map[string][]string{
		"AB-12/345":     {"ab", "12", "34", "ab-12", "12/3", "AB12", "ab12345 ", "ab-12/345"},
		"4006381333931": {"4006", "4006381333931 "},
	} {
		doc := document(searchtext.Code, code)
		for _, text := range append(typed, code) {
			q := searchtext.Parse(text)
			rank, found := q.Rank(doc)
			require.True(t, found, "%q in %q", text, doc)
			require.Equal(t, searchtext.Parse(code).Code == q.Code, rank > 1000, text)
		}
		for _, text := range []string{"b12", "381", "120 "} {
			q := searchtext.Parse(text)
			_, found := q.Rank(doc)
			require.False(t, found, "%q in %q", text, doc)
		}
	}
}

// Whatever a text is, it finds itself, and says so in letters that no engine's parser minds.
func FuzzTextsFindThemselves(f *testing.F) {
	for _, seed := range []string{"AB-12/3", "Straße 東京 \"x", "\xff\x00", "ｶﾞe\u0301", "مُحَمَّد", "🎁 x", "茶", "a ー", strings.Repeat("ß", 60), "<b", "İ ﷺ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		require.Equal(t, searchtext.Fold(text), searchtext.Fold(searchtext.Fold(text)))
		doc := document(searchtext.Name, text)
		for token := range strings.FieldsSeq(doc) {
			require.LessOrEqual(t, len(token), searchtext.MaxServerToken)
			if token != "-" {
				require.GreaterOrEqual(t, len(token), searchtext.MinServerToken, token)
				require.Empty(t, strings.Trim(token, "abcdefghijklmnopqrstuvwxyz0123456789_"), token)
			}
		}
		for _, typed := range []string{text, text + " ", `"` + strings.ReplaceAll(text, `"`, " ") + `"`} {
			q := searchtext.Parse(typed)
			_, found := q.Rank(doc)
			require.Equal(t, !q.Empty(), found, "%q in %q", typed, doc)
		}
	})
}
