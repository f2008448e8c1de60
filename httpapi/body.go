package httpapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	mediaJSON       = "application/json"
	mediaMergePatch = "application/merge-patch+json" // RFC 7396
	mediaCSV        = "text/csv"
	mediaNDJSON     = "application/x-ndjson"
)

// decode reads the request's body, within its bounds of size and time, and decodes it. The
// decoder must not keep what it is given.
func decode[T any](h *Handler, w http.ResponseWriter, r *http.Request, decoder func([]byte) (T, error), media ...string) (T, error) {
	buf := getBuffer()
	defer putBuffer(buf)
	var none T
	if err := checkMedia(w, r, media...); err != nil {
		return none, err
	}
	if err := h.readBody(w, r, buf); err != nil {
		return none, err
	}
	v, err := decoder(buf.b)
	if err != nil {
		return none, contentError(err)
	}
	return v, nil
}

func (h *Handler) readBody(w http.ResponseWriter, r *http.Request, buf *buffer) error {
	most := h.opts.MaxBodyBytes
	if r.ContentLength > most {
		return tooLarge(most) // the server closes the connection rather than read the rest
	}
	if r.Body == nil {
		return nil // a request that no server made
	}
	if n := r.ContentLength; n >= 0 {
		const trusted = 64 << 10 // what costs a client nothing to announce must not cost memory
		buf.b = slices.Grow(buf.b, int(min(n, trusted))+1)
	}
	body := http.MaxBytesReader(w, r.Body, most)
	for {
		buf.b = slices.Grow(buf.b, 512)
		n, err := body.Read(buf.b[len(buf.b):cap(buf.b)])
		buf.b = buf.b[:len(buf.b)+n]
		var over *http.MaxBytesError
		switch {
		case err == nil:
		case err == io.EOF:
			return nil
		case errors.As(err, &over):
			return tooLarge(most)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return errSlowBody
		case !errors.Is(err, io.ErrUnexpectedEOF) && r.Context().Err() != nil:
			return r.Context().Err()
		default:
			return errBrokenBody
		}
	}
}

func tooLarge(most int64) error {
	return &problem{kind: errTooLarge, detail: fmt.Sprintf("The body is larger than %d bytes.", most)}
}

// takesBody reports whether the operation reads a body by itself.
func (op *operation) takesBody() bool {
	return op.method != http.MethodGet && op.method != http.MethodDelete &&
		!strings.HasSuffix(op.path, "/restore") && !strings.HasSuffix(op.path, "/commit")
}

// skipBody reads a body that nobody asked for. Left unread it would hold up the answer, for the
// server reads it before it sends one, and without a bound.
func (h *Handler) skipBody(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	buf := getBuffer()
	defer putBuffer(buf)
	return h.readBody(w, r, buf)
}

// boundBody bounds the time that a body may take, unless the server does already. It holds for
// whoever reads it, and so also for the server after a refusal. The server takes it away when the
// body has ended.
func (h *Handler) boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 || h.opts.Timeout < 0 {
		return
	}
	if server, _ := r.Context().Value(http.ServerContextKey).(*http.Server); server == nil || server.ReadTimeout <= 0 {
		// Where the host's ResponseWriter cannot do this, its server's timeouts hold.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.opts.Timeout))
	}
}

// checkMedia refuses a body that is not, or not only, of one of the media types.
func checkMedia(w http.ResponseWriter, r *http.Request, media ...string) error {
	if encoding := field(r, "Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		w.Header().Set("Accept-Encoding", "identity")
		return &problem{kind: errMediaType, detail: "The body is compressed; send it as it is, without Content-Encoding."}
	}
	given := field(r, "Content-Type")
	if slices.Contains(media, given) { // as clients mostly write it
		return nil
	}
	parsed, params, err := mime.ParseMediaType(given)
	charset := params["charset"]
	if err == nil && slices.Contains(media, parsed) && (charset == "" || strings.EqualFold(charset, "utf-8")) {
		return nil
	}
	taken := map[string]string{http.MethodPatch: "Accept-Patch", http.MethodPost: "Accept-Post"}[r.Method] // RFC 5789, section 3.1
	if taken == "" {
		taken = "Accept"
	}
	w.Header().Set(taken, strings.Join(media, ", "))
	return &problem{kind: errMediaType, detail: "Send the body in UTF-8 with Content-Type: " + strings.Join(media, " or ") + "."}
}

// field returns a header field that a request has once. Where it has several they come as a list
// (RFC 9110, section 5.2), which is none of the values that anybody asks for.
func field(r *http.Request, name string) string { return strings.Join(r.Header.Values(name), ", ") }
