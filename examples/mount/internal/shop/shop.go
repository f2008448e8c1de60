// Package shop is what the services of these examples have in common: a catalogue in a file, who may
// do what, and a server that stops cleanly. The services themselves differ in their routers only.
package shop

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// Prefix is where all of them mount the catalogue.
const Prefix = "/catalogue/v1"

// Main serves what routes makes of the catalogue's handler, until SIGTERM or Ctrl-C.
func Main(routes func(api http.Handler) http.Handler) {
	file := flag.String("file", "shop.db", "the SQLite file with the catalogue")
	listen := flag.String("listen", "127.0.0.1:8080", "host:port")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *file, *listen, routes); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, file, listen string, routes func(api http.Handler) http.Handler) (err error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_txlock=immediate")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := sqlstore.Migrate(ctx, db, nil); err != nil {
		return err
	}
	store, err := sqlstore.New(ctx, db, nil)
	if err != nil {
		return err
	}
	catalogue := product.NewService(store, nil)
	api, err := httpapi.NewHandler(catalogue, &httpapi.Options{Prefix: Prefix, Authorize: authorize})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: routes(api), ReadHeaderTimeout: 5 * time.Second}
	server.RegisterOnShutdown(api.Drain) // ends streams of changes
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Printf("http://%s\n", listener.Addr())
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(bounded), catalogue.Close(bounded))
}

// authorize takes the user that the service's own middleware has found out.
func authorize(r *http.Request, op httpapi.Operation) (actor string, err error) {
	switch user := User(r.Context()); {
	case user == "":
		return "", httpapi.ErrUnauthenticated
	case op.Writes && user != "ann":
		return "", httpapi.ErrForbidden
	default:
		return user, nil
	}
}

type userKey struct{}

// User is who sent the request, as the middleware knows.
func User(ctx context.Context) string {
	user, _ := ctx.Value(userKey{}).(string)
	return user
}

// Login stands for the session or token of a real service: it believes the password of HTTP Basic to be
// "secret", whoever it is.
func Login(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); ok && password == "secret" {
			r = r.WithContext(context.WithValue(r.Context(), userKey{}, user))
		}
		next.ServeHTTP(w, r)
	})
}

// Logged writes a line with the catalogue's own route, which is known once it has answered. It stands
// directly around the catalogue, for a router may hand on a copy of the request.
func Logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		next.ServeHTTP(w, r)
		log.Println(r.Pattern, time.Since(begin).Round(time.Microsecond))
	})
}
