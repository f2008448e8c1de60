package httpapi_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	if err := sqlstore.Migrate(ctx, db, nil); err != nil {
		log.Fatal(err)
	}
	store, err := sqlstore.New(ctx, db, nil)
	if err != nil {
		log.Fatal(err)
	}
	catalogue := product.NewService(store, nil)
	defer func() { _ = catalogue.Close(ctx) }()

	products, err := httpapi.NewHandler(catalogue, &httpapi.Options{Prefix: "/v1"})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", products)
	mux.HandleFunc("GET /about", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a shop") })
	server := httptest.NewServer(mux)
	defer server.Close()

	call := func(method, path, body, ifMatch string) *http.Response {
		req, err := http.NewRequestWithContext(ctx, method, server.URL+path, strings.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if ifMatch != "" {
			req.Header.Set("If-Match", ifMatch)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			log.Fatal(err)
		}
		_ = res.Body.Close()
		return res
	}
	created := call("POST", "/v1/products", `{"sku":"LAMP","name":"Lamp","price":{"amount":1999,"currency":"EUR"},"stock":3}`, "")
	lamp := created.Header.Get("Location")
	seen := created.Header.Get("ETag")
	fmt.Println("create:", created.StatusCode)
	fmt.Println("change:", call("PATCH", lamp, `{"name":"Bright lamp"}`, seen).StatusCode)
	fmt.Println("change what was seen before:", call("PATCH", lamp, `{"name":"Dim lamp"}`, seen).StatusCode)
	fmt.Println("sell 2:", call("POST", lamp+"/stock", `{"delta":-2}`, "").StatusCode)
	fmt.Println("sell 2 more:", call("POST", lamp+"/stock", `{"delta":-2}`, "").StatusCode)
	// Output:
	// create: 201
	// change: 200
	// change what was seen before: 412
	// sell 2: 200
	// sell 2 more: 409
}
