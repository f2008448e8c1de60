package sqlstore_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// crowd fills a store with products of many vendors, categories, groups and prices.
func crowd(t testing.TB, store *sqlstore.Store, n int) {
	t.Helper()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for begin := 0; begin < n; begin += 500 {
		writes := make([]product.Write, min(500, n-begin))
		for i := range writes {
			k := begin + i
			w := create(t, fmt.Sprintf("SKU-%06d", k))
			w.At = start.Add(time.Duration(k) * time.Minute)
			d := w.Draft
			d.Name = fmt.Sprintf("Product %06d", (k*7919)%n)
			d.Price.Amount = int64((k * 31) % 5000)
			d.Vendor = fmt.Sprintf("Vendor %d", k%200)
			d.Category = fmt.Sprintf("category-%d/part-%d", k%20, k%400)
			d.Group = fmt.Sprintf("group-%d", k/4)
			d.Tags = []string{fmt.Sprintf("tag-%d", k%1000), "common"}
			writes[i] = w
		}
		apply(t, store, writes...)
	}
}

// explain returns what the engine says that it will do, one line per step.
func explain(t testing.TB, db *sql.DB, e engine, query string, args []any) string {
	t.Helper()
	verb := "EXPLAIN FORMAT=TRADITIONAL "
	if e.driver == "sqlite" {
		verb = "EXPLAIN QUERY PLAN "
	}
	rows, err := db.QueryContext(t.Context(), verb+query, args...)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	require.NoError(t, err)
	var plan strings.Builder
	for rows.Next() {
		values := make([]sql.NullString, len(names))
		dest := make([]any, len(names))
		for i := range values {
			dest[i] = &values[i]
		}
		require.NoError(t, rows.Scan(dest...))
		for i, name := range names {
			fmt.Fprintf(&plan, "%s=%s ", name, values[i].String)
		}
		plan.WriteString("\n")
	}
	require.NoError(t, rows.Err())
	return plan.String()
}

// requireIndexOrder fails at the engines' words for sorting and for reading a whole table.
func requireIndexOrder(t testing.TB, query, plan string) {
	t.Helper()
	for _, word := range []string{"filesort", "Using temporary", "TEMP B-TREE", "type=ALL", "SCAN p\n"} {
		require.NotContains(t, plan, word, query)
	}
}

func TestListsReadAnIndex(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		crowd(t, store, testscale.N(2_000, 20_000))
		everySortReadsAnIndexInOrder(t, e, db, store)
		analyze := "ANALYZE TABLE productkit_products, productkit_stock, productkit_tags"
		if e.driver == "sqlite" {
			analyze = "ANALYZE"
		}
		_, err := db.ExecContext(t.Context(), analyze)
		require.NoError(t, err)
		everySortReadsAnIndexInOrder(t, e, db, store)
		selectiveFiltersUseAnIndex(t, e, db, store)
		countsReadAnIndex(t, e, db, store)
		historyReadsItsIndexInOrder(t, e, db, store)
		categoriesReadNothingButTheirIndex(t, e, db, store)
	})
}

func everySortReadsAnIndexInOrder(t *testing.T, e engine, db *sql.DB, store *sqlstore.Store) {
	middle := findOne(t, store, product.BySKU("SKU-001000"))
	for _, sort := range product.Sorts() {
		for _, q := range []product.Query{
			{},
			{Status: product.StatusActive},
			{Published: pointer(true), Now: time.Now()},
			{Published: pointer(false), Now: time.Now()},
			{InStock: pointer(true)},
			{InStock: pointer(false)},
			{PriceMin: pointer(int64(1000)), PriceMax: pointer(int64(3000))},
		} {
			q.Sort, q.Limit = sort, 20
			if sort == product.SortPrice || sort == product.SortPriceDesc {
				q.Currency = "EUR"
			} else if q.PriceMin != nil {
				continue // either way is right: it depends on how many there are
			}
			for _, after := range []*product.Position{nil, position(sort, &middle)} {
				q.After = after
				query, args, err := store.ListSQL(q)
				require.NoError(t, err)
				plan := explain(t, db, e, query, args)
				requireIndexOrder(t, query, plan)
			}
		}
	}
}

func position(sort product.Sort, p *product.Product) *product.Position {
	at := &product.Position{ID: p.ID}
	switch sort {
	case product.SortName, product.SortNameDesc:
		at.Text = p.Name
	case product.SortSKU, product.SortSKUDesc:
		at.Text = p.SKU
	case product.SortPrice, product.SortPriceDesc:
		at.Int = p.Price.Amount
	case product.SortUpdated, product.SortUpdatedDesc:
		at.Int = p.UpdatedAt.UnixMicro()
	default:
		at.Int = p.CreatedAt.UnixMicro()
	}
	return at
}

// A filter that few products pass must not read all of them.
func selectiveFiltersUseAnIndex(t *testing.T, e engine, db *sql.DB, store *sqlstore.Store) {
	for want, q := range map[string]product.Query{
		"by_group":    {Group: "group-17"},
		"by_vendor":   {Vendor: "Vendor 17"},
		"by_category": {Category: "category-3/part-3"},
		"PRIMARY":     {Tag: "tag-17"},
		"live_sku":    {SKUPrefix: "SKU-00010"},
		"by_updated":  {Sort: product.SortUpdated, UpdatedSince: time.Date(2026, 1, 3, 12, 0, 0, 0, time.UTC)},
		"by_price":    {Currency: "EUR", PriceMin: pointer(int64(100)), PriceMax: pointer(int64(101))},
	} {
		q.Limit = 20
		query, args, err := store.ListSQL(q)
		require.NoError(t, err)
		plan := explain(t, db, e, query, args)
		for _, word := range []string{"type=ALL", "type=index ", "SCAN "} {
			require.NotContains(t, plan, word, query)
		}
		if e.driver == "mysql" {
			require.Contains(t, plan, "key="+want+" ")
		} else if strings.HasPrefix(want, "by_") { // the others are unnamed
			require.Contains(t, plan, "products_"+want+" ")
		}
	}
}

// Counting everything reads an index and no row; counting a few does not read all.
func countsReadAnIndex(t *testing.T, e engine, db *sql.DB, store *sqlstore.Store) {
	for _, c := range []struct {
		q       product.Query
		want    string
		covered bool
	}{
		{product.Query{}, "by_", true},
		{product.Query{Sort: product.SortPrice, Currency: "EUR"}, "by_price", true},
		{product.Query{Vendor: "Vendor 17"}, "by_vendor", false},
		{product.Query{Group: "group-17"}, "by_group", false},
	} {
		query, args, err := store.CountSQL(c.q)
		require.NoError(t, err)
		plan := explain(t, db, e, query, args)
		require.NotContains(t, plan, "filesort", query)
		require.Contains(t, plan, c.want, query)
		if c.covered {
			require.Regexp(t, "Using index|COVERING INDEX", plan, query)
		}
	}
}

// The tree of categories counts many products, so it must neither sort them nor read their rows.
func categoriesReadNothingButTheirIndex(t *testing.T, e engine, db *sql.DB, store *sqlstore.Store) {
	for _, q := range []product.Query{
		{},
		{Category: "category-3"},
		{Status: product.StatusActive},
		{Published: pointer(true), Now: time.Now()},
		{Published: pointer(false), Now: time.Now(), Status: product.StatusDraft, Category: "category-3/part-3"},
	} {
		query, args, err := store.CategoriesSQL(q)
		require.NoError(t, err)
		plan := explain(t, db, e, query, args)
		requireIndexOrder(t, query, plan)
		require.Contains(t, plan, "by_category", query)
		require.Regexp(t, "Using index|COVERING INDEX", plan, query)
		require.NotContains(t, plan, "Using index condition", query)
	}
}

func historyReadsItsIndexInOrder(t *testing.T, e engine, db *sql.DB, store *sqlstore.Store) {
	p := findOne(t, store, product.BySKU("SKU-001000"))
	for _, after := range []*product.HistoryPosition{nil, {Version: 1}, {Stock: true, Version: 1}} {
		query, args, err := store.HistorySQL(p.ID, after)
		require.NoError(t, err)
		requireIndexOrder(t, query, explain(t, db, e, query, args))
	}
}

// Locking by a scan would wait for rows that nobody asked for.
func TestLockingReadsOnlyItsKeys(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		made := apply(t, store, create(t, "A"), create(t, "B"), create(t, "C")) // a scan looks cheap here
		for column, lookup := range map[string]struct {
			index string
			keys  []any
		}{
			"id":          {"PRIMARY", []any{made[0].ID[:], made[1].ID[:], made[2].ID[:]}},
			"live_sku":    {"live_sku", []any{"A", "B", "C"}},
			"variant_key": {"variant_key", []any{make([]byte, 32), make([]byte, 32)}},
		} {
			query, args, err := store.LockSQL(column, lookup.index, lookup.keys)
			require.NoError(t, err)
			plan := explain(t, db, e, query, args)
			requireIndexOrder(t, query, plan)
		}
	})
}

// However many keys are asked for at once, and however few products there are.
func TestFindingReadsOnlyItsKeys(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		made := apply(t, store, create(t, "A"), create(t, "B"))
		for _, n := range []int{1, 4, 200} {
			for _, by := range []struct {
				column, index string
				key           any
			}{{"id", "PRIMARY", made[0].ID[:]}, {"live_sku", "live_sku", "A"}} {
				query, args, err := store.FindSQL(by.column, slices.Repeat([]any{by.key}, n))
				require.NoError(t, err)
				plan := explain(t, db, e, query, args)
				requireIndexOrder(t, query, plan)
				if e.driver == "sqlite" {
					require.Contains(t, plan, "("+by.column+"=?)", query)
				} else {
					require.Contains(t, plan, "key="+by.index+" ", query)
				}
			}
		}
	})
}
