package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// Batch is [product.Service.Batch]. Over HTTP a batch with content that breaks a rule by itself is
// refused as a whole, with an [product.InvalidError] that names each, and of the products in outcomes
// only ID and Version are told.
func (c *Client) Batch(ctx context.Context, ops []product.Operation) ([]product.Outcome, error) {
	return c.batch(ctx, ops, nil)
}

// AtomicBatch is [product.Service.AtomicBatch], as [Client.Batch].
func (c *Client) AtomicBatch(ctx context.Context, ops []product.Operation) ([]product.Outcome, error) {
	outcomes, err := c.batch(ctx, ops, url.Values{"atomic": {"true"}})
	for i, o := range outcomes {
		if _, cascaded := o.Err.(*product.NotAppliedError); o.Err != nil && !cascaded {
			return outcomes, fmt.Errorf("operation %d of the batch: %w", i, o.Err)
		}
	}
	return outcomes, err
}

func (c *Client) batch(ctx context.Context, ops []product.Operation, query url.Values) ([]product.Outcome, error) {
	if len(ops) == 0 {
		return []product.Outcome{}, nil
	}
	var body struct {
		Items []batchItem `json:"items"`
	}
	for i, op := range ops {
		item, err := batchItemOf(op)
		if err != nil {
			return nil, fmt.Errorf("operation %d of the batch: %w", i, err)
		}
		body.Items = append(body.Items, item)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	a, err := c.do(ctx, call{method: "POST", path: "/products/batch", query: query, media: mediaJSON, body: text, write: true})
	if err != nil {
		return nil, err
	}
	var result struct{ Items []batchResult }
	if err := a.decode(&result); err != nil {
		return nil, err
	}
	if len(result.Items) != len(ops) {
		return nil, fmt.Errorf("client: the answer has %d results for %d operations", len(result.Items), len(ops))
	}
	outcomes := make([]product.Outcome, len(ops))
	for i := range outcomes {
		outcomes[i] = result.Items[i].outcome(ops[i])
	}
	return outcomes, nil
}

// batchItem is one operation in a request.
type batchItem struct {
	Op          string          `json:"op"`
	ID          *uuid.UUID      `json:"id,omitempty"`
	SKU         string          `json:"sku,omitempty"`
	Product     json.RawMessage `json:"product,omitempty"`
	Patch       json.RawMessage `json:"patch,omitempty"`
	Delta       *int64          `json:"delta,omitempty"`
	OnHand      *int64          `json:"on_hand,omitempty"`
	Reason      string          `json:"reason,omitempty"`
	IfMatch     string          `json:"if_match,omitempty"`
	IfNoneMatch string          `json:"if_none_match,omitempty"`
}

func batchItemOf(op product.Operation) (item batchItem, err error) {
	expect, id, tag := product.Expect{}, uuid.Nil, productTag
	named := func(key product.Key, e product.Expect) {
		expect, id, item.SKU = e, key.ID, key.SKU
		if key.SKU == "" {
			item.ID = &key.ID
		}
	}
	switch op := op.(type) {
	case product.Create:
		item.Op = "create"
		item.Product, err = productjson.EncodeDraft(op.Draft)
	case product.Upsert:
		item.Op, expect, id = "upsert", op.Expect, op.Draft.ID
		item.Product, err = productjson.EncodeDraft(op.Draft)
	case product.Update:
		item.Op = "patch"
		named(op.Key, op.Expect)
		item.Patch, err = productjson.EncodePatch(op.Patch)
	case product.Delete:
		item.Op = "delete"
		named(op.Key, op.Expect)
	case product.Restore:
		item.Op = "restore"
		named(product.ByID(op.ID), op.Expect)
	case product.AdjustStock:
		item.Op, item.Delta, item.Reason, tag = "stock", &op.Delta, op.Reason, stockTag
		named(op.Key, op.Expect)
	case product.SetStock:
		item.Op, item.OnHand, tag = "stock", &op.OnHand, stockTag
		named(op.Key, op.Expect)
	default:
		return item, fmt.Errorf("client: a batch cannot have a %T", op)
	}
	if err != nil {
		return item, err
	}
	header, err := expecting(expect, id, tag)
	item.IfMatch, item.IfNoneMatch = header.Get("If-Match"), header.Get("If-None-Match")
	return item, err
}

// batchResult is what became of one operation, in an answer.
type batchResult struct {
	Status   int
	ID       uuid.UUID
	ETag     string
	Version  int64
	Stock    *stockDocument
	Replayed bool
	Problem  *document
}

func (r *batchResult) outcome(op product.Operation) product.Outcome {
	switch {
	case r.Problem != nil:
		return product.Outcome{Err: r.Problem.failure(r.Status)}
	case r.Stock != nil:
		return product.Outcome{Result: product.Updated, Stock: r.Stock.of(r.ID, r.ETag), Product: product.Product{ID: r.ID}, Replayed: r.Replayed}
	}
	o := product.Outcome{Result: product.Updated, Product: product.Product{ID: r.ID, Version: r.Version}, Replayed: r.Replayed}
	switch op.(type) {
	case product.Delete:
		o.Result = product.Deleted
	case product.Restore:
		o.Result = product.Restored
	}
	if r.Status == http.StatusCreated {
		o.Result = product.Created
	}
	return o
}
