package compat_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)       // or it prints all its routes
	_ = flag.Set("test.parallel", "8") // what they do is waiting
	goleak.VerifyTestMain(shop{m})
}

// catalogue is that of all tests here.
var catalogue *product.Service

// shop runs the tests while the catalogue is there.
type shop struct{ *testing.M }

func (s shop) Run() int {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	check(err)
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	check(sqlstore.Migrate(ctx, db, nil))
	store, err := sqlstore.New(ctx, db, nil)
	check(err)
	catalogue = product.NewService(store, nil)
	defer func() { _ = catalogue.Close(ctx) }()
	return s.M.Run()
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// newAPI serves the catalogue under a prefix.
func newAPI(t *testing.T, prefix string) http.Handler {
	t.Helper()
	api, err := httpapi.NewHandler(catalogue, &httpapi.Options{Prefix: prefix})
	require.NoError(t, err)
	return api
}

// recorder is a test that keeps its failures for itself.
type recorder struct {
	testing.TB
	faults []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}
