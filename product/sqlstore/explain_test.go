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
	requireNoScan(t, query, plan)
	for _, word := range []string{"filesort", "Using temporary", "TEMP B-TREE"} {
		require.NotContains(t, plan, word, query)
	}
}

// requireNoScan fails at their words for reading a whole table.
func requireNoScan(t testing.TB, query, plan string) {
	t.Helper()
	for _, word := range []string{"type=ALL", "SCAN p \n"} {
		require.NotContains(t, plan, word, query+"\n"+plan)
	}
}

func TestListsReadAnIndex(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		crowd(t, store, testscale.N(2_000, 20_000))
		everyListReadsAnIndex(t, e, db, store)
		analyze := "ANALYZE TABLE productkit_products, productkit_stock, productkit_tags"
		if e.driver == "sqlite" {
			analyze = "ANALYZE"
		}
		_, err := db.ExecContext(t.Context(), analyze)
		require.NoError(t, err)
		everyListReadsAnIndex(t, e, db, store)
		subtreesReadPagesOffAnIndex(t, e, db, store)
		selectiveFiltersUseAnIndex(t, e, db, store)
		countsReadAnIndex(t, e, db, store)
		historyReadsItsIndexInOrder(t, e, db, store)
		categoriesReadNothingButTheirIndex(t, e, db, store)
	})
}

// filters are all that a list may be asked for, and the sorts in which the engine reads its page off
// an index. In the others it either walks along the sort's index and passes over what the filter does
// not select, or sorts what the filter's index finds: its statistics say which is less. An index for
// each pair of them would double what a write costs.
var filters = []struct {
	name    string
	q       product.Query
	ordered []string // the sorts' columns; nil: all
	unlike  string   // why the others are not
}{
	{name: "none"},
	{name: "status", q: product.Query{Status: product.StatusActive}},
	{name: "published", q: product.Query{Published: pointer(true)}},
	{name: "not published", q: product.Query{Published: pointer(false)}},
	{name: "in stock", q: product.Query{InStock: pointer(true)}},
	{name: "out of stock", q: product.Query{InStock: pointer(false)}},
	{name: "currency", q: product.Query{Currency: "EUR"}},
	{name: "category", q: product.Query{Category: "category-3/part-3"}, ordered: []string{"created_at"}, unlike: "by_category has no other order"},
	{name: "published in category", q: product.Query{Category: "category-3/part-3", Published: pointer(true), InStock: pointer(true)}, ordered: []string{"created_at"},
		unlike: "by_category has no other order"},
	{name: "vendor", q: product.Query{Vendor: "Vendor 17"}, ordered: []string{"created_at"}, unlike: "by_vendor has no other order"},
	{name: "group", q: product.Query{Group: "group-17"}, ordered: []string{}, unlike: "a group has at most product.MaxVariants products; sorting them costs less than an index"},
	{name: "tag", q: product.Query{Tag: "tag-17"}, ordered: []string{}, unlike: "a product has many tags, whose rows would all have to follow its sort keys"},
	{name: "SKU prefix", q: product.Query{SKUPrefix: "SKU-00010"}, ordered: []string{"sku"}, unlike: "a range in one order is in no other"},
	{name: "price", q: product.Query{Currency: "EUR", PriceMin: pointer(int64(1000)), PriceMax: pointer(int64(3000))}, ordered: []string{"price"}, unlike: "a range in one order is in no other"},
	{name: "updated since", q: product.Query{UpdatedSince: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}, ordered: []string{"updated_at"}, unlike: "a range in one order is in no other"},
	{name: "deleted", q: product.Query{Deleted: true}, ordered: []string{"created_at", "updated_at", "name", "price"}, unlike: "live_sku is of live products; deleted ones are few, and listed by people"},
}

func everyListReadsAnIndex(t *testing.T, e engine, db *sql.DB, store *sqlstore.Store) {
	middle := findOne(t, store, product.BySKU("SKU-001000"))
	for _, f := range filters {
		for _, sort := range product.Sorts() {
			column := strings.TrimPrefix(string(sort), "-")
			ordered := f.ordered == nil || slices.Contains(f.ordered, column)
			require.True(t, ordered || f.unlike != "", f.name)
			q := f.q
			q.Sort, q.Limit, q.Now = sort, 20, time.Now()
			if column == "price" {
				q.Currency = "EUR"
			}
			for _, after := range []*product.Position{nil, position(sort, &middle)} {
				q.After = after
				query, args, err := store.ListSQL(q)
				require.NoError(t, err)
				plan := explain(t, db, e, query, args)
				if ordered {
					requireIndexOrder(t, f.name+" by "+string(sort)+": "+query, plan)
				} else {
					requireNoScan(t, f.name+" by "+string(sort)+": "+query, plan)
				}
			}
		}
	}
}

// A list of a subtree sorts the pages of its categories, and nothing else: at most 32 of them.
func subtreesReadPagesOffAnIndex(t *testing.T, e engine, db *sql.DB, store *sqlstore.Store) {
	for _, sort := range []product.Sort{product.SortCreated, product.SortCreatedDesc} {
		middle := findOne(t, store, product.BySKU("SKU-001000"))
		for _, after := range []*product.Position{nil, position(sort, &middle)} {
			q := product.Query{Category: "category-3", Sort: sort, Limit: 20, After: after}
			query, args := store.MergedSQL(q, "category-3/part-23", "category-3/part-3", "category-3/part-43")
			plan := explain(t, db, e, query, args)
			for line := range strings.Lines(plan) {
				if strings.Contains(line, "table=p ") || strings.Contains(line, "table=o ") || strings.Contains(line, " p ") {
					requireIndexOrder(t, query, line)
				}
			}
			require.Contains(t, plan, "by_category")
			if e.driver == "mysql" {
				q.Category = "category-3/part-3"
				query, args = store.TogetherSQL(q, 8)
				require.Less(t, len(query), 8<<10, "a text that the pool keeps prepared")
				for line := range strings.Lines(explain(t, db, e, query, args)) {
					if strings.Contains(line, "table=<derived") { // the united IDs
						require.NotContains(t, line, "filesort", query)
						continue
					}
					requireIndexOrder(t, query, line)
				}
			}
		}
	}
	query, args := store.BelowSQL("category-3")
	plan := explain(t, db, e, query, args)
	requireIndexOrder(t, query, plan)
	require.Contains(t, plan, "by_category")
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
			require.Contains(t, plan, "products_"+want)
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
		untag, args, err := store.UntagSQL([][]any{{"new", made[0].ID[:]}, {"new", made[1].ID[:]}, {"men", made[2].ID[:]}})
		require.NoError(t, err)
		plan := explain(t, db, e, untag, args)
		requireIndexOrder(t, untag, plan)
		require.Contains(t, plan, "PRIMARY", untag)
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
