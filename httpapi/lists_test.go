package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type page struct {
	Items      []item           `json:"items"`
	NextCursor string           `json:"next_cursor"`
	Missing    []map[string]any `json:"missing"`
}

func (p page) skus() string {
	var skus []string
	for _, i := range p.Items {
		skus = append(skus, i.SKU)
	}
	return strings.Join(skus, " ")
}

func (a *api) list(query string) page {
	a.t.Helper()
	r := a.do("GET", "/products?"+query, "").is(200)
	require.Equal(a.t, "private, no-cache", r.header.Get("Cache-Control"))
	var p page
	r.json(&p)
	return p
}

func TestListsFilterSortAndPage(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		for i, more := range []string{
			`"status":"active","category":"apparel/shirts","tags":["men","new"],"vendor":"Acme","group":"g","options":{"Size":"M"},"stock":3`,
			`"status":"active","category":"apparel","tags":["men"],"vendor":"Böhm & Söhne"`,
			`"category":"apparelish"`,
			`"status":"archived","vendor":"Acme","stock":1`,
			`"vendor":"Acme"`,
		} {
			sku := fmt.Sprintf("S%d", i)
			a.do("POST", "/products", fmt.Sprintf(`{"sku":%q,"name":"Name %c","price":{"amount":%d,"currency":"EUR"},%s}`, sku, 'e'-i, 100*i, more)).is(201)
		}
		for query, want := range map[string]string{
			"tag=%F0%9F%98%80":                "",
			"":                                "S0 S1 S2 S3 S4",
			"status=active":                   "S0 S1",
			"category=apparel":                "S0 S1",
			"tag=men":                         "S0 S1",
			"tag=new":                         "S0",
			"vendor=Acme":                     "S0 S3 S4",
			"vendor=B%C3%B6hm+%26+S%C3%B6hne": "S1",
			"group=g":                         "S0",
			"sku_prefix=S":                    "S0 S1 S2 S3 S4",
			"sku_prefix=%25":                  "",
			"sku_prefix=_":                    "",
			"vendor='+OR+1=1--":               "",
			"sku_prefix=s":                    "",
			"in_stock=true":                   "S0 S3",
			"in_stock=false":                  "S1 S2 S4",
			"currency=EUR&price_min=200":      "S2 S3 S4",
			"currency=EUR&price_min=100&price_max=200": "S1 S2",
			"currency=USD":                              "",
			"updated_since=2020-01-01T00:00:00Z":        "S0 S1 S2 S3 S4",
			"updated_since=2999-01-01T00:00:00%2B02:00": "",
			"sort=-created_at":                          "S4 S3 S2 S1 S0",
			"sort=name":                                 "S4 S3 S2 S1 S0",
			"sort=-price&currency=EUR":                  "S4 S3 S2 S1 S0",
			"sort=sku&vendor=Acme&status=draft":         "S4",
			"deleted=true":                              "",
			"deleted=false&limit=500":                   "S0 S1 S2 S3 S4",
			"limit=99999999999999999999999":             "S0 S1 S2 S3 S4",
		} {
			require.Equal(t, want, a.list(query).skus(), query)
		}

		for _, sort := range []string{"created_at", "-updated_at", "-name", "price", "sku"} {
			var all []string
			query := "limit=2&currency=EUR&sort=" + sort
			for p := a.list(query); ; p = a.list(query + "&cursor=" + url.QueryEscape(p.NextCursor)) {
				all = append(all, p.skus())
				if p.NextCursor == "" {
					break
				}
				require.Len(t, p.Items, 2)
			}
			require.Equal(t, a.list("currency=EUR&sort="+sort).skus(), strings.Join(all, " "))
		}

		withStock := a.list("include=stock&sort=sku&limit=1")
		require.Equal(t, &stockDoc{OnHand: 3, Available: 3}, withStock.Items[0].Stock)
		require.Nil(t, a.list("").Items[0].Stock)
	})
}

func TestEmptyListIsAList(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	for _, query := range []string{"", "?include=stock"} {
		require.Equal(t, `{"items":[]}`, string(a.do("GET", "/products"+query, "").is(200).body))
	}
}

func TestBadQueries(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.create("A")
	a.create("B")
	cursor := a.list("limit=1").NextCursor
	require.NotEmpty(t, cursor)
	for query, want := range map[string][]string{
		"color=red":                   {"color unknown"},
		"q=lamp":                      {"q unknown"},
		"count=true&fields=sku":       {"count unknown", "fields unknown"},
		"status=sold":                 nil,
		"sort=weight":                 nil,
		"sort=price":                  nil,
		"price_min=1":                 nil,
		"currency=euro":               nil,
		"limit=0":                     {"limit range"},
		"limit=-1":                    {"limit range"},
		"limit=-99999999999999999999": {"limit range"},
		"vendor=%ff&tag=%c3":          {"tag encoding", "vendor encoding"},
		"vendor=%00":                  {"vendor format"},
		"limit=ten":                   {"limit range"},
		"limit=1&limit=2":             {"limit duplicate"},
		"status=":                     {"status required"},
		"cursor=":                     {"cursor required"},
		"in_stock=yes":                {"in_stock format"},
		"deleted=1":                   {"deleted format"},
		"price_min=1.5&currency=EUR":  {"price_min format"},
		"updated_since=yesterday":     {"updated_since format"},
		"updated_since=2020-01-01T00:00:00+02:00": {"updated_since format"},
		"limit=x&in_stock=y&price_max=z":          {"in_stock format", "limit range", "price_max format"},
		"a;b":                                     nil,
		"%zz=1":                                   nil,
	} {
		r := a.do("GET", "/products?"+query, "")
		if want == nil {
			r.fails(400, "invalid-parameter")
		} else {
			r.fails(400, "invalid-parameter", want...)
		}
	}
	for _, bad := range []string{
		"limit=1&cursor=x", "limit=1&cursor=" + strings.Repeat("A", 5000), "cursor=" + cursor[:len(cursor)-2],
		"sort=name&cursor=" + cursor, "status=draft&cursor=" + cursor, "cursor=" + url.QueryEscape("'; DROP TABLE products;--"), "cursor=%00",
	} {
		a.do("GET", "/products?"+bad, "").fails(400, "bad-cursor")
	}
	require.Equal(t, "B", a.list("limit=50&cursor="+cursor).skus())
}

func TestLookup(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		first, _ := a.create("A", `"stock":2`)
		a.create("B")
		a.create("C")
		r := a.do("POST", "/products/lookup?include=stock", `{"ids":["`+first.ID+`","`+unknownID+`"],"skus":["C","A","b","`+unknownID+`"]}`).is(200)
		var p page
		r.json(&p)
		require.Equal(t, []map[string]any{{"id": unknownID}, {"sku": "b"}, {"sku": unknownID}}, p.Missing)
		require.Equal(t, &stockDoc{OnHand: 2, Available: 2}, p.Items[0].Stock)
		require.Contains(t, p.skus(), "A C")
		require.Equal(t, `{"items":[],"missing":[{"sku":"x"}]}`, string(a.do("POST", "/products/lookup", `{"skus":["x"]}`).is(200).body))

		many, err := json.Marshal(map[string]any{"skus": strings.Fields(numbered(201))})
		require.NoError(t, err)
		a.do("POST", "/products/lookup", string(many)).fails(422, "invalid", " too_many")
	})
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "S%d ", i)
	}
	return b.String()
}

func FuzzListQuery(f *testing.F) {
	a := newAPI(f, nil)
	a.create("A")
	a.create("B")
	for _, query := range []string{"limit=1", "limit=1&cursor=" + a.list("limit=1").NextCursor, "sort=-price&currency=EUR", "a;b", "%zz", "updated_since=2020-01-01T00:00:00Z", "vendor=%ff", "sku_prefix=%25_", "tag=%00"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		a := *a
		a.t = t
		u, err := url.Parse(a.url + "/products")
		require.NoError(t, err)
		u.RawQuery = query
		if _, err := url.Parse(u.String()); err != nil || strings.ContainsAny(query, "#\r\n \t") {
			t.Skip()
		}
		if r := a.do("GET", "/products?"+query, ""); r.status != 200 {
			r.is(400)
		}
	})
}
