package feed_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

func TestBatchesThatShareNothingAreMergedSideBySide(t *testing.T) {
	t.Parallel()
	const header = "sku,name,price,currency,group,options"
	row := func(sku, group, size string) string {
		return sku + `,N,1,EUR,` + group + `,"{""Size"":""` + size + `""}"`
	}
	plain := func(sku string) string { return sku + ",N,1,EUR,," }
	for name, c := range map[string]struct {
		file []string
		most int32
		took time.Duration
	}{
		"no groups":    {[]string{header, plain("a"), plain("b"), plain("c"), plain("d"), plain("e"), plain("f"), plain("g"), plain("h")}, 2, 2 * time.Second},
		"other groups": {[]string{header, row("a", "A", "S"), row("b", "A", "M"), row("c", "C", "S"), row("d", "C", "M")}, 2, time.Second},
		"a group":      {[]string{header, row("a", "A", "S"), row("b", "A", "M"), row("c", "A", "L"), row("d", "D", "S")}, 1, 2 * time.Second},
		"whose group is unknown": {[]string{"sku,name,price,currency,options.Size", "a,N,1,EUR,S", "b,N,1,EUR,S", "c,N,1,EUR,S", "d,N,1,EUR,S"},
			1, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var now, most atomic.Int32
				r := recorder{before: func(string) error {
					n := now.Add(1)
					most.Store(max(most.Load(), n))
					time.Sleep(time.Second)
					now.Add(-1)
					return nil
				}}
				begun := time.Now()
				events, summary := run(t, &r, strings.Join(c.file, "\n"), feed.Config{BatchSize: 2, ProgressEvery: time.Hour})
				require.Empty(t, events)
				require.EqualValues(t, len(c.file)-1, summary.Created)
				require.Equal(t, c.most, most.Load())
				require.Equal(t, c.took, time.Since(begun))
			})
		})
	}
}

// What the first batch gives free, the second may take, though both are under way at once.
func TestWhatIsRefusedBesideABatchIsTriedAgainBehindIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var freed atomic.Bool
		r := recorder{
			before: func(first string) error {
				if first == "tee-0" {
					time.Sleep(time.Second)
					freed.Store(true)
				}
				return nil
			},
			decide: func(_ int, e product.Entry) *product.Outcome {
				if e.Draft.SKU == "tee-3" && !freed.Load() || e.Draft.SKU == "tee-2" {
					return &product.Outcome{Err: &product.TakenError{Field: "options", By: some}}
				}
				return nil
			},
		}
		cfg := euros()
		cfg.BatchSize = 2
		events, summary := run(t, &r, tees(4), cfg)
		require.Len(t, events, 1)
		require.Equal(t, "tee-2", events[0].SKU)
		require.Equal(t, "taken", events[0].Code)
		require.Equal(t, feed.Counts{Rows: 4, Created: 3, Refused: 1}, *summary.Counts)
		require.Equal(t, []int{2, 2, 2}, r.batches)
	})
}

// Rows that landed are counted even where an earlier batch has failed for good.
func TestWhatIsUnderWayBehindAFailureIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := recorder{before: func(first string) error {
			if first == "tee-0" {
				return product.ErrClosed
			}
			time.Sleep(time.Second)
			return nil
		}}
		cfg := euros()
		cfg.BatchSize = 2
		events, summary := run(t, &r, tees(8), cfg)
		require.Len(t, events, 1)
		require.Equal(t, "closed", events[0].Code)
		require.Equal(t, 2, events[0].Line)
		require.EqualValues(t, 2, summary.Created)
		require.Equal(t, []string{"tee-2", "tee-3"}, r.order)
	})
}
