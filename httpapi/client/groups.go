package client

import (
	"context"
	"net/url"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// UpdateGroup is [product.Service.UpdateGroup]. Over HTTP attributes and options are merged, or
// removed, and a [product.VariantError] has no SKU.
func (c *Client) UpdateGroup(ctx context.Context, group string, p product.Patch) ([]product.Product, error) {
	body, err := productjson.EncodePatch(p)
	if err != nil {
		return nil, err
	}
	if group == "" || group == "." || group == ".." {
		return nil, product.ErrNotFound // its path could be another's
	}
	a, err := c.do(ctx, call{method: "PATCH", path: "/groups/" + url.PathEscape(group), media: mediaMergePatch, body: body, write: true})
	if err != nil {
		return nil, err
	}
	var result struct{ Items []product.Product }
	err = a.decode(&result)
	return result.Items, err
}
