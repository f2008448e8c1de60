package client_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi/client"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// anyone answers every request alike.
type anyone struct {
	status int
	header http.Header
	body   []byte
}

func (a anyone) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), Request: r}, nil
}

// Whatever answers, and be it no catalogue, every method returns, and a refusal is an error.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		`{"id":"0190a5d2-7c1e-7000-8000-000000000000","sku":"A","name":"n","price":{"amount":1,"currency":"EUR"},"version":1,"stock":{"on_hand":1,"reserved":0,"available":1}}`,
		`{"items":[{"seq":1,"product_id":"0190a5d2-7c1e-7000-8000-000000000000","fields":{"name":{"from":"a","to":"b"}}}],"next":1,"next_cursor":"x","count":{"value":1},"missing":[{"sku":"A"}]}`,
		`{"items":[{"status":200,"id":"0190a5d2-7c1e-7000-8000-000000000000","etag":"\"x.s1\"","stock":{"on_hand":1}},{"status":409,"problem":{"type":"#not-applied","by":0}}],"failed":1}`,
		`{"key":"k","state":"held","items":[{"sku":"A","quantity":1}],"expires_at":"2026-01-02T03:04:05Z"}`, `{"path":"","count":1,"children":[{"path":"a"}]}`,
		"{\"event\":\"refused\",\"line\":2}\n{\"event\":\"summary\",\"rows\":1,\"complete\":true}\n", "sku,name\n", `null`, `[]`, `<html>`,
	} {
		f.Add(uint16(200), "application/json", `"0190a5d2-7c1e-7000-8000-000000000000.s1"`, []byte(body))
	}
	for _, slug := range []string{"invalid", "sku-taken", "insufficient-stock", "changes-expired", "not-applied", "options-taken", "outcome-unknown", "timeout"} {
		f.Add(uint16(409), "application/problem+json", "1", []byte(`{"type":"https://x/#`+slug+`","status":409,"errors":[{"field":"a"}],"short":[{"sku":"A"}],"variant":"0190a5d2-7c1e-7000-8000-000000000000"}`))
	}
	f.Fuzz(func(t *testing.T, status uint16, media, field string, body []byte) {
		header := http.Header{"Content-Type": {media}, "Etag": {field}, "Location": {field}, "Retry-After": {field}, "Idempotency-Replayed": {field}}
		c, err := client.New("http://shop.test/v1", &client.Options{HTTP: &http.Client{Transport: anyone{200 + int(status)%400, header, body}}, Tries: -1})
		require.NoError(t, err)
		ctx, id, draft := t.Context(), uuid.Nil, product.Draft{}
		for _, call := range []func() error{
			func() error { _, err := c.Get(ctx, id); return err },
			func() error { _, _, err := c.Upsert(ctx, draft, product.Expect{}); return err },
			func() error { return c.Delete(ctx, id, product.Expect{}) },
			func() error { _, _, err := c.Lookup(ctx, []product.Key{product.BySKU("A")}); return err },
			func() error { _, err := c.List(ctx, product.Query{}); return err },
			func() error { _, err := c.Count(ctx, product.Query{}); return err },
			func() error { _, err := c.History(ctx, id, product.HistoryQuery{}); return err },
			func() error { _, err := c.Stock(ctx, id); return err },
			func() error { _, err := c.UpdateGroup(ctx, "g", product.Patch{}); return err },
			func() error { _, err := c.Categories(ctx, product.CategoryQuery{}); return err },
			func() error { _, err := c.Changes(ctx, 0, 1); return err },
			func() error { _, _, err := c.Reserve(ctx, "k", nil, time.Minute); return err },
			func() error { return c.Export(ctx, io.Discard, product.Query{}, feed.NDJSON) },
			func() error {
				_, err := c.Batch(ctx, []product.Operation{product.Create{Draft: draft}, product.AdjustStock{Key: product.BySKU("A"), Delta: 1}})
				return err
			},
			func() (err error) {
				for _, err = range c.Import(ctx, strings.NewReader("sku\n"), client.Import{}) {
				}
				return err
			},
		} {
			if err := call(); status%400 >= 200 {
				require.Error(t, err)
				require.NotEmpty(t, err.Error())
			}
		}
	})
}
