package compat_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/mux"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/httpapi/mounttest"
)

// shape is a way of mounting: the path that clients see, what the Prefix is of it, and what the host
// strips.
type shape struct{ name, seen, prefix, pattern, stripped string }

// shapes are the same for every router, which spells its patterns in its own way: {tenant} or :tenant.
var shapes = []shape{
	{name: "prefix", pattern: "/shop/api/v1", seen: "/shop/api/v1", prefix: "/shop/api/v1"},
	{name: "stripped", pattern: "/shop/v1", seen: "/shop/v1", prefix: "/v1", stripped: "/shop"},
	{name: "tenant", pattern: "/{tenant}/v1", seen: "/a%2Fb%20c/v1", prefix: "/{tenant}/v1"},
}

// routers are the lines that the package documentation gives.
var routers = map[string]func(pattern string, api http.Handler) http.Handler{
	"net/http": func(pattern string, api http.Handler) http.Handler {
		m := http.NewServeMux()
		m.Handle(pattern+"/", api)
		return m
	},
	"chi": func(pattern string, api http.Handler) http.Handler {
		r := chi.NewRouter()
		r.Mount(pattern, api)
		return r
	},
	"gorilla/mux": func(pattern string, api http.Handler) http.Handler {
		r := mux.NewRouter().SkipClean(true).UseEncodedPath()
		r.PathPrefix(pattern + "/").Handler(api)
		return r
	},
	"gin": func(pattern string, api http.Handler) http.Handler {
		r := gin.New()
		r.UseRawPath = true
		r.Any(colons(pattern)+"/*path", gin.WrapH(api))
		return r
	},
	"echo": func(pattern string, api http.Handler) http.Handler {
		e := echo.New()
		e.Any(colons(pattern)+"/*", echo.WrapHandler(api))
		return e
	},
}

// colons writes wildcards as gin and echo do.
func colons(pattern string) string { return strings.NewReplacer("{", ":", "}", "").Replace(pattern) }

// Middleware of any router reads the whole route once the handler has answered.
func TestEveryRouterLetsEverythingThrough(t *testing.T) {
	t.Parallel()
	for name, router := range routers {
		for _, s := range shapes {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				var patterns sync.Map
				mounttest.Run(t, newAPI(t, s.prefix), s.seen, func(api http.Handler) http.Handler {
					return router(s.pattern, http.StripPrefix(s.stripped, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						api.ServeHTTP(w, r)
						patterns.Store(r.Pattern, true)
					})))
				}, nil)
				for _, op := range httpapi.Operations() {
					_, seen := patterns.Load(op.Method + " " + s.prefix + op.Path)
					require.True(t, seen, op.ID)
				}
			})
		}
	}
}

// The routers' own ways of nesting and of scoping by method.
func TestRoutersNest(t *testing.T) {
	t.Parallel()
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	for name, mount := range map[string]func(api http.Handler) http.Handler{
		"net/http in net/http": func(api http.Handler) http.Handler {
			inner, outer := http.NewServeMux(), http.NewServeMux()
			inner.Handle("/{tenant}/v1/", api)
			outer.Handle("/shops/", http.StripPrefix("/shops", inner))
			return outer
		},
		"net/http by method": func(api http.Handler) http.Handler {
			m := http.NewServeMux()
			for _, method := range methods {
				m.Handle(method+" /shops/{tenant}/v1/", http.StripPrefix("/shops", api))
			}
			return m
		},
		"chi in chi": func(api http.Handler) http.Handler {
			r := chi.NewRouter()
			r.Use(chimiddleware.RequestID, chimiddleware.Recoverer, chimiddleware.Compress(5))
			r.Route("/shops/{tenant}", func(r chi.Router) { r.Mount("/v1", http.StripPrefix("/shops", api)) })
			return r
		},
		"chi by method": func(api http.Handler) http.Handler {
			r := chi.NewRouter()
			for _, method := range methods {
				r.Method(method, "/shops/{tenant}/v1/*", http.StripPrefix("/shops", api))
			}
			return r
		},
		"gorilla/mux, subrouter by method": func(api http.Handler) http.Handler {
			r := mux.NewRouter().SkipClean(true).UseEncodedPath()
			r.PathPrefix("/shops/{tenant}").Subrouter().PathPrefix("/v1/").Methods(slices.Clone(methods)...).Handler(http.StripPrefix("/shops", api)) // it writes into them
			return r
		},
		"gin group with middleware": func(api http.Handler) http.Handler {
			r := gin.New()
			r.UseRawPath, r.UnescapePathValues = true, false
			r.Use(gin.Recovery())
			r.Group("/shops/:tenant").Any("/v1/*path", gin.WrapH(http.StripPrefix("/shops", api)))
			return r
		},
		"gin by method": func(api http.Handler) http.Handler {
			r := gin.New()
			for _, method := range methods {
				r.Handle(method, "/shops/:tenant/v1/*path", gin.WrapH(http.StripPrefix("/shops", api)))
			}
			return r
		},
		"echo group with middleware": func(api http.Handler) http.Handler {
			e := echo.New()
			e.Use(echomiddleware.Recover(), echomiddleware.RequestID(), echomiddleware.Gzip())
			e.Group("/shops/:tenant").Any("/v1/*", echo.WrapHandler(http.StripPrefix("/shops", api)))
			return e
		},
		"echo by method": func(api http.Handler) http.Handler {
			e := echo.New()
			for _, method := range methods {
				e.Add(method, "/shops/:tenant/v1/*", echo.WrapHandler(http.StripPrefix("/shops", api)))
			}
			return e
		},
		"net/http in chi in gin in echo": func(api http.Handler) http.Handler {
			m, c, g, e := http.NewServeMux(), chi.NewRouter(), gin.New(), echo.New()
			m.Handle("/shops/{tenant}/v1/", http.StripPrefix("/shops", api))
			c.Mount("/", m)
			g.Any("/*path", gin.WrapH(c))
			e.Any("/*", echo.WrapHandler(g))
			return e
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mounttest.Run(t, newAPI(t, "/{tenant}/v1"), "/shops/acme/v1", mount, nil)
		})
	}
}

// writers are what a host's middleware may put around a ResponseWriter, and what of the API it then
// keeps back, in mounttest's words.
var writers = map[string]struct {
	wrap func(http.ResponseWriter) http.ResponseWriter
	lost []string
}{
	"Unwrap": {func(w http.ResponseWriter) http.ResponseWriter { return unwrapping{hidden{w}} }, nil},
	"Flush":  {func(w http.ResponseWriter) http.ResponseWriter { return flushing{hidden{w}} }, []string{"POST /v1/import: no progress"}},
	"neither": {func(w http.ResponseWriter) http.ResponseWriter { return hidden{w} },
		[]string{"GET /v1/changes as text/event-stream: 406", "POST /v1/import: no progress"}},
}

type hidden struct{ http.ResponseWriter }

type unwrapping struct{ hidden }

func (w unwrapping) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type flushing struct{ hidden }

func (w flushing) Flush() { w.ResponseWriter.(http.Flusher).Flush() }

func TestWhatAMiddlewaresWriterKeepsBack(t *testing.T) {
	t.Parallel()
	for name, router := range routers {
		for kind, w := range writers {
			middleware := func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { next.ServeHTTP(w.wrap(rw), r) })
			}
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				r := &recorder{TB: t}
				mounttest.Run(r, newAPI(t, "/v1"), "/v1", func(api http.Handler) http.Handler { return middleware(router("/v1", api)) }, nil)
				require.Len(t, r.faults, len(w.lost), "%s", r.faults)
				for i, lost := range w.lost {
					require.Contains(t, r.faults[i], lost)
					require.Contains(t, r.faults[i], "compat_test.")
					require.Contains(t, r.faults[i], "Unwrap() http.ResponseWriter")
				}
			})
		}
	}
}

// What mounttest says of routers that are mounted otherwise.
func TestWhatIsWrongWithARouterIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mount func(api http.Handler) http.Handler
		told  string
	}{
		"gorilla/mux as it is": {func(api http.Handler) http.Handler {
			r := mux.NewRouter()
			r.PathPrefix("/{tenant}/v1/").Handler(api)
			return r
		}, "set UseEncodedPath()"},
		"gorilla/mux that cleans paths": {func(api http.Handler) http.Handler {
			r := mux.NewRouter().UseEncodedPath()
			r.PathPrefix("/{tenant}/v1/").Handler(api)
			return r
		}, "set SkipClean(true)"},
		"gorilla/mux without PATCH": {func(api http.Handler) http.Handler {
			r := mux.NewRouter().SkipClean(true).UseEncodedPath()
			r.PathPrefix("/{tenant}/v1/").Methods("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE").Handler(api)
			return r
		}, "does not let PATCH through"},
		"gin as it is": {func(api http.Handler) http.Handler {
			r := gin.New()
			r.Any("/:tenant/v1/*path", gin.WrapH(api))
			return r
		}, "of gin UseRawPath"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t}
			mounttest.Run(r, newAPI(t, "/{tenant}/v1"), "/a%2Fb/v1", c.mount, nil)
			require.Len(t, r.faults, 1, "%s", r.faults)
			require.Contains(t, r.faults[0], c.told)
		})
	}
}
