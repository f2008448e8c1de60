package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// List is [product.Service.List].
func (c *Client) List(ctx context.Context, q product.Query) (product.Page, error) {
	page, err := c.list(ctx, listParams(q))
	return product.Page{Items: page.Items, Next: page.Next}, err
}

// All is [product.Service.All]: it reads page after page.
func (c *Client) All(ctx context.Context, q product.Query) iter.Seq2[product.Product, error] {
	return func(yield func(product.Product, error) bool) {
		for {
			page, err := c.List(ctx, q)
			if err != nil {
				yield(product.Product{}, err)
				return
			}
			for _, p := range page.Items {
				if !yield(p, nil) {
					return
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return
			}
		}
	}
}

// Count is [product.Service.Count].
func (c *Client) Count(ctx context.Context, q product.Query) (product.Count, error) {
	q.Limit, q.Cursor = 1, ""
	params := listParams(q)
	params.Set("count", "true")
	page, err := c.list(ctx, params)
	return product.Count{Value: page.Count.Value, Exact: page.Count.Precision == "exact"}, err
}

type listPage struct {
	Items []product.Product
	Next  string `json:"next_cursor"`
	Count struct {
		Value     int
		Precision string
	}
}

func (c *Client) list(ctx context.Context, params url.Values) (page listPage, err error) {
	a, err := c.do(ctx, call{method: "GET", path: "/products", query: params})
	if err == nil {
		err = a.decode(&page)
	}
	return page, err
}

// filterParams are the parameters of a query that say which products.
func filterParams(q product.Query) url.Values {
	v := make(url.Values)
	text := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	flag := func(name string, value *bool) {
		if value != nil {
			v.Set(name, strconv.FormatBool(*value))
		}
	}
	number := func(name string, value *int64) {
		if value != nil {
			v.Set(name, strconv.FormatInt(*value, 10))
		}
	}
	text("status", string(q.Status))
	flag("published", q.Published)
	text("category", q.Category)
	text("tag", q.Tag)
	text("vendor", q.Vendor)
	text("group", q.Group)
	text("sku_prefix", q.SKUPrefix)
	text("currency", q.Currency)
	number("price_min", q.PriceMin)
	number("price_max", q.PriceMax)
	flag("in_stock", q.InStock)
	if !q.UpdatedSince.IsZero() {
		v.Set("updated_since", q.UpdatedSince.Format(time.RFC3339Nano))
	}
	return v
}

func listParams(q product.Query) url.Values {
	v := filterParams(q)
	if q.Text != "" {
		v.Set("q", q.Text)
	}
	if q.Deleted {
		v.Set("deleted", "true")
	}
	if q.Sort != "" {
		v.Set("sort", string(q.Sort))
	}
	page(v, q.Limit, q.Cursor)
	return v
}

func page(v url.Values, limit int, cursor string) {
	if limit != 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	if cursor != "" {
		v.Set("cursor", cursor)
	}
}

// History is [product.Service.History].
func (c *Client) History(ctx context.Context, id uuid.UUID, q product.HistoryQuery) (product.HistoryPage, error) {
	params := make(url.Values)
	page(params, q.Limit, q.Cursor)
	a, err := c.do(ctx, call{method: "GET", path: "/products/" + id.String() + "/history", query: params})
	if err != nil {
		return product.HistoryPage{}, err
	}
	var result struct {
		Items []change
		Next  string `json:"next_cursor"`
	}
	err = a.decode(&result)
	return product.HistoryPage{Changes: changesOf(result.Items), Next: result.Next}, err
}
