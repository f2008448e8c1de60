package feed_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// newCatalogue returns a Service on SQLite in memory.
func newCatalogue(t testing.TB) *product.Service {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.SetMaxOpenConns(1)
	require.NoError(t, sqlstore.Migrate(t.Context(), db, nil))
	store, err := sqlstore.New(t.Context(), db, nil)
	require.NoError(t, err)
	svc := product.NewService(store, nil)
	t.Cleanup(func() { require.NoError(t, svc.Close(context.Background())) })
	return svc
}

func all(t testing.TB, svc *product.Service) map[string]product.Product {
	t.Helper()
	products := make(map[string]product.Product)
	for p, err := range svc.All(t.Context(), product.Query{}) {
		require.NoError(t, err)
		products[p.SKU] = p
	}
	return products
}

func TestImportingAgainChangesNothingInTheCatalogue(t *testing.T) {
	t.Parallel()
	svc := newCatalogue(t)
	for range 2 {
		for _, name := range []string{"apparel.csv", "home-and-garden.csv"} {
			events, summary := run(t, svc, testdata(t, name), euros())
			require.Empty(t, events)
			require.Zero(t, summary.Updated)
			require.Zero(t, summary.Refused)
		}
	}
	products := all(t, svc)
	require.Len(t, products, 22+21)
	for _, p := range products {
		require.EqualValues(t, 1, p.Version)
		history, err := svc.History(t.Context(), p.ID, product.HistoryQuery{})
		require.NoError(t, err)
		require.LessOrEqual(t, len(history.Changes), 2, "its creation and its first stock: %+v", history.Changes)
	}
	stock, err := svc.Stock(t.Context(), products["clay-plant-pot.Large"].ID)
	require.NoError(t, err)
	require.EqualValues(t, 3, stock.OnHand)
	require.EqualValues(t, 1, stock.Version)
}

func TestAnImportChangesTheMembersItHasColumnsForAndNoOther(t *testing.T) {
	t.Parallel()
	svc := newCatalogue(t)
	_, summary := run(t, svc, sheet("Handle,Title,Variant Price,Vendor,SEO Title,Variant Inventory Qty", "tee,T,1,Acme,Hello,4"), euros())
	require.EqualValues(t, 1, summary.Created)
	before := all(t, svc)["tee"]
	text, status := "kept", product.StatusArchived
	_, err := svc.Update(t.Context(), before.ID, product.Patch{Description: &text, Status: &status,
		Attributes: &product.AttributesPatch{Merge: []byte(`{"mine":1}`)}}, product.Expect{})
	require.NoError(t, err)

	_, summary = run(t, svc, sheet("Handle,Title,Variant Price,Vendor,SEO Title", "tee,T,1,,"), euros())
	require.EqualValues(t, 1, summary.Updated)
	after := all(t, svc)["tee"]
	require.Equal(t, "kept", after.Description)
	require.Equal(t, product.StatusArchived, after.Status)
	require.Empty(t, after.Vendor)
	require.JSONEq(t, `{"mine":1}`, string(after.Attributes))
	stock, err := svc.Stock(t.Context(), after.ID)
	require.NoError(t, err)
	require.EqualValues(t, 4, stock.OnHand)

	// Stock alone is an update, too, and leaves the version as it is.
	_, summary = run(t, svc, sheet("Handle,Title,Variant Price,Variant Inventory Qty", "tee,T,1,9"), euros())
	require.EqualValues(t, 1, summary.Updated)
	require.Equal(t, after.Version, all(t, svc)["tee"].Version)
}

func TestTheCataloguesRulesHoldForEachRow(t *testing.T) {
	t.Parallel()
	svc := newCatalogue(t)
	events, summary := run(t, svc, sheet("Handle,Title,Variant Price,Variant SKU,Option1 Name,Option1 Value,Vendor",
		"a,A,1,A-S,Size,S,",
		"a,,1,A-S2,,S,",
		"b,B,1,B 1,,,",
		"c,"+strings.Repeat("x", 256)+",1,,,,",
		"d,D,1,,,,",
	), euros())
	require.Equal(t, feed.Counts{Rows: 5, Created: 2, Refused: 3}, *summary.Counts)
	fields := make(map[int]string)
	for _, e := range events {
		require.Equal(t, feed.EventRefused, e.Kind)
		fields[e.Line] = e.Field + " " + e.Code
	}
	require.Equal(t, map[int]string{3: "options taken", 4: "sku format", 5: "name too_long"}, fields)
}
