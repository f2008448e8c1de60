package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// Create is [product.Service.Create].
func (c *Client) Create(ctx context.Context, d product.Draft) (product.Product, error) {
	body, err := productjson.EncodeDraft(d)
	if err != nil {
		return product.Product{}, err
	}
	return c.writeProduct(ctx, call{method: "POST", path: "/products", media: mediaJSON, body: body})
}

// Get is [product.Service.Get].
func (c *Client) Get(ctx context.Context, id uuid.UUID) (product.Product, error) {
	return c.readProduct(ctx, "/products/"+id.String())
}

// GetBySKU is [product.Service.GetBySKU].
func (c *Client) GetBySKU(ctx context.Context, sku string) (product.Product, error) {
	if !product.ValidSKU(sku) {
		return product.Product{}, product.ErrNotFound // its path could be another's
	}
	return c.readProduct(ctx, "/skus/"+url.PathEscape(sku))
}

func (c *Client) readProduct(ctx context.Context, path string) (p product.Product, err error) {
	a, err := c.do(ctx, call{method: "GET", path: path})
	if err == nil {
		err = a.decode(&p)
	}
	return p, err
}

// Update is [product.Service.Update]. Over HTTP attributes and options are merged, or removed; to
// replace them as a whole, use Upsert.
func (c *Client) Update(ctx context.Context, id uuid.UUID, p product.Patch, e product.Expect) (product.Product, error) {
	body, err := productjson.EncodePatch(p)
	if err != nil {
		return product.Product{}, err
	}
	header, err := expecting(e, id, productTag)
	if err != nil {
		return product.Product{}, err
	}
	return c.writeProduct(ctx, call{method: "PATCH", path: "/products/" + id.String(), header: header, media: mediaMergePatch, body: body})
}

// Upsert is [product.Service.Upsert]. The result tells a creation from a replacement, and not
// whether that changed anything.
func (c *Client) Upsert(ctx context.Context, d product.Draft, e product.Expect) (product.Product, product.Result, error) {
	if err := d.Validate(); err != nil {
		return product.Product{}, product.Unchanged, err // without a SKU there is no path
	}
	body, err := productjson.EncodeDraft(d)
	if err != nil {
		return product.Product{}, product.Unchanged, err
	}
	header, err := expecting(e, d.ID, productTag)
	if err != nil {
		return product.Product{}, product.Unchanged, err
	}
	a, err := c.do(ctx, call{method: "PUT", path: "/skus/" + url.PathEscape(d.SKU), header: header, media: mediaJSON, body: body, write: true})
	if err != nil {
		return product.Product{}, product.Unchanged, err
	}
	result := product.Updated
	if a.status == http.StatusCreated {
		result = product.Created
	}
	var p product.Product
	err = a.decode(&p)
	return p, result, err
}

// Delete is [product.Service.Delete].
func (c *Client) Delete(ctx context.Context, id uuid.UUID, e product.Expect) error {
	header, err := expecting(e, id, productTag)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{method: "DELETE", path: "/products/" + id.String(), header: header, write: true})
	return err
}

// Restore is [product.Service.Restore].
func (c *Client) Restore(ctx context.Context, id uuid.UUID, e product.Expect) (product.Product, error) {
	header, err := expecting(e, id, productTag)
	if err != nil {
		return product.Product{}, err
	}
	return c.writeProduct(ctx, call{method: "POST", path: "/products/" + id.String() + "/restore", header: header})
}

func (c *Client) writeProduct(ctx context.Context, call call) (p product.Product, err error) {
	call.write = true
	a, err := c.do(ctx, call)
	if err == nil {
		err = a.decode(&p)
	}
	return p, err
}

// Lookup is [product.Service.Lookup].
func (c *Client) Lookup(ctx context.Context, keys []product.Key) (found []product.Product, missing []product.Key, err error) {
	var body struct {
		IDs  []uuid.UUID `json:"ids,omitempty"`
		SKUs []string    `json:"skus,omitempty"`
	}
	for _, k := range keys {
		if k.SKU != "" {
			body.SKUs = append(body.SKUs, k.SKU)
		} else {
			body.IDs = append(body.IDs, k.ID)
		}
	}
	text, err := json.Marshal(body)
	if err != nil || len(keys) == 0 {
		return nil, nil, err
	}
	a, err := c.do(ctx, call{method: "POST", path: "/products/lookup", media: mediaJSON, body: text})
	if err != nil {
		return nil, nil, err
	}
	var result struct {
		Items   []product.Product
		Missing []product.Key
	}
	err = a.decode(&result)
	return result.Items, result.Missing, err
}
