package sqlstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

func TestPagesSkipAndRepeatNothing(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		ctx, cancel := context.WithTimeout(t.Context(), testscale.N(2*time.Minute, 10*time.Minute))
		defer cancel()
		trial := storetest.PagingTrial{
			Store:  migrated(t, e.hasty().open(t), nil),
			Stay:   testscale.N(10, 200),
			Limits: testscale.N([]int{2}, []int{1, 7, 50, 200}),
		}
		require.NoError(t, trial.Run(ctx))
	})
}

// offsetPager pages as if by OFFSET: it goes on behind as many products as it has returned.
type offsetPager struct {
	product.Store
	before map[uuid.UUID]int // how many products stood before this one and with it
}

func (p offsetPager) List(ctx context.Context, q product.Query) ([]product.Product, error) {
	offset := 0
	if q.After != nil {
		offset = p.before[q.After.ID]
	}
	limit := q.Limit
	q.After, q.Limit = nil, offset+limit
	products, err := p.Store.List(ctx, q)
	products = products[min(offset, len(products)):]
	for i := range products {
		p.before[products[i].ID] = offset + i + 1
	}
	return products, err
}

func TestTheTrialOfPagesCatchesOffsets(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		err := storetest.PagingTrial{
			Store:  offsetPager{migrated(t, e.hasty().open(t), nil), map[uuid.UUID]int{}},
			Stay:   40,
			Limits: []int{3},
		}.Run(ctx)
		require.ErrorContains(t, err, " times")
		t.Log(err)
	})
}
