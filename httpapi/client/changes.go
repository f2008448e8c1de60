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

// change is the JSON of a [product.Change].
type change struct {
	Seq       product.Seq
	ID        uuid.UUID
	ProductID uuid.UUID `json:"product_id"`
	SKU       string
	Kind      product.ChangeKind
	Version   int64
	At        time.Time
	Actor     string
	Reason    string
	Fields    []product.FieldChange
}

func changesOf(items []change) []product.Change {
	changes := make([]product.Change, len(items))
	for i, c := range items {
		changes[i] = product.Change(c)
	}
	return changes
}

// Changes is [product.Service.Changes].
func (c *Client) Changes(ctx context.Context, after product.Seq, limit int) ([]product.Change, error) {
	a, err := c.do(ctx, call{method: "GET", path: "/changes", query: changeParams(after, limit)})
	if err != nil {
		return nil, expired(err, after)
	}
	return readChanges(a)
}

// pollWait is how long one request of waiting asks the server to wait, well within what proxies let
// pass.
const pollWait = 25 * time.Second

// AwaitChanges is [product.Service.AwaitChanges]: it polls until there is something, or the context
// ends.
func (c *Client) AwaitChanges(ctx context.Context, after product.Seq, limit int) ([]product.Change, error) {
	params := changeParams(after, limit)
	params.Set("wait", pollWait.String())
	patient := *c
	if c.opts.Timeout > 0 {
		patient.opts.Timeout += pollWait
	}
	for {
		a, err := patient.do(ctx, call{method: "GET", path: "/changes", query: params})
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, expired(err, after)
		}
		if changes, err := readChanges(a); err != nil || len(changes) > 0 {
			return changes, err
		}
	}
}

// Follow is [product.Service.Follow]. What the server, or the way to it, does not survive is tried
// again as [Options] say, and then ends it with an error: go on after the last change.
func (c *Client) Follow(ctx context.Context, after product.Seq) iter.Seq2[product.Change, error] {
	return func(yield func(product.Change, error) bool) {
		for {
			changes, err := c.AwaitChanges(ctx, after, product.MaxChanges)
			if err != nil {
				yield(product.Change{}, err)
				return
			}
			for _, change := range changes {
				if !yield(change, nil) {
					return
				}
				after = change.Seq
			}
		}
	}
}

func changeParams(after product.Seq, limit int) url.Values {
	v := make(url.Values)
	page(v, limit, "")
	v.Set("after", strconv.FormatInt(int64(after), 10))
	return v
}

func readChanges(a *answer) ([]product.Change, error) {
	var page struct{ Items []change }
	err := a.decode(&page)
	return changesOf(page.Items), err
}

// expired completes the error of a position that is no longer kept.
func expired(err error, after product.Seq) error {
	if p, ok := err.(*Problem); ok {
		if e, ok := p.cause.(*product.ChangesExpiredError); ok {
			e.After = after
		}
	}
	return err
}
