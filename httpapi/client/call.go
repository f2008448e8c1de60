package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

const (
	mediaJSON       = "application/json"
	mediaMergePatch = "application/merge-patch+json"
	mediaNDJSON     = "application/x-ndjson"

	// maxAnswer bounds an answer that is read whole. The greatest page has 200 products, none of
	// which is above 400 KiB.
	maxAnswer = 128 << 20
)

// call is one request, which may be sent several times.
type call struct {
	method string
	path   string // below the base
	query  url.Values
	header http.Header
	media  string // of the body
	body   []byte
	write  bool // sent with an idempotency key, under which it happens once
}

// answer is the response to a call, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) decode(v any) error {
	if err := json.Unmarshal(a.body, v); err != nil {
		return fmt.Errorf("client: the answer is not what this catalogue's contract says: %w", err)
	}
	return nil
}

// do sends a call until it is answered for good.
func (c *Client) do(ctx context.Context, call call) (*answer, error) {
	key, answered := keyOf(ctx, &call)
	var a *answer
	err := c.persist(ctx, func() (err error) {
		a, err = c.try(ctx, call, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	answered(a.header.Get("Idempotency-Replayed") == "true")
	return a, nil
}

// persist tries until it succeeds, or fails with what is not to be tried again.
func (c *Client) persist(ctx context.Context, try func() error) error {
	for tried := 1; ; tried++ {
		err := try()
		if err == nil {
			return nil
		}
		wait, again := c.delay(err, tried)
		if !again || !sleep(ctx, wait) {
			return err
		}
	}
}

// sleep reports whether the time went by before the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// keyOf returns the idempotency key of a write: the context's, or else one of its own. So every
// write may be sent again.
func keyOf(ctx context.Context, call *call) (key string, answered func(replayed bool)) {
	if !call.write {
		return "", func(bool) {}
	}
	if key, answered, ok := product.IdempotencyKey(ctx); ok {
		return key, answered
	}
	return uuid.NewString(), func(bool) {}
}

// try sends a call once.
func (c *Client) try(ctx context.Context, call call, key string) (*answer, error) {
	if c.opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.opts.Timeout)
		defer cancel()
	}
	res, err := c.send(ctx, call, key, bytes.NewReader(call.body))
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, lost(call.write, err)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("client: the answer is larger than %d bytes", maxAnswer)
	}
	return &answer{status: res.StatusCode, header: res.Header, body: body}, nil
}

// send sends a call and returns its response unread, or the error that a problem document tells.
func (c *Client) send(ctx context.Context, call call, key string, body io.Reader) (*http.Response, error) {
	target := c.base + call.path
	if len(call.query) > 0 {
		target += "?" + call.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, call.method, target, body)
	if err != nil {
		return nil, err
	}
	for _, header := range []http.Header{c.opts.Header, call.header} {
		for name, values := range header {
			req.Header[name] = values
		}
	}
	if call.media != "" {
		req.Header.Set("Content-Type", call.media)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := c.opts.HTTP.Do(req)
	if err != nil {
		return nil, lost(call.write, err)
	}
	if res.StatusCode < 400 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	return nil, readProblem(res)
}

// lost is the error of a call that was not answered. A write may have happened.
func lost(write bool, err error) error {
	if write {
		return fmt.Errorf("client: %w: %w", product.ErrOutcomeUnknown, err)
	}
	return fmt.Errorf("client: %w: %w", product.ErrUnavailable, err)
}

// delay says how long to wait before a call is sent again, if it is to be.
func (c *Client) delay(err error, tried int) (wait time.Duration, again bool) {
	if tried >= c.opts.Tries {
		return 0, false
	}
	var p *Problem
	switch {
	case !errors.As(err, &p):
		again = errors.Is(err, product.ErrOutcomeUnknown) || errors.Is(err, product.ErrUnavailable)
	case p.RetryAfter > 0:
		wait, again = p.RetryAfter, true
	}
	backoff := 100 * time.Millisecond << (tried - 1)
	backoff -= time.Duration(rand.Int64N(int64(backoff / 2)))
	return min(max(wait, backoff), c.opts.MaxDelay), again
}

// retryAfter reads the form of Retry-After that the servers of this contract send: seconds.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}
