package product_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

// paths is a Store of one product in each of its categories.
type paths struct {
	product.Store
	all  []string
	asks *sync.Mutex // held: answers wait
}

func (p paths) Categories(_ context.Context, q product.Query, each func(string, int) error) error {
	if p.asks != nil {
		p.asks.Lock()
		defer p.asks.Unlock()
	}
	for _, path := range p.all {
		if q.Category != "" && path != q.Category && !strings.HasPrefix(path, q.Category+"/") {
			continue
		}
		if err := each(path, 1); err != nil {
			return err
		}
	}
	return nil
}

// nodes returns how many nodes each level below c has.
func nodes(c product.Category) (levels []int) {
	for level := c.Children; len(level) > 0; {
		levels = append(levels, len(level))
		var below []product.Category
		for _, child := range level {
			below = append(below, child.Children...)
		}
		level = below
	}
	return levels
}

func TestATreeHasAsManyWholeLevelsAsFit(t *testing.T) {
	t.Parallel()
	wide := func(parents, children, grandchildren int) (all []string) {
		for i := range parents {
			for j := range children {
				for k := range grandchildren {
					all = append(all, fmt.Sprintf("c%05d/d%05d/e%05d", i, j, k))
				}
			}
		}
		return all
	}
	for name, c := range map[string]struct {
		all    []string
		levels []int
		more   bool // below the last level that is shown
	}{
		"all of it":           {wide(9, 10, 11), []int{9, 90, 990}, false},
		"two levels of three": {append(wide(100, 98, 1)[:9799], "d/e", "d/f"), []int{101, 9801}, true},
		"as many as there be": {wide(100, 99, 1)[:9900], []int{100, 9900}, true},
		"one level":           {wide(101, 100, 1), []int{101}, true},
		"too flat":            {wide(12_000, 1, 1), []int{10_000}, true},
		"a hundred thousand":  {wide(10, 10, 1000), []int{10, 100}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := product.NewService(paths{all: c.all}, nil)
			defer func() { require.NoError(t, service.Close(t.Context())) }()
			root, err := service.Categories(t.Context(), product.CategoryQuery{})
			require.NoError(t, err)
			require.Equal(t, len(c.all), root.Count)
			require.Equal(t, c.levels, nodes(root))
			text, err := json.Marshal(root)
			require.NoError(t, err)
			require.Equal(t, c.more, strings.Contains(string(text), `"more":true`))
			require.Equal(t, name == "too flat", root.More)

			first := root.Children[0]
			below, err := service.Categories(t.Context(), product.CategoryQuery{Under: first.Path})
			require.NoError(t, err)
			require.Equal(t, first.Count, below.Count)
			require.False(t, below.More)
		})
	}
}

// Whoever asks for the same tree while it is waited for gets the one that is read next.
func TestCallersShareOneReadingOfTheTree(t *testing.T) {
	t.Parallel()
	store := paths{all: []string{"a"}, asks: new(sync.Mutex)}
	service := product.NewService(store, &product.Options{ReadBatches: 1})
	store.asks.Lock()
	const callers = 50
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			root, err := service.Categories(context.Background(), product.CategoryQuery{})
			require.NoError(t, err)
			require.Equal(t, 1, root.Count)
		})
	}
	require.Eventually(t, func() bool { return service.Stats().Trees.Calls == callers }, 30*time.Second, time.Millisecond)
	store.asks.Unlock()
	wg.Wait()
	require.LessOrEqual(t, service.Stats().Trees.Batches, uint64(2))
	require.NoError(t, service.Close(context.Background()))
}
