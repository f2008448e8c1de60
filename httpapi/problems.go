package httpapi

import (
	"context"
	"errors"

	"github.com/productkit-go/productkit/product"
)

// The errors of this layer: what is wrong with a request before the catalogue sees it.
var (
	errUnknownPath          = errors.New("httpapi: unknown path")
	errMethod               = errors.New("httpapi: method not allowed")
	errBadParameter         = errors.New("httpapi: bad query parameter")
	errBadHeader            = errors.New("httpapi: bad header")
	errMalformed            = errors.New("httpapi: malformed body")
	errBrokenBody           = errors.New("httpapi: the body ended early")
	errSlowBody             = errors.New("httpapi: the body came too slowly")
	errTooLarge             = errors.New("httpapi: body too large")
	errNotAcceptable        = errors.New("httpapi: not acceptable")
	errMediaType            = errors.New("httpapi: unsupported media type")
	errPreconditionRequired = errors.New("httpapi: precondition required")
	errReadOnly             = errors.New("httpapi: read-only members")
	errOptionsTaken         = errors.New("httpapi: options taken")
	errReservationDiffers   = errors.New("httpapi: the reservation has other items")
	errLaneFull             = errors.New("httpapi: too many requests in flight")
)

// statusClientClosed is what proxies log for a client that has gone; nobody reads it.
const statusClientClosed = 499

// problemKind is one type of problem document. PROBLEMS.md explains each to clients.
type problemKind struct {
	is         error
	status     int
	slug       string
	title      string
	detail     string // unless the error has one of its own
	retryAfter string // seconds
	logged     bool   // the operator must learn the cause
}

// problems is the only place where an error becomes a status. The first match counts; an error
// that matches none is the last.
var problems = []problemKind{
	{is: errUnknownPath, status: 404, slug: "unknown-path", title: "Unknown path", detail: "There is no operation at this path."},
	{is: errMethod, status: 405, slug: "method-not-allowed", title: "Method not allowed", detail: "This path has no such method; Allow lists those it has."},
	{is: ErrUnauthenticated, status: 401, slug: "unauthenticated", title: "Not authenticated", detail: "This server does not know who sent the request; WWW-Authenticate says how to tell."},
	{is: ErrForbidden, status: 403, slug: "forbidden", title: "Forbidden", detail: "Whoever sent the request may not do this."},
	{is: ErrTooManyRequests, status: 429, slug: "too-many-requests", title: "Too many requests", detail: "Whoever sent the request has sent too many; nothing was done. Try again later.", retryAfter: "1"},
	{is: errBadParameter, status: 400, slug: "invalid-parameter", title: "Invalid query parameter", detail: "The query string is not what this operation takes; errors lists what is wrong."},
	{is: errBadHeader, status: 400, slug: "invalid-header", title: "Invalid header"},
	{is: errMalformed, status: 400, slug: "malformed-body", title: "Malformed body"},
	{is: errBrokenBody, status: 400, slug: "incomplete-body", title: "Incomplete body", detail: "The body ended before its stated length."},
	{is: errSlowBody, status: 408, slug: "slow-body", title: "Body came too slowly", detail: "The body was not complete in time; nothing was changed."},
	{is: errTooLarge, status: 413, slug: "too-large", title: "Body too large"},
	{is: errMediaType, status: 415, slug: "unsupported-media-type", title: "Unsupported media type"},
	{is: errNotAcceptable, status: 406, slug: "not-acceptable", title: "Not acceptable", detail: "Accept allows none of the media types that this operation answers with: text/csv and application/x-ndjson for an export, application/json and text/event-stream for changes."},
	{is: errPreconditionRequired, status: 428, slug: "precondition-required", title: "Precondition required", detail: "Send If-Match with the ETag that you have seen, or If-None-Match: * to create."},
	{is: errLaneFull, status: 503, slug: "overloaded", title: "Overloaded", detail: "Too many requests are in flight; nothing was done. Try again.", retryAfter: "1"},

	{is: product.ErrBadCursor, status: 400, slug: "bad-cursor", title: "Bad cursor", detail: "The cursor is damaged, or belongs to another filter or order. Begin without one."},
	{is: product.ErrChangesExpired, status: 410, slug: "changes-expired", title: "Changes expired", detail: "The changes after this position are no longer kept. Read the catalogue anew and go on after newest, or go on after oldest with a gap."},
	{is: product.ErrNotFound, status: 404, slug: "not-found", title: "Product not found", detail: "There is no such product, or it has been deleted."},
	{is: product.ErrNotApplied, status: 424, slug: "not-applied", title: "Not applied", detail: "The operation was in order, but another one of the same atomic batch was not, so nothing was changed."},
	{is: product.ErrPreconditionFailed, status: 412, slug: "precondition-failed", title: "Precondition failed", detail: "The resource is not what If-Match or If-None-Match expects. Read it again and decide anew."},
	{is: errOptionsTaken, status: 409, slug: "options-taken", title: "Options taken", detail: "Another product of the same group has the same options."},
	{is: product.ErrTaken, status: 409, slug: "sku-taken", title: "SKU taken", detail: "Another product has the same SKU."},
	{is: product.ErrInsufficientStock, status: 409, slug: "insufficient-stock", title: "Insufficient stock", detail: "Less is available than was asked for."},
	{is: product.ErrReservationNotFound, status: 404, slug: "reservation-not-found", title: "Reservation not found", detail: "There is no reservation with this key, or it ended long ago."},
	{is: errReservationDiffers, status: 409, slug: "reservation-differs", title: "Reservation differs", detail: "There is a reservation with this key already, of other items. Give each reservation a key of its own."},
	{is: product.ErrReservationExpired, status: 409, slug: "reservation-expired", title: "Reservation expired", detail: "The reservation has expired and holds nothing any more. Make another one, with another key."},
	{is: product.ErrReservationReleased, status: 409, slug: "reservation-released", title: "Reservation released", detail: "The reservation has been released and holds nothing any more. Make another one, with another key."},
	{is: product.ErrReservationCommitted, status: 409, slug: "reservation-committed", title: "Reservation committed", detail: "The reservation has been committed, and its stock has left."},
	{is: product.ErrKeyReused, status: 422, slug: "idempotency-key-reused", title: "Idempotency-Key reused", detail: "The Idempotency-Key was used for another request; nothing was changed. Give each write a key of its own."},
	{is: product.ErrKeyUnderway, status: 409, slug: "idempotency-key-underway", title: "Idempotency-Key under way", detail: "Another request with the same Idempotency-Key is still being worked on. Send this one again to get its answer.", retryAfter: "1"},
	{is: product.ErrSearchOff, status: 501, slug: "search-off", title: "Search is switched off", detail: "This server keeps no index to search. Leave q out, and filter instead."},
	{is: errReadOnly, status: 422, slug: "read-only", title: "Read-only member", detail: "The body sets members that this operation cannot set; errors names what to use instead."},
	{is: product.ErrInvalid, status: 422, slug: "invalid", title: "Invalid content", detail: "The content breaks rules; errors lists them all."},

	// The unknown outcome stands before the errors of contexts, for it comes together with
	// them, and it has Retry-After only with an Idempotency-Key or a reservation's: whoever
	// repeats blindly may do it twice.
	{is: product.ErrOutcomeUnknown, status: 503, slug: "outcome-unknown", title: "Outcome unknown", detail: "The change may or may not have been made. Read before you try again.", logged: true},
	{is: product.ErrOverloaded, status: 503, slug: "overloaded", title: "Overloaded", detail: "Too many requests are waiting for the database; nothing was done. Try again.", retryAfter: "1"},
	{is: product.ErrBusy, status: 503, slug: "busy", title: "Busy", detail: "What is to be changed is locked by somebody else; nothing was changed. Try again.", retryAfter: "1"},
	{is: product.ErrUnavailable, status: 503, slug: "unavailable", title: "Database unavailable", detail: "The database cannot be reached; nothing was changed.", retryAfter: "5", logged: true},
	{is: product.ErrClosed, status: 503, slug: "shutting-down", title: "Shutting down", detail: "This server is about to stop; nothing was changed.", retryAfter: "5"},
	{is: context.DeadlineExceeded, status: 503, slug: "timeout", title: "Timed out", detail: "The operation took too long; nothing was changed.", retryAfter: "1", logged: true},
	{is: context.Canceled, status: statusClientClosed, slug: "client-closed-request", title: "Client closed the request", detail: "The request was cancelled before it was answered; nothing was changed."},
	{is: nil, status: 500, slug: "internal", title: "Internal error", detail: "Something went wrong here. The instance names this request in the log.", logged: true},
}

// kindOf finds the row of an error.
func kindOf(err error) *problemKind {
	for i := range problems {
		if k := &problems[i]; k.is == nil || errors.Is(err, k.is) {
			return k
		}
	}
	panic("httpapi: the last problem matches everything")
}
