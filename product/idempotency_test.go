package product_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

func TestWhoeverCannotWaitForTheWriteWithItsKeyIsToldSo(t *testing.T) {
	t.Parallel()
	for name, lanes := range map[string]int{"withdrawn from the queue": 1, "in a batch of its own": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gate{Store: newStore(t), before: make(chan struct{})}
			s := storetest.NewService(t, g, &product.Options{WriteBatches: lanes})
			ask := func(ctx context.Context, key string) (product.Product, error) {
				return s.Create(product.WithIdempotencyKey(ctx, key), draft("A"))
			}
			var wg sync.WaitGroup
			first, leave := context.WithCancel(t.Context())
			wg.Go(func() {
				_, err := ask(first, "k")
				require.ErrorIs(t, err, product.ErrOutcomeUnknown)
				require.NotErrorIs(t, err, product.ErrKeyUnderway)
			})
			eventually(t, func() bool { _, applies := g.reached(); return applies == 1 }, "the first is being written")

			second := func(key string) error {
				ctx, cancel := context.WithCancel(t.Context())
				answer := make(chan error)
				calls := s.Stats().Writes.Calls
				go func() { _, err := ask(ctx, key); answer <- err }()
				eventually(t, func() bool { return s.Stats().Writes.Calls > calls }, "the second waits")
				if _, applies := g.reached(); lanes == 2 && applies == 1 {
					eventually(t, func() bool { _, applies := g.reached(); return applies == 2 }, "the second is being written")
				}
				cancel()
				return <-answer
			}
			err := second("k")
			require.ErrorIs(t, err, product.ErrKeyUnderway)
			require.ErrorIs(t, err, context.Canceled)
			leave()
			wg.Wait()
			require.ErrorIs(t, second("k"), product.ErrKeyUnderway, "the first goes on without its caller")
			require.NotErrorIs(t, second("another"), product.ErrKeyUnderway)

			close(g.before)
			made, err := ask(t.Context(), "k")
			require.NoError(t, err)
			require.EqualValues(t, 1, made.Version)
			eventually(t, func() bool { return s.Stats().Writes.Running == 0 }, "all have been written")
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = ask(ended, "k")
			require.NotErrorIs(t, err, product.ErrKeyUnderway, "nothing is on its way any more")
		})
	}
}

// A record outlives the release that wrote it. These digests may only change together with a
// word in the CHANGELOG about keys that are sent again across the update.
func TestFingerprintsStayTheSame(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("0190a5d2-0000-7000-8000-000000000001")
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	full := product.Product{
		SKU: "A", Name: "näme", Description: "d", Status: product.StatusActive, PublishAt: at, UnpublishAt: at.Add(time.Hour),
		Price: product.Money{Amount: 1, Currency: "EUR"}, CompareAt: &product.Money{Amount: 2, Currency: "EUR"}, Backorder: true,
		Group: "g", Options: map[string]string{"Size": "M", "Color": "Red"}, Category: "c/d", Tags: []string{"b", "a"}, Vendor: "v",
		Barcode: "4006381333931", WeightGrams: 3, Images: []product.Image{{URL: "https://e.org", Alt: "alt"}}, Attributes: json.RawMessage(`{"a":1}`),
	}
	patch := product.Patch{
		SKU: ptr("A"), Name: ptr(""), Price: &product.MoneyPatch{Amount: ptr(int64(0))}, Backorder: ptr(false),
		Options: &product.OptionsPatch{Set: map[string]*string{"Size": nil, "Color": ptr("")}}, Tags: &[]string{},
		Attributes: &product.AttributesPatch{Clear: true, Merge: json.RawMessage(`{"b": null, "a": 1.10}`)},
		Assert:     product.Assert{Version: ptr(int64(3)), ID: &id, CreatedAt: &at},
	}
	for _, c := range []struct {
		name string
		w    product.Write
		want string
	}{
		{"create", product.Write{Op: product.OpCreate, ID: id, Draft: &product.Draft{Product: full, Stock: ptr(int64(4))}}, "df8d7860300919bc"},
		{"create without anything", product.Write{Op: product.OpCreate, Draft: &product.Draft{}}, "454101fb03ddfe70"},
		{"update", product.Write{Op: product.OpUpdate, ID: id, Patch: &patch, Expect: product.IfVersion(3)}, "034b360814e64a4b"},
		{"update of nothing", product.Write{Op: product.OpUpdate, ID: id, Patch: &product.Patch{}}, "0de78afff4100d12"},
		{"upsert", product.Write{Op: product.OpUpsert, ID: id, Draft: &product.Draft{Product: full}, Patch: &patch, OnHand: ptr(int64(0)), Expect: product.Expect{Absent: true}}, "b0ebf871db7b1bfb"},
		{"delete", product.Write{Op: product.OpDelete, ID: id, Expect: product.Expect{Match: []product.Revision{}, NoneMatch: []product.Revision{{ID: id, Version: 1}}}}, "6666b2553dc88a25"},
		{"restore", product.Write{Op: product.OpRestore, ID: id, Expect: product.Expect{Exists: true}}, "83aaae1e9c46dfa8"},
		{"sell", product.Write{Op: product.OpAdjustStock, ID: id, Delta: -3, Reason: "order \"17\""}, "a6656948bfb61c16"},
		{"count", product.Write{Op: product.OpSetStock, ID: id, OnHand: ptr(int64(0))}, "038ce0be22b5197f"},
	} {
		got := product.FingerprintOf(c.w)
		require.Equal(t, c.want, hex.EncodeToString(got[:8]), c.name)
		attempt := c.w
		attempt.At, attempt.Actor, attempt.Record, attempt.Fingerprint = at, "somebody", &product.RecordID{1}, got
		require.Equal(t, got, product.FingerprintOf(attempt), c.name)
	}
	// What is not set does not show, so a member that a later release adds changes nothing.
	text := `{Delta:-3,ID:0190a5d2-0000-7000-8000-000000000001,Op:6,Reason:"sold",}`
	require.Equal(t, sha256.Sum256([]byte(text)), product.FingerprintOf(product.Write{Op: product.OpAdjustStock, ID: id, Delta: -3, Reason: "sold"}))
	spaced := patch
	spaced.Attributes = &product.AttributesPatch{Clear: true, Merge: json.RawMessage("{\"a\":1.10,\n\"b\":null}")}
	require.Equal(t, product.FingerprintOf(product.Write{Patch: &patch}), product.FingerprintOf(product.Write{Patch: &spaced}))
}
