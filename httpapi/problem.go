package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// problem is an error of this layer with what the client should know.
type problem struct {
	kind   error
	detail string
	faults []product.Fault
}

func (p *problem) Error() string { return p.kind.Error() + ": " + p.detail }
func (p *problem) Unwrap() error { return p.kind }

// fail answers with the problem document of err, and logs its cause where the client does not
// learn it. Nothing may have been written before.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var own *problem
	var invalid *product.InvalidError
	var taken *product.TakenError
	var short *product.StockError
	var expired *product.ChangesExpiredError
	switch {
	case errors.As(err, &taken) && taken.Field == "options":
		err = errors.Join(errOptionsTaken, err)
	case errors.Is(err, context.Canceled) && r.Context().Err() == nil:
		err = errors.Join(product.ErrClosed, err) // the client is there: it was the Service that ended
	}
	kind := kindOf(err)
	header := w.Header()
	id := header.Get(headerRequestID)
	if kind.logged {
		level := slog.LevelWarn
		if kind.status == http.StatusInternalServerError {
			level = slog.LevelError
		}
		h.opts.Logger.Log(r.Context(), level, "httpapi: "+kind.title, "request_id", id, "pattern", r.Pattern, "status", kind.status, "error", err)
	}
	if kind.retryAfter != "" {
		header.Set("Retry-After", kind.retryAfter)
	}
	detail, faults := kind.detail, []product.Fault(nil)
	if kind.is == product.ErrOutcomeUnknown && repeatable(r) {
		header.Set("Retry-After", "1")
		detail = "The change may or may not have been made. Send the request again with the same Idempotency-Key."
	}
	header.Set("Cache-Control", "no-store")
	header.Del("Etag")

	switch {
	case errors.As(err, &own):
		faults = own.faults
		if own.detail != "" {
			detail = own.detail
		}
	case errors.As(err, &invalid):
		faults = invalid.Faults
	case taken != nil:
		faults = []product.Fault{{Field: taken.Field, Code: "taken", Message: "belongs to product " + taken.By.String()}}
	case errors.As(err, &short), errors.As(err, &expired):
	}

	buf := getBuffer()
	defer putBuffer(buf)
	b := buf.b
	b = productjson.AppendString(append(b, `{"type":`...), h.opts.ProblemBase+kind.slug)
	b = productjson.AppendString(append(b, `,"title":`...), kind.title)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(kind.status), 10)
	b = productjson.AppendString(append(b, `,"detail":`...), detail)
	b = productjson.AppendString(append(b, `,"instance":`...), id)
	b = appendFaults(b, faults)
	if taken != nil {
		b = productjson.AppendString(append(b, `,"product":`...), taken.By.String())
	}
	if short != nil {
		b = productjson.AppendString(append(b, `,"product":`...), short.ProductID.String())
		b = productjson.AppendString(append(b, `,"sku":`...), short.SKU)
		b = strconv.AppendInt(append(b, `,"wanted":`...), short.Wanted, 10)
		b = strconv.AppendInt(append(b, `,"available":`...), short.Available, 10)
	}
	if expired != nil {
		b = appendRange(b, expired)
	}
	buf.b = append(b, '}')
	h.write(w, kind.status, h.headers.problem, buf.b)
}

func appendFaults(b []byte, faults []product.Fault) []byte {
	for i, f := range faults {
		b = append(b, [...]string{`,"errors":[`, `,`}[min(i, 1)]...)
		b = productjson.AppendString(append(b, `{"field":`...), f.Field)
		b = productjson.AppendString(append(b, `,"code":`...), f.Code)
		b = productjson.AppendString(append(b, `,"message":`...), f.Message)
		b = append(b, '}')
	}
	if len(faults) > 0 {
		b = append(b, ']')
	}
	return b
}

// contentError gives what a decoder or the Service says of a body its place in the table.
func contentError(err error) error {
	var syntax *productjson.SyntaxError
	var invalid *product.InvalidError
	switch {
	case errors.As(err, &syntax):
		return &problem{kind: errMalformed, detail: "The body is no valid JSON. " + syntax.Error() + "."}
	case errors.As(err, &invalid) && onlyReadOnly(invalid.Faults):
		return &problem{kind: errReadOnly, faults: invalid.Faults}
	}
	return err
}

func onlyReadOnly(faults []product.Fault) bool {
	for _, f := range faults {
		if f.Code != "read_only" {
			return false
		}
	}
	return len(faults) > 0
}

// parameterError makes faults of the query string of what the Service finds invalid in it.
func parameterError(err error) error {
	if faults := faultsOf(err); faults != nil {
		return badParameters(faults)
	}
	return err
}

func faultsOf(err error) []product.Fault {
	var invalid *product.InvalidError
	if errors.As(err, &invalid) {
		return invalid.Faults
	}
	return nil
}
