package sqlstore_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// searchCorpus fills a store with products whose words are as unequally frequent as those of a
// language: some are in most of them.
func searchCorpus(b *testing.B, store *sqlstore.Store, random *rand.Rand, begin, n int) {
	vocabulary := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 20_000)
	for i := range words {
		word := make([]byte, 3+vocabulary.IntN(7))
		for j := range word {
			word[j] = 'a' + byte(vocabulary.IntN(26))
		}
		words[i] = string(word)
	}
	zipf := rand.NewZipf(random, 1.1, 5, uint64(len(words)-1))
	text := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = words[zipf.Uint64()]
		}
		return strings.Join(list, " ")
	}
	for ; n > 0; n -= 500 {
		writes := make([]product.Write, min(500, n))
		for i := range writes {
			writes[i] = create(b, fmt.Sprintf("SKU-%07d", begin))
			writes[i].Draft.Name = text(5)
			writes[i].Draft.Description = text(55)
			begin++
		}
		_, err := store.Apply(b.Context(), product.Batch{Writes: writes})
		require.NoError(b, err)
	}
}

// BenchmarkSearchWrites compares writing with an index of some 60 words a product and without.
func BenchmarkSearchWrites(b *testing.B) {
	benchEach(b, func(b *testing.B, e engine) {
		for _, off := range []bool{false, true} {
			b.Run(map[bool]string{false: "on", true: "off"}[off], func(b *testing.B) {
				store := migrated(b, e.open(b), &sqlstore.Options{NoSearch: off, TablePrefix: fmt.Sprintf("off_%t_%d_", off, b.N)})
				random := rand.New(rand.NewPCG(3, 4))
				searchCorpus(b, store, random, 0, 5_000)
				begin := 5_000
				for b.Loop() {
					searchCorpus(b, store, random, begin, 500)
					begin += 500
				}
				b.ReportMetric(float64(b.N*500)/b.Elapsed().Seconds(), "products/s")
			})
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	benchEach(b, func(b *testing.B, e engine) {
		store := migrated(b, e.open(b), nil)
		random := rand.New(rand.NewPCG(3, 4))
		const n = 20_000
		searchCorpus(b, store, random, 0, n)
		all, err := store.List(b.Context(), product.Query{Limit: 1})
		require.NoError(b, err)
		words := strings.Fields(all[0].Description)
		counts := map[string]int{}
		for _, word := range words {
			counts[word], err = store.Count(b.Context(), product.Query{Text: word + " "}, 10_000)
			require.NoError(b, err)
		}
		slices.SortFunc(words, func(a, c string) int { return counts[c] - counts[a] })
		common, second, rare := words[0], words[len(words)/4], words[len(words)-1]
		for name, text := range map[string]string{
			"sku": "SKU-0000077", "rare": rare, "common": common + " ", "two common": common + " " + second + " ",
			"common and rare": common + " " + rare, "prefix of 3": second[:3], "prefix of 1": second[:1], "phrase": `"` + common + " " + second + `"`,
		} {
			b.Run(name, func(b *testing.B) {
				var found []product.Product
				for b.Loop() {
					found, err = store.List(b.Context(), product.Query{Text: text, Limit: 20})
					require.NoError(b, err)
				}
				b.ReportMetric(float64(len(found)), "found")
			})
		}
	})
}
