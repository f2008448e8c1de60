// Command nethttp is a service on http.ServeMux that has got a catalogue beside its own routes.
package main

import (
	"fmt"
	"net/http"

	"github.com/productkit-go/productkit/examples/mount/internal/shop"
)

func main() { shop.Main(routes) }

func routes(api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello", r.PathValue("name"))
	})
	mux.Handle(shop.Prefix+"/", shop.Logged(api))
	return shop.Login(mux)
}
