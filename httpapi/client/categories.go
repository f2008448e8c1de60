package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/productkit-go/productkit/product"
)

// Categories is [product.Service.Categories].
func (c *Client) Categories(ctx context.Context, q product.CategoryQuery) (root product.Category, err error) {
	params := make(url.Values)
	if q.Under != "" {
		params.Set("under", q.Under)
	}
	if q.Depth != 0 {
		params.Set("depth", strconv.Itoa(q.Depth))
	}
	if q.Status != "" {
		params.Set("status", string(q.Status))
	}
	if q.Published != nil {
		params.Set("published", strconv.FormatBool(*q.Published))
	}
	a, err := c.do(ctx, call{method: "GET", path: "/categories", query: params})
	if err == nil {
		err = a.decode(&root)
	}
	return root, err
}
