package client

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// Stock is [product.Service.Stock].
func (c *Client) Stock(ctx context.Context, id uuid.UUID) (product.Stock, error) {
	return c.stock(ctx, id, call{method: "GET"})
}

// AdjustStock is [product.Service.AdjustStock]. A delta of zero is refused.
func (c *Client) AdjustStock(ctx context.Context, id uuid.UUID, delta int64, reason string, e product.Expect) (product.Stock, error) {
	return c.writeStock(ctx, id, e, "POST", struct {
		Delta  int64  `json:"delta"`
		Reason string `json:"reason,omitempty"`
	}{delta, reason})
}

// SetStock is [product.Service.SetStock].
func (c *Client) SetStock(ctx context.Context, id uuid.UUID, onHand int64, e product.Expect) (product.Stock, error) {
	return c.writeStock(ctx, id, e, "PUT", struct {
		OnHand int64 `json:"on_hand"`
	}{onHand})
}

func (c *Client) writeStock(ctx context.Context, id uuid.UUID, e product.Expect, method string, body any) (product.Stock, error) {
	header, err := expecting(e, id, stockTag)
	if err != nil {
		return product.Stock{}, err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return product.Stock{}, err
	}
	return c.stock(ctx, id, call{method: method, header: header, media: mediaJSON, body: text, write: true})
}

func (c *Client) stock(ctx context.Context, id uuid.UUID, call call) (product.Stock, error) {
	call.path = "/products/" + id.String() + "/stock"
	a, err := c.do(ctx, call)
	if err != nil {
		return product.Stock{}, err
	}
	var s stockDocument
	err = a.decode(&s)
	return s.of(id, a.header.Get("ETag")), err
}

// stockDocument is the JSON of a stock, whose product and version stand beside it.
type stockDocument struct {
	OnHand   int64 `json:"on_hand"`
	Reserved int64 `json:"reserved"`
}

func (s stockDocument) of(id uuid.UUID, etag string) product.Stock {
	return product.Stock{ProductID: id, OnHand: s.OnHand, Reserved: s.Reserved, Version: stockVersion(etag)}
}
