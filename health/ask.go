package health

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// askTimeout is much for an answer that waits for nothing, and less than what container
// runtimes give a health check by default.
const askTimeout = 3 * time.Second

// Ask sends one GET to a probe of another process and returns nil if the answer's status is 200,
// else an error with the answer's text. It is bounded by ctx and by 3 s. It is for flags such as
// -healthcheck: an image without a shell or curl has only its own program to ask with. It uses
// no proxy and follows no redirect, because neither is the process that is asked about. Like the
// kubelet it verifies no certificate: a probe goes to an address that none names, and sends nothing.
func Ask(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	w, err := transport.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("health: no answer from %s: %w", r.URL.Redacted(), err)
	}
	defer func() { _ = w.Body.Close() }()
	if w.StatusCode == http.StatusOK {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(w.Body, 4<<10)) // what has come is told
	return fmt.Errorf("health: %s answers %s: %s", r.URL.Redacted(), w.Status, oneLine(string(text)))
}

// oneLine keeps a text of several lines from looking like more than one answer.
func oneLine(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ") }
