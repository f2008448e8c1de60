package product_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

// shelves is a Lister that answers with the category as a product's SKU, once asks is free.
type shelves struct {
	product.Store
	asks sync.Mutex
	fail func() error
	read [][]product.Query
}

func (s *shelves) Joins(q product.Query) bool { return q.Category != "" }

func (s *shelves) List(context.Context, product.Query) ([]product.Product, error) {
	return []product.Product{{SKU: "by itself"}}, nil
}

func (s *shelves) Lists(_ context.Context, queries []product.Query) ([][]product.Product, error) {
	s.asks.Lock()
	defer s.asks.Unlock()
	s.read = append(s.read, queries)
	pages := make([][]product.Product, len(queries))
	for i, q := range queries {
		pages[i] = []product.Product{{SKU: q.Category}}
	}
	return pages, s.fail()
}

// lists has so many callers list pages of so many products, each of another category, and returns their errors.
func (s *shelves) lists(t *testing.T, callers, limit int) []error {
	t.Helper()
	service := product.NewService(s, nil)
	s.asks.Lock()
	var wg sync.WaitGroup
	errs := make([]error, callers)
	for i := range callers {
		wg.Go(func() {
			category := fmt.Sprint("c", i)
			page, err := service.List(context.Background(), product.Query{Category: category, Limit: limit})
			if errs[i] = err; err == nil && (len(page.Items) != 1 || page.Items[0].SKU != category) {
				errs[i] = fmt.Errorf("%s got %v", category, page.Items)
			}
		})
	}
	require.Eventually(t, func() bool { return service.Stats().Lists.Calls == uint64(callers) }, 30*time.Second, time.Millisecond)
	s.asks.Unlock()
	wg.Wait()
	require.NoError(t, service.Close(context.Background()))
	require.EqualValues(t, len(s.read), service.Stats().Lists.Batches)
	return errs
}

func TestListsThatMeetAreReadTogether(t *testing.T) {
	t.Parallel()
	fine := func() error { return nil }
	s := &shelves{fail: fine}
	require.NoError(t, errors.Join(s.lists(t, 100, 20)...))
	require.LessOrEqual(t, len(s.read), 4+100/8+1)
	for _, queries := range s.read {
		require.LessOrEqual(t, len(queries), 8)
	}

	s = &shelves{fail: fine}
	require.NoError(t, errors.Join(s.lists(t, 20, product.MaxLimit)...))
	require.Len(t, s.read, 20, "no more products than a page may have")
}

func TestAListThatMayTakeLongIsReadByItself(t *testing.T) {
	t.Parallel()
	s := new(shelves)
	service := product.NewService(s, nil)
	page, err := service.List(t.Context(), product.Query{})
	require.NoError(t, err)
	require.Equal(t, "by itself", page.Items[0].SKU)
	require.Zero(t, service.Stats().Lists.Calls)
	require.NoError(t, service.Close(t.Context()))
	_, err = service.List(t.Context(), product.Query{Category: "c"})
	require.ErrorIs(t, err, product.ErrClosed)
}

func TestWhatFailsListsIsToldToEachOfThem(t *testing.T) {
	t.Parallel()
	for want, fail := range map[string]func() error{
		"no such thing":      func() error { return errors.New("no such thing") },
		"the store panicked": func() error { panic("at the shelves") },
	} {
		s := &shelves{fail: fail}
		for _, err := range s.lists(t, 20, 20) {
			require.ErrorContains(t, err, want)
		}
	}
}
