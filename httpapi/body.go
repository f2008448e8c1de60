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
	tooLarge := &problem{kind: errTooLarge, detail: fmt.Sprintf("The body is larger than %d bytes.", most)}
	if r.ContentLength > most {
		return tooLarge // the server closes the connection rather than read the rest
	}
	defer h.bodyDeadline(w, r)()
	if n := r.ContentLength; n >= 0 {
		buf.b = slices.Grow(buf.b, int(n)+1)
	}
	if r.Body == nil {
		return nil // a request that no server made
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
			return tooLarge
		case errors.Is(err, os.ErrDeadlineExceeded):
			return errSlowBody
		case !errors.Is(err, io.ErrUnexpectedEOF) && r.Context().Err() != nil:
			return r.Context().Err()
		default:
			return errBrokenBody
		}
	}
}

// bodyDeadline bounds the reading of the body, unless the server does already. The function
// that it returns takes the bound away, for after the body the server listens for the client's
// leaving, and a deadline would look like that.
func (h *Handler) bodyDeadline(w http.ResponseWriter, r *http.Request) (remove func()) {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if h.opts.Timeout < 0 || server != nil && server.ReadTimeout > 0 {
		return func() {}
	}
	c := http.NewResponseController(w)
	if err := c.SetReadDeadline(time.Now().Add(h.opts.Timeout)); err != nil {
		return func() {} // the host's ResponseWriter cannot; its server's timeouts hold
	}
	return func() { _ = c.SetReadDeadline(time.Time{}) }
}

// checkMedia refuses a body that is not, or not only, of one of the media types.
func checkMedia(w http.ResponseWriter, r *http.Request, media ...string) error {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		w.Header().Set("Accept-Encoding", "identity")
		return &problem{kind: errMediaType, detail: "The body is compressed; send it as it is, without Content-Encoding."}
	}
	given := r.Header.Get("Content-Type")
	parsed, params, err := mime.ParseMediaType(given)
	charset := params["charset"]
	if err == nil && slices.Contains(media, parsed) && (charset == "" || strings.EqualFold(charset, "utf-8")) {
		return nil
	}
	field := map[string]string{http.MethodPatch: "Accept-Patch", http.MethodPost: "Accept-Post"}[r.Method] // RFC 5789, section 3.1
	if field == "" {
		field = "Accept"
	}
	w.Header().Set(field, strings.Join(media, ", "))
	return &problem{kind: errMediaType, detail: "Send the body in UTF-8 with Content-Type: " + strings.Join(media, " or ") + "."}
}
