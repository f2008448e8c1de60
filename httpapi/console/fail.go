package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

// failure is what a page says of an error.
type failure struct{ Title, Detail string }

// failures is the one table of errors and statuses, in order.
var failures = []struct {
	err    error
	status int
	failure
}{
	{httpapi.ErrUnauthenticated, 401, failure{"Not signed in", "It is not known who asks. Sign in and try again."}},
	{httpapi.ErrForbidden, 403, failure{"Not allowed", "You may not do this. Nothing was changed."}},
	{httpapi.ErrTooManyRequests, 429, failure{"Too many requests", "Nothing was changed. Wait a moment and try again."}},
	{errImportsFull, 429, failure{"Too many imports at once", "Nothing was changed. Try again when one of them has ended."}},
	{errSlowUpload, 408, failure{"The file came too slowly", "It was not kept and nothing was changed. Send it again."}},
	{errCutUpload, 400, failure{"The file broke off", "It was not kept and nothing was changed. Send it again."}},
	{errImportGone, 404, failure{"This import is not here any more", "The server was restarted, or nobody looked for long, or it belongs to somebody else. What was written stays. Import the file again: rows that are written already are left as they are."}},
	{product.ErrNotFound, 404, failure{"Not found", "There is nothing here. A product may have been deleted meanwhile."}},
	{product.ErrBadCursor, 400, failure{"This page is not there", "Its address was cut or belongs to another filter. Begin again with the first page."}},
	{product.ErrInvalid, 422, failure{"Not valid", "Something that was sent is not valid. Nothing was changed. Go back and correct it."}},
	{product.ErrOutcomeUnknown, 503, failure{"It is not known whether this was done", "The database was lost at the moment of writing. Look before you try again."}},
	{product.ErrBusy, 503, failure{"Somebody else is changing this", "Nothing was changed. Try again in a moment."}},
	{product.ErrOverloaded, 503, failure{"Too much at once", "Nothing was changed. Try again in a moment."}},
	{product.ErrUnavailable, 503, failure{"The database does not answer", "Nothing was changed. Try again in a moment."}},
	{product.ErrClosed, 503, failure{"The server is stopping", "Nothing was changed. Try again in a moment."}},
	{context.DeadlineExceeded, 503, failure{"This took too long", "Try again in a moment."}},
}

// fail shows an error as a page, without a word of its cause. Who only has to sign in is asked to.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if h.opts.SignIn && errors.Is(err, httpapi.ErrUnauthenticated) {
		h.toSignIn(w, r)
		return
	}
	var tooLarge *http.MaxBytesError
	status, shown := http.StatusInternalServerError, failure{"Something went wrong", "It was written to the server's log."}
	if errors.As(err, &tooLarge) {
		status, shown = http.StatusRequestEntityTooLarge, failure{"Too large", "More was sent than is taken. Nothing was changed."}
	}
	for _, f := range failures {
		if errors.Is(err, f.err) {
			status, shown = f.status, f.failure
			break
		}
	}
	if status >= 500 {
		h.opts.Logger.ErrorContext(r.Context(), "console: request failed", "method", r.Method, "pattern", r.Pattern, "status", status, "error", err)
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	if status == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if err := h.render(w, r, status, "failure.html", shown.Title, shown); err != nil {
		h.opts.Logger.ErrorContext(r.Context(), "console: page not rendered", "error", err)
	}
}

// toSignIn leads to the page of the key and back. A form that was sent is lost: it cannot be sent again
// for the user.
func (h *Handler) toSignIn(w http.ResponseWriter, r *http.Request) {
	inside, _ := h.prefix.Below(r.URL.EscapedPath())
	back := url.Values{}
	if r.Method == http.MethodGet && r.Header.Get("HX-Request") == "" {
		if r.URL.RawQuery != "" {
			inside += "?" + r.URL.RawQuery
		}
		back.Set("back", inside)
	}
	to := signInPath
	if len(back) > 0 {
		to += "?" + back.Encode()
	}
	if r.Header.Get("HX-Request") != "" { // the page changes, not a part of it
		w.Header().Set("HX-Redirect", h.mount(r)+to)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_ = h.redirect(w, r, to)
}
