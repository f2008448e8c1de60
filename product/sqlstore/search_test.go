package sqlstore_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/internal/searchtext"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// babble is a text that words, codes and characters of several scripts make up by chance.
func babble(random *rand.Rand, words int) string {
	pieces := []string{
		"red", "Redder", "shirt", "T-shirt", "tshirt", "Größe", "grosse", "a", "b", "a-b", "AB-12/3", "ab123", "12", "3", "é", "я", "ёлка",
		"東京", "京都", "東", "京", "都茶", "茶碗", "커피", "ノート", "iPhone手机", "(", ")", "+", "*", "\"", "'", "~", "AND", "n_red", "\x00", "\xff", "🎁", "x<b>y",
	}
	var b strings.Builder
	for range words {
		b.WriteString(pieces[random.IntN(len(pieces))])
		b.WriteString([]string{" ", " ", " ", "", "-"}[random.IntN(5)])
	}
	return b.String()
}

// FuzzSearch holds every engine's index against looking at all documents: it never fails, never
// misses a product and finds none too many.
func FuzzSearch(f *testing.F) {
	engines := map[string]engine{"sqlite": {"sqlite", sqliteDSN(f)}}
	for _, flavor := range mysqltest.Flavors() {
		engines[string(flavor)] = engine{"mysql", mysqltest.NewOn(f, flavor).DSN()}
	}
	random := rand.New(rand.NewPCG(7, 8))
	var writes []product.Write
	for i := range 150 {
		w := create(f, fmt.Sprintf("AB-%d", i))
		w.Draft.Name = strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(babble(random, 3), "\x00", ""), "")) + " name"
		w.Draft.Tags = []string{"ab 12", "茶"}[:i%3]
		w.Draft.Description = strings.ToValidUTF8(strings.ReplaceAll(babble(random, 12), "\x00", ""), "")
		writes = append(writes, w)
	}
	stores := map[string]*sqlstore.Store{}
	for name, e := range engines {
		stores[name] = migrated(f, e.open(f), nil)
		apply(f, stores[name], writes...)
	}
	for range 60 {
		f.Add(babble(random, 1+random.IntN(3)))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" || utf8.RuneCountInString(text) > product.MaxTextLen {
			t.Skip()
		}
		query := searchtext.Parse(text)
		var want []string
		for _, w := range writes {
			if _, found := query.Rank(sqlstore.DocumentOf(&w.Draft.Product)); found {
				want = append(want, w.Draft.SKU)
			}
		}
		for name, store := range stores {
			found, err := store.List(t.Context(), product.Query{Text: text, Limit: product.MaxHits})
			require.NoError(t, err, "%s: %q", name, text)
			var got []string
			for _, p := range found {
				got = append(got, p.SKU)
			}
			require.ElementsMatch(t, want, got, "%s: %q", name, text)
		}
	})
}

func searchSKUs(t testing.TB, store product.Store, text string) []string {
	t.Helper()
	found, err := store.List(t.Context(), product.Query{Text: text, Limit: product.MaxHits})
	require.NoError(t, err)
	var skus []string
	for _, p := range found {
		skus = append(skus, p.SKU)
	}
	slices.Sort(skus)
	return skus
}

func TestSearchCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		off := migrated(t, db, &sqlstore.Options{NoSearch: true})
		made := apply(t, off, create(t, "A"))
		_, err := off.List(t.Context(), product.Query{Text: "A", Limit: 1})
		require.ErrorIs(t, err, product.ErrSearchOff)
		_, err = off.Count(t.Context(), product.Query{Text: "A"}, 1)
		require.ErrorIs(t, err, product.ErrSearchOff)

		// Switched on, a product is found from its next change on.
		on, err := sqlstore.New(t.Context(), db, nil)
		require.NoError(t, err)
		require.Empty(t, searchSKUs(t, on, "lamp"))
		name := "Lamp"
		apply(t, on, product.Write{Op: product.OpUpdate, ID: made[0].ID, Patch: &product.Patch{Name: &name}, At: made[0].UpdatedAt})
		require.Equal(t, []string{"A"}, searchSKUs(t, on, "lamp"))
	})
}

// A search starts at the words, and asks the filter of what they find only.
func TestSearchReadsItsIndex(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		crowd(t, store, 500)
		for _, q := range []product.Query{
			{Text: "product 0001"},
			{Text: `"product 000100" sku-12`, Vendor: "Vendor 17", InStock: pointer(true)},
			{Text: "common", Tag: "tag-17", Status: product.StatusActive, SKUPrefix: "SKU", Sort: product.SortSKU},
		} {
			statements, err := store.SearchSQL(q)
			require.NoError(t, err)
			for _, s := range statements {
				plan := explain(t, db, e, s.Query, s.Args)
				first, rest, _ := strings.Cut(plan, "\n")
				if e.driver == "sqlite" {
					require.Contains(t, first, "VIRTUAL TABLE INDEX", s.Query)
				} else {
					require.Contains(t, first, "type=fulltext", s.Query)
				}
				requireIndexOrder(t, s.Query, rest)
			}
		}
	})
}

// A search that had to ask for a connection again would be refused half-way by a pool under load.
func TestASearchTakesOneConnection(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		apply(t, store, create(t, "AB-1"), create(t, "AB-2"))
		db.SetMaxIdleConns(-1) // so that each is closed when it comes back
		for name, search := range map[string]func() (int, error){
			"list": func() (int, error) {
				found, err := store.List(t.Context(), product.Query{Text: "AB", Limit: 10})
				return len(found), err
			},
			"sorted list": func() (int, error) {
				found, err := store.List(t.Context(), product.Query{Text: "AB", Sort: product.SortSKU, Limit: 10})
				return len(found), err
			},
			"count": func() (int, error) { return store.Count(t.Context(), product.Query{Text: "AB"}, 10) },
		} {
			before := db.Stats().MaxIdleClosed
			found, err := search()
			require.NoError(t, err, name)
			require.Equal(t, 2, found, name)
			require.EqualValues(t, 1, db.Stats().MaxIdleClosed-before, "connections of a %s", name)
		}
	})
}
