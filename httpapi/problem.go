package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"math"
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
	e := explain(r, err)
	if e.kind.logged {
		h.log(w, r, e.kind, err)
	}
	header := w.Header()
	var limited *TooManyRequestsError
	switch {
	case errors.As(err, &limited):
		header.Set("Retry-After", strconv.FormatInt(max(1, int64(math.Ceil(limited.RetryAfter.Seconds()))), 10))
	case e.kind.is == ErrUnauthenticated && header.Get("WWW-Authenticate") == "":
		header.Set("WWW-Authenticate", h.opts.Challenge)
	case e.kind.retryAfter != "":
		header.Set("Retry-After", e.kind.retryAfter)
	case e.kind.is == product.ErrOutcomeUnknown && repeatable(r):
		header.Set("Retry-After", "1")
	}
	header.Set("Cache-Control", "no-store")
	header.Del("Etag")
	buf := getBuffer()
	defer putBuffer(buf)
	buf.b = e.append(buf.b, h.opts.ProblemBase, header.Get(headerRequestID))
	h.write(w, e.kind.status, h.headers.problem, buf.b)
}

// log tells the operator the cause of a problem.
func (h *Handler) log(w http.ResponseWriter, r *http.Request, kind *problemKind, err error) {
	level := slog.LevelWarn
	if kind.status == http.StatusInternalServerError {
		level = slog.LevelError
	}
	h.opts.Logger.Log(r.Context(), level, "httpapi: "+kind.title,
		"request_id", w.Header().Get(headerRequestID), "pattern", r.Pattern, "status", kind.status, "error", err)
}

// explained is an error as the client learns it. What does not apply is nil.
type explained struct {
	kind     *problemKind
	detail   string
	faults   []product.Fault
	taken    *product.TakenError
	short    *product.StockError
	shortage *product.ShortageError
	variant  *product.VariantError
	undone   *product.NotAppliedError
	expired  *product.ChangesExpiredError
}

// explain finds what the client should know of an error.
func explain(r *http.Request, err error) explained {
	var e explained
	switch {
	case errors.As(err, &e.taken) && e.taken.Field == "options":
		err = errors.Join(errOptionsTaken, err)
	case errors.Is(err, context.Canceled) && r.Context().Err() == nil:
		err = errors.Join(product.ErrClosed, err) // the client is there: it was the Service that ended
	}
	e.kind = kindOf(err)
	e.detail = e.kind.detail
	if e.kind.is == product.ErrOutcomeUnknown && repeatable(r) {
		e.detail = "The change may or may not have been made. Send the request again with the same key."
	}
	var own *problem
	switch {
	case errors.As(err, &own):
		e.faults = own.faults
		if own.detail != "" {
			e.detail = own.detail
		}
	case e.taken != nil:
		e.faults = []product.Fault{{Field: e.taken.Field, Code: "taken", Message: "belongs to product " + e.taken.By.String()}}
	case errors.As(err, &e.short), errors.As(err, &e.shortage), errors.As(err, &e.undone), errors.As(err, &e.expired):
	default:
		e.faults = faultsOf(err)
	}
	errors.As(err, &e.variant)
	return e
}

// append appends the problem document.
func (e explained) append(b []byte, base, instance string) []byte {
	b = productjson.AppendString(append(b, `{"type":`...), base+e.kind.slug)
	b = productjson.AppendString(append(b, `,"title":`...), e.kind.title)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(e.kind.status), 10)
	b = productjson.AppendString(append(b, `,"detail":`...), e.detail)
	b = productjson.AppendString(append(b, `,"instance":`...), instance)
	b = appendFaults(b, e.faults)
	if e.variant != nil {
		b = productjson.AppendString(append(b, `,"variant":`...), e.variant.ID.String())
	}
	if e.undone != nil {
		b = strconv.AppendInt(append(b, `,"by":`...), int64(e.undone.By), 10)
	}
	if e.taken != nil {
		b = productjson.AppendString(append(b, `,"product":`...), e.taken.By.String())
	}
	if e.short != nil {
		b = appendShort(append(b, ','), e.short)
	}
	if e.shortage != nil {
		for i := range e.shortage.Short {
			b = append(b, [...]string{`,"short":[{`, `,{`}[min(i, 1)]...)
			b = append(appendShort(b, &e.shortage.Short[i]), '}')
		}
		b = append(b, ']')
	}
	if e.expired != nil {
		b = appendRange(b, e.expired)
	}
	return append(b, '}')
}

func appendShort(b []byte, short *product.StockError) []byte {
	b = productjson.AppendString(append(b, `"product":`...), short.ProductID.String())
	b = productjson.AppendString(append(b, `,"sku":`...), short.SKU)
	b = strconv.AppendInt(append(b, `,"wanted":`...), short.Wanted, 10)
	return strconv.AppendInt(append(b, `,"available":`...), short.Available, 10)
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
		return errors.Join(&problem{kind: errReadOnly, faults: invalid.Faults}, err) // which may name a variant
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
