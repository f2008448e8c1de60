package compat_test

import (
	"database/sql"
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
	gin.SetMode(gin.ReleaseMode) // or it prints all its routes
	goleak.VerifyTestMain(m)
}

// newAPI serves a catalogue of its own under a prefix.
func newAPI(t *testing.T, prefix string) http.Handler {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	require.NoError(t, sqlstore.Migrate(t.Context(), db, nil))
	store, err := sqlstore.New(t.Context(), db, nil)
	require.NoError(t, err)
	catalogue := product.NewService(store, nil)
	t.Cleanup(func() { _ = catalogue.Close(t.Context()) })
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
