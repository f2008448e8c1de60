package feed_test

import (
	"context"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a Merger that keeps the entries by SKU, so that tests see what a file comes to.
type recorder struct {
	mu      sync.Mutex
	entries map[string]product.Entry
	order   []string
	batches []int

	before func(first string) error                          // may fail a batch, by its first SKU, or take its time
	decide func(batch int, e product.Entry) *product.Outcome // may decide an entry
}

func (r *recorder) Merge(_ context.Context, entries []product.Entry) ([]product.Outcome, error) {
	r.mu.Lock()
	r.batches = append(r.batches, len(entries))
	batch := len(r.batches)
	r.mu.Unlock()
	if r.before != nil {
		if err := r.before(entries[0].Draft.SKU); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries == nil {
		r.entries = make(map[string]product.Entry)
	}
	outcomes := make([]product.Outcome, len(entries))
	for i, e := range entries {
		if r.decide != nil {
			if o := r.decide(batch, e); o != nil {
				outcomes[i] = *o
				continue
			}
		}
		known, ok := r.entries[e.Draft.SKU]
		switch {
		case !ok:
			outcomes[i].Result = product.Created
			r.order = append(r.order, e.Draft.SKU)
		case !reflect.DeepEqual(known, e):
			outcomes[i].Result = product.Updated
		}
		r.entries[e.Draft.SKU] = e
	}
	return outcomes, nil
}

// draft returns the only product, or the one with this SKU.
func (r *recorder) draft(t *testing.T, sku string) product.Draft {
	t.Helper()
	require.Contains(t, r.entries, sku, "known: %v", r.order)
	return r.entries[sku].Draft
}

func (r *recorder) groups() map[string]int {
	groups := make(map[string]int)
	for _, e := range r.entries {
		groups[e.Draft.Group]++
	}
	return groups
}

// euros leaves progress events out, which come when the machine is slow.
func euros() feed.Config {
	return feed.Config{Format: feed.Shopify, Currency: "EUR", ProgressEvery: time.Hour}
}

// run imports a file and returns its events, of which the last is the summary.
func run(t *testing.T, to feed.Merger, file string, cfg feed.Config) (events []feed.Event, summary feed.Event) {
	t.Helper()
	for e := range feed.Import(t.Context(), to, strings.NewReader(file), cfg) {
		events = append(events, e)
	}
	require.NotEmpty(t, events)
	summary = events[len(events)-1]
	require.Equal(t, feed.EventSummary, summary.Kind)
	return events[:len(events)-1], summary
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(b)
}

// some is a UUID to tell apart.
var some = uuid.MustParse("0190a5d2-0000-7000-8000-000000000001")
