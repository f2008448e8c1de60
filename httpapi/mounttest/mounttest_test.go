package mounttest_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/httpapi/mounttest"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "8") // what they do is waiting
	goleak.VerifyTestMain(m)
}

func TestTheExamplesRouterIsMountedWell(t *testing.T) {
	t.Parallel()
	mounttest.Run(t, newAPI(t, &httpapi.Options{Prefix: "/shop/v1", RequirePrecondition: true}), "/shop/v1", newRouter, &mounttest.Options{
		Prepare: func(r *http.Request) { r.Header.Set("Authorization", "Bearer of a test") },
	})
}

func TestWhoMayNotDoEverythingIsTold(t *testing.T) {
	t.Parallel()
	api := newAPI(t, &httpapi.Options{Authorize: func(_ *http.Request, op httpapi.Operation) (string, error) {
		if op.ID == httpapi.OpPutReservation {
			return "", httpapi.ErrForbidden
		}
		return "somebody", nil
	}})
	r := &recorder{TB: t}
	mounttest.Run(r, api, "/", func(api http.Handler) http.Handler { return api }, nil)
	require.Len(t, r.faults, 1)
	require.Contains(t, r.faults[0], "/reservations/")
	require.Contains(t, r.faults[0], "as somebody who may do everything")
}

// recorder is a test that keeps its failures for itself.
type recorder struct {
	testing.TB
	faults []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

// hidden is a ResponseWriter that can be neither flushed nor unwrapped.
type hidden struct{ http.ResponseWriter }

// flushing is one that can be flushed, whatever that does.
type flushing struct {
	hidden
	flush func()
}

func (w flushing) Flush() { w.flush() }

// tagless takes the ETag away.
type tagless struct{ http.ResponseWriter }

func (w tagless) WriteHeader(status int) {
	w.Header().Del("ETag")
	w.ResponseWriter.WriteHeader(status)
}
func (w tagless) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// plain writes a page of its own instead of a problem.
type plain struct {
	http.ResponseWriter
	failed bool
}

func (w *plain) WriteHeader(status int) {
	if w.failed = status >= 400; w.failed {
		w.Header().Del("Content-Length")
		w.Header().Set("Content-Type", "text/html")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *plain) Write(p []byte) (int, error) {
	if w.failed {
		return w.ResponseWriter.Write([]byte("<h1>Sorry</h1>"))
	}
	return w.ResponseWriter.Write(p)
}
func (w *plain) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Each of these hosts is broken in one way, and is told so and nothing else.
func TestWhatIsWrongWithAHostIsTold(t *testing.T) {
	t.Parallel()
	writer := func(wrap func(http.ResponseWriter) http.ResponseWriter) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(wrap(w), r) })
		}
	}
	request := func(change func(r *http.Request) *http.Request) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, change(r)) })
		}
	}
	moved := func(r *http.Request, to string) *http.Request {
		copied := r.Clone(r.Context())
		copied.URL = &url.URL{Path: to, RawQuery: r.URL.RawQuery}
		return copied
	}
	const noRoute = "The router does not let GET through"
	for _, c := range []struct {
		name   string
		mount  func(http.Handler) http.Handler
		faults []string // pieces of each
	}{
		{"not mounted", func(http.Handler) http.Handler { return http.NewServeMux() }, []string{noRoute}},
		{"mounted without what follows", func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/v1", h)
			return mux
		}, []string{noRoute}},
		{"another answers", func(http.Handler) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		}, []string{"does not mount the handler that it was given"}},
		{"refused", signedIn, []string{"Sign in by Options.Prepare"}},
		{"not the Prefix", request(func(r *http.Request) *http.Request { return moved(r, "/api"+r.URL.Path) }),
			[]string{`reached the API as "/api/v1/limits"`}},
		{"a method is missing", func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			for _, method := range []string{"GET", "POST", "PUT", "DELETE", "OPTIONS"} {
				mux.Handle(method+" /v1/", h)
			}
			return mux
		}, []string{"The router does not let PATCH through"}},
		{"paths are decoded", request(func(r *http.Request) *http.Request { return moved(r, r.URL.Path) }),
			[]string{"The router or a middleware has decoded or cleaned the path"}},
		{"paths are cleaned in silence", request(func(r *http.Request) *http.Request {
			if clean := path.Clean(r.URL.Path); !strings.Contains(r.URL.EscapedPath(), "%") && clean != strings.TrimSuffix(r.URL.Path, "/") {
				return moved(r, clean)
			}
			return r
		}), []string{"The router or a middleware has decoded or cleaned the path"}},
		{"unclean paths are redirected as gorilla does", func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if clean := path.Clean(r.URL.Path); clean != strings.TrimSuffix(r.URL.Path, "/") && !strings.Contains(r.URL.EscapedPath(), "%") {
					http.Redirect(w, r, clean, http.StatusMovedPermanently)
					return
				}
				h.ServeHTTP(w, r)
			})
		}, []string{"set SkipClean(true)"}},
		{"the request line is changed", request(func(r *http.Request) *http.Request {
			r.RequestURI = "/elsewhere" + r.URL.Path
			return r
		}), []string{"It is made of r.RequestURI"}},
		{"no ETags", writer(func(w http.ResponseWriter) http.ResponseWriter { return tagless{w} }), []string{"A middleware removes or weakens ETag"}},
		{"error pages", writer(func(w http.ResponseWriter) http.ResponseWriter { return &plain{ResponseWriter: w} }), []string{"a middleware has changed its answer"}},
		{"another context", request(func(r *http.Request) *http.Request { return r.WithContext(context.WithoutCancel(r.Context())) }),
			[]string{"A middleware gives the request another context"}},
		{"bodies are bounded", func(h http.Handler) http.Handler { return http.MaxBytesHandler(h, 100<<10) }, []string{"rows of 48 KiB have arrived"}},
		{"nothing is flushed", writer(func(w http.ResponseWriter) http.ResponseWriter { return hidden{w} }),
			[]string{"There are no streams where the answer cannot be flushed. The ResponseWriter that reached the API is mounttest_test.hidden", "no progress before all of the file has been sent"}},
		{"flushed without being unwrapped", writer(func(w http.ResponseWriter) http.ResponseWriter {
			return flushing{hidden{w}, w.(http.Flusher).Flush}
		}), []string{"no progress before all of the file has been sent"}},
		{"flushed into a buffer", writer(func(w http.ResponseWriter) http.ResponseWriter { return flushing{hidden{w}, func() {}} }),
			[]string{"Compression must flush, or leave", "no progress before all of the file has been sent"}},
		{"http.TimeoutHandler", func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "late") },
			[]string{"reached the API is *http.timeoutWriter", "no progress before all of the file has been sent"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t}
			mounttest.Run(r, newAPI(t, &httpapi.Options{Prefix: "/v1"}), "/v1", c.mount, &mounttest.Options{Patience: 10 * time.Second}) // which one of them takes
			all := strings.Join(r.faults, "\n")
			require.Len(t, r.faults, len(c.faults), all)
			for i, piece := range c.faults {
				require.Contains(t, r.faults[i], piece)
			}
		})
	}
}
