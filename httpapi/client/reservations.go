package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/productkit-go/productkit/product"
)

// Reserve is [product.Service.Reserve]. Over HTTP an expiry is rounded up to whole seconds, the
// result is [product.Unchanged] where the answer to a first try was lost, and no reservation has
// its ID.
func (c *Client) Reserve(ctx context.Context, key string, items []product.ReservationItem, expiry time.Duration) (product.Reservation, product.Result, error) {
	if err := product.ValidateReservation(key, items, expiry); err != nil {
		return product.Reservation{}, product.Unchanged, err // its path could be another's
	}
	type item struct {
		SKU      string `json:"sku"`
		Quantity int64  `json:"quantity"`
	}
	var body struct {
		Items   []item `json:"items"`
		Seconds int64  `json:"expires_in_seconds,omitempty"`
	}
	for _, i := range items {
		body.Items = append(body.Items, item{i.SKU, i.Quantity})
	}
	body.Seconds = int64((expiry + time.Second - 1) / time.Second)
	text, err := json.Marshal(body)
	if err != nil {
		return product.Reservation{}, product.Unchanged, err
	}
	var r product.Reservation
	a, err := c.do(ctx, call{method: "PUT", path: reservationPath(key), media: mediaJSON, body: text, write: true})
	if err != nil {
		return r, product.Unchanged, err
	}
	result := product.Unchanged
	if a.status == http.StatusCreated {
		result = product.Created
	}
	err = a.decode(&r)
	return r, result, err
}

// Commit is [product.Service.Commit].
func (c *Client) Commit(ctx context.Context, key string) (product.Reservation, error) {
	return c.reservation(ctx, key, call{method: "POST", path: reservationPath(key) + "/commit", write: true})
}

// Release is [product.Service.Release].
func (c *Client) Release(ctx context.Context, key string) (product.Reservation, error) {
	return c.reservation(ctx, key, call{method: "DELETE", path: reservationPath(key), write: true})
}

// Reservation is [product.Service.Reservation].
func (c *Client) Reservation(ctx context.Context, key string) (product.Reservation, error) {
	return c.reservation(ctx, key, call{method: "GET", path: reservationPath(key)})
}

func (c *Client) reservation(ctx context.Context, key string, call call) (r product.Reservation, err error) {
	if !product.ValidReservationKey(key) {
		return r, product.ErrReservationNotFound
	}
	a, err := c.do(ctx, call)
	if err == nil {
		err = a.decode(&r)
	}
	return r, err
}

func reservationPath(key string) string { return "/reservations/" + url.PathEscape(key) }
