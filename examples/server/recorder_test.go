package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheRecorderSeesWhatIsAnswered(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer  http.HandlerFunc
		status  int
		written int64
	}{
		"nothing":  {func(http.ResponseWriter, *http.Request) {}, 200, 0},
		"a status": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, 404, 0},
		"a body":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "body") }, 200, 4},
		"a copied body": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader("copied")})
		}, 200, 6},
		"early hints": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusCreated)
		}, 201, 0},
		"a flushed body": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "body")
			w.(http.Flusher).Flush()
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute))
		}, 200, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := make(chan recorder, 1)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := &recorder{ResponseWriter: w}
				test.answer(answer, r)
				seen <- *answer
			}))
			defer srv.Close()
			res, err := srv.Client().Get(srv.URL)
			require.NoError(t, err)
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			answer := <-seen
			require.Equal(t, test.status, res.StatusCode)
			require.Equal(t, test.status, answer.code())
			require.EqualValues(t, len(body), answer.written)
			require.Equal(t, test.written, answer.written)
		})
	}
}
