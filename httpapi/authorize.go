package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/productkit-go/productkit/product"
)

// What [Options].Authorize refuses with. Whatever it wraps or is joined with never reaches the client.
var (
	// ErrUnauthenticated is answered with 401 and WWW-Authenticate: it is not known who asks.
	ErrUnauthenticated = errors.New("httpapi: not authenticated")
	// ErrForbidden is answered with 403: it is known who asks, and they may not.
	ErrForbidden = errors.New("httpapi: forbidden")
	// ErrTooManyRequests is answered with 429 and Retry-After: 1; see [TooManyRequestsError].
	ErrTooManyRequests = errors.New("httpapi: too many requests")
)

// TooManyRequestsError is an [ErrTooManyRequests] that knows when to come back.
type TooManyRequestsError struct {
	RetryAfter time.Duration // told in whole seconds, rounded up, at least one
}

func (e *TooManyRequestsError) Error() string {
	return fmt.Sprintf("%v: come back in %v", ErrTooManyRequests, e.RetryAfter)
}

func (e *TooManyRequestsError) Unwrap() error { return ErrTooManyRequests }

// authorize asks the host whether the request may do this, and returns who sent it.
func (h *Handler) authorize(r *http.Request, operation string) (actor string, err error) {
	if h.opts.Authorize == nil {
		return "", nil
	}
	actor, err = h.opts.Authorize(r, h.operations[operation])
	if err == nil {
		if !product.ValidActor(actor) {
			err = fmt.Errorf("httpapi: Authorize returned an actor that no history can hold: %.100q", actor)
		}
		return actor, err
	}
	var limited *TooManyRequestsError
	if errors.As(err, &limited) {
		return "", limited
	}
	for _, refusal := range []error{ErrUnauthenticated, ErrForbidden, ErrTooManyRequests, r.Context().Err()} {
		if errors.Is(err, refusal) && refusal != nil {
			return "", refusal
		}
	}
	return "", fmt.Errorf("httpapi: Authorize failed: %v", err) // unwrapped: the host's errors are none of the catalogue's
}

// authenticate asks for the request's own operation and gives its actor to what it does.
func (h *Handler) authenticate(r *http.Request, operation string) (*http.Request, error) {
	actor, err := h.authorize(r, operation)
	if err != nil || actor == "" {
		return r, err // without an actor that of a middleware stays
	}
	return r.WithContext(product.WithActor(r.Context(), actor)), nil
}

// upsertOperations are what a write by SKU may come to.
func upsertOperations(e product.Expect) []string {
	switch {
	case e.Absent:
		return []string{OpCreateProduct}
	case e.Exists, e.Match != nil:
		return []string{OpUpdateProduct}
	}
	return []string{OpCreateProduct, OpUpdateProduct}
}

// authorizeUpsert asks for what a PUT may come to, after it was asked for as a PUT.
func (h *Handler) authorizeUpsert(r *http.Request, e product.Expect) error {
	for _, operation := range upsertOperations(e) {
		if _, err := h.authorize(r, operation); err != nil {
			return err
		}
	}
	return nil
}

// authorizeBatch asks once for each kind of operation in a batch, and names the first of each that
// is forbidden.
func (h *Handler) authorizeBatch(r *http.Request, ops []product.Operation) error {
	asked := make(map[string]bool)
	var forbidden []product.Fault
	for i, op := range ops {
		for _, operation := range operationsOf(op) {
			if asked[operation] {
				continue
			}
			asked[operation] = true
			switch _, err := h.authorize(r, operation); {
			case errors.Is(err, ErrForbidden):
				forbidden = append(forbidden, product.Fault{Field: fmt.Sprintf("items[%d].op", i), Code: "forbidden",
					Message: "is something that you may not do; leave out all of its kind"})
			case err != nil:
				return err
			}
		}
	}
	if forbidden != nil {
		return &problem{kind: ErrForbidden, faults: forbidden}
	}
	return nil
}

// operationsOf are the operations that would do by themselves what this one does in a batch.
func operationsOf(op product.Operation) []string {
	switch op := op.(type) {
	case product.Create:
		return []string{OpCreateProduct}
	case product.Upsert:
		return upsertOperations(op.Expect)
	case product.Update:
		return []string{OpUpdateProduct}
	case product.Delete:
		return []string{OpDeleteProduct}
	case product.Restore:
		return []string{OpRestoreProduct}
	case product.AdjustStock:
		return []string{OpAdjustStock}
	case product.SetStock:
		return []string{OpSetStock}
	}
	panic(fmt.Sprintf("httpapi: a batch with a %T", op))
}
