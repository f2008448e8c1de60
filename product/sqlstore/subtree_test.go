package sqlstore_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// Products come, go and move between categories, also such as the store has not seen at its last look,
// up to more than it merges. Every page is what sorting all of them says, also of another store
// that has not heard of it.
func TestListsByCategoryFollowTheTree(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		writer, store := migrated(t, db, nil), migrated(t, db, nil)
		seed := time.Now().UnixNano()
		t.Log("seed", seed)
		random := rand.New(rand.NewPCG(uint64(seed), 0))
		roots := []string{"a", "a/b", "a/b/c", "a-b", "a.b", "a0", "nothing", "a/b/leaf"}
		place := func(width int) string {
			switch root := roots[random.IntN(len(roots))]; random.IntN(3) {
			case 0:
				return root
			default:
				return fmt.Sprintf("%s/%d", root, random.IntN(width))
			}
		}
		all := map[uuid.UUID]product.Product{}
		joined := 0
		phase := testscale.N(1, 3) // rounds, in which the trees are so wide
		for round := range testscale.N(4, 60) {
			width := []int{1, 3, 20}[min(round/phase, 2)]
			var writes []product.Write
			for id, p := range all { // in random order
				if len(writes) == 5 {
					break
				}
				w := product.Write{ID: id, At: p.UpdatedAt, Op: product.OpDelete}
				if p.Deleted() {
					continue
				}
				if random.IntN(4) > 0 {
					category := place(width)
					w.Op, w.Patch = product.OpUpdate, &product.Patch{Category: &category}
				}
				writes = append(writes, w)
			}
			for n := range 10 {
				w := create(t, fmt.Sprintf("S-%d-%d", round, n))
				w.At = time.UnixMicro(1_000_000 + int64(random.IntN(20))).UTC() // many at the same time
				w.Draft.Category = place(width)
				w.Draft.Status = []product.Status{product.StatusActive, product.StatusDraft}[random.IntN(2)]
				writes = append(writes, w)
			}
			for _, p := range apply(t, writer, writes...) {
				all[p.ID] = p
			}
			joined += listsTogether(t, store, roots, all, random)
			for _, root := range roots {
				if root == "nothing" && round < 2*phase {
					continue
				}
				q := product.Query{Category: root, Sort: []product.Sort{product.SortCreated, product.SortCreatedDesc}[random.IntN(2)], Limit: 5 + random.IntN(30), Deleted: random.IntN(4) == 0}
				if random.IntN(2) == 0 {
					q.Status = product.StatusActive
				}
				walks(t, store, q, all)
			}
		}
		require.Equal(t, e.driver == "mysql", joined > 0, "lists that are read together")
	})
}

// listsTogether reads pages of these categories by as few statements as it can, requires them to be those that are read
// one by one, and returns how many there were. What the store takes for a category without others may have got some.
func listsTogether(t *testing.T, store *sqlstore.Store, roots []string, all map[uuid.UUID]product.Product, random *rand.Rand) int {
	t.Helper()
	var queries []product.Query
	for range 3 {
		for _, root := range roots {
			q := product.Query{Category: root, Sort: []product.Sort{product.SortCreated, product.SortCreatedDesc}[random.IntN(2)], Limit: 1 + random.IntN(8)}
			if random.IntN(2) == 0 {
				for _, p := range all { // in random order
					q.After = position(q.Sort, &p)
					break
				}
			}
			if store.Joins(q) {
				queries = append(queries, q)
			}
		}
	}
	pages, err := store.Lists(t.Context(), queries)
	require.NoError(t, err)
	for i, q := range queries {
		want, err := store.List(t.Context(), q)
		require.NoError(t, err)
		require.ElementsMatch(t, want, pages[i])
		require.True(t, slices.EqualFunc(want, pages[i], func(a, b product.Product) bool { return a.ID == b.ID }), "%+v", q)
	}
	return len(queries)
}

// walks reads page after page of a list by category, and requires what is in all.
func walks(t *testing.T, store product.Store, q product.Query, all map[uuid.UUID]product.Product) {
	t.Helper()
	var want []uuid.UUID
	for id, p := range all {
		below := p.Category == q.Category || strings.HasPrefix(p.Category, q.Category+"/")
		if below && p.Deleted() == q.Deleted && (q.Status == "" || p.Status == q.Status) {
			want = append(want, id)
		}
	}
	slices.SortFunc(want, func(a, b uuid.UUID) int {
		return cmp.Or(all[a].CreatedAt.Compare(all[b].CreatedAt), bytes.Compare(a[:], b[:]))
	})
	if q.Sort.Descending() {
		slices.Reverse(want)
	}
	var got []uuid.UUID
	for {
		page, err := store.List(t.Context(), q)
		require.NoError(t, err)
		for i := range page {
			require.Equal(t, all[page[i].ID], page[i])
			got = append(got, page[i].ID)
		}
		if len(page) < q.Limit {
			break
		}
		q.After = position(q.Sort, &page[len(page)-1])
	}
	require.Equal(t, want, got, "%+v", q)
}
