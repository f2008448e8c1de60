// Command chi is a service on chi that has got a catalogue beside its own routes.
package main

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/productkit-go/productkit/examples/mount/internal/shop"
)

func main() { shop.Main(routes) }

func routes(api http.Handler) http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, shop.Login)
	r.Get("/hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello", chi.URLParam(r, "name"))
	})
	r.Mount(shop.Prefix, shop.Logged(api))
	return r
}
