package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// Problem is an answer that is an error: a problem document (RFC 9457). It wraps what the
// [product.Service] behind it returned, so errors.Is(err, product.ErrNotFound) and errors.As with
// [product.InvalidError], [product.TakenError], [product.StockError] and the others work.
type Problem struct {
	Type     string          // a URI; what it ends with does not change
	Title    string          // for people
	Status   int             // of the answer
	Detail   string          // for people
	Instance string          // names the request in the server's log
	Faults   []product.Fault // what is wrong with the content, the parameters, …

	// RetryAfter is when the request may be sent again; zero if the server does not say so.
	RetryAfter time.Duration

	cause error
}

// Slug is the stable end of the type, such as "sku-taken".
func (p *Problem) Slug() string { return p.Type[strings.LastIndexAny(p.Type, "#/")+1:] }

// Error tells all that a person needs.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "client: %d %s: %s", p.Status, p.Title, p.Detail)
	for _, f := range p.Faults {
		b.WriteString(" " + strings.TrimSpace(f.Field+" "+f.Message) + ".")
	}
	if p.Instance != "" {
		fmt.Fprintf(&b, " (request %s)", p.Instance)
	}
	return b.String()
}

// Unwrap returns the error of package product that the type stands for, or nil.
func (p *Problem) Unwrap() error { return p.cause }

// document is the JSON of a problem.
type document struct {
	Type     string
	Title    string
	Detail   string
	Instance string
	Errors   []fault
	Short    []shortage // a reservation's
	shortage            // a single product's; for what is taken, only Product
	Oldest   product.Seq
	Newest   product.Seq
	Variant  *uuid.UUID // of a group, that the error is about
	By       int        // the operation of an atomic batch that failed
}

type shortage struct {
	Product   uuid.UUID
	SKU       string
	Wanted    int64
	Available int64
}

func (s shortage) error() product.StockError {
	return product.StockError{ProductID: s.Product, SKU: s.SKU, Wanted: s.Wanted, Available: s.Available}
}

type fault struct{ Field, Code, Message string }

// readProblem reads an answer that is an error. What stands before a server, such as a proxy, may
// answer with something else.
func readProblem(res *http.Response) error {
	p := &Problem{Status: res.StatusCode, Title: http.StatusText(res.StatusCode), RetryAfter: retryAfter(res.Header)}
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	var d document
	if err != nil || json.Unmarshal(body, &d) != nil || d.Type == "" {
		p.Detail = "The answer is no problem document; something between the client and the catalogue gave it."
		if res.StatusCode == http.StatusBadGateway || res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusGatewayTimeout {
			p.cause = product.ErrUnavailable
			if res.Request.Header.Get("Idempotency-Key") != "" {
				p.cause = product.ErrOutcomeUnknown
			}
			p.RetryAfter = max(p.RetryAfter, time.Second) // reads and writes with a key may be repeated
		}
		return p
	}
	d.fill(p)
	return p
}

// failure is the error of an operation in a batch.
func (d *document) failure(status int) error {
	p := &Problem{Status: status}
	d.fill(p)
	if applied, ok := p.cause.(*product.NotAppliedError); ok {
		return applied // and nothing else is to be known
	}
	return p
}

func (d *document) fill(p *Problem) {
	p.Type, p.Title, p.Detail, p.Instance = d.Type, d.Title, d.Detail, d.Instance
	for _, f := range d.Errors {
		p.Faults = append(p.Faults, product.Fault(f))
	}
	p.cause = d.cause(p)
	if d.Variant != nil {
		p.cause = &product.VariantError{ID: *d.Variant, Err: p.cause}
	}
}

// cause is what the Service returned.
func (d *document) cause(p *Problem) error {
	switch p.Slug() {
	case "invalid", "read-only", "invalid-parameter", "malformed-body":
		return &product.InvalidError{Faults: p.Faults}
	case "sku-taken":
		return &product.TakenError{Field: "sku", By: d.Product}
	case "options-taken":
		return &product.TakenError{Field: "options", By: d.Product}
	case "insufficient-stock":
		if d.Short != nil {
			var e product.ShortageError
			for _, s := range d.Short {
				e.Short = append(e.Short, s.error())
			}
			return &e
		}
		return new(d.error())
	case "changes-expired":
		return &product.ChangesExpiredError{Oldest: d.Oldest, Newest: d.Newest}
	case "not-applied":
		return &product.NotAppliedError{By: d.By}
	case "timeout":
		return context.DeadlineExceeded
	}
	return map[string]error{
		"not-found":                product.ErrNotFound,
		"precondition-failed":      product.ErrPreconditionFailed,
		"search-off":               product.ErrSearchOff,
		"bad-cursor":               product.ErrBadCursor,
		"idempotency-key-reused":   product.ErrKeyReused,
		"idempotency-key-underway": product.ErrKeyUnderway,
		"reservation-not-found":    product.ErrReservationNotFound,
		"reservation-differs":      product.ErrKeyReused,
		"reservation-expired":      product.ErrReservationExpired,
		"reservation-released":     product.ErrReservationReleased,
		"reservation-committed":    product.ErrReservationCommitted,
		"overloaded":               product.ErrOverloaded,
		"busy":                     product.ErrBusy,
		"unavailable":              product.ErrUnavailable,
		"shutting-down":            product.ErrClosed,
		"outcome-unknown":          product.ErrOutcomeUnknown,
	}[p.Slug()]
}
