package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

type page struct {
	Items      []item           `json:"items"`
	NextCursor string           `json:"next_cursor"`
	Missing    []map[string]any `json:"missing"`
	Count      *struct {
		Value     int    `json:"value"`
		Precision string `json:"precision"`
	} `json:"count"`
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
			"published=true":                            "S0 S1",
			"published=false":                           "S2 S3 S4",
			"sort=updated_at":                           "S0 S1 S2 S3 S4",
			"q=N%C3%84ME+c":                             "S2",
			"q=s%C3%B6hne":                              "S1",
			"q=name&vendor=Acme&sort=-created_at":       "S4 S3 S0",
			"q=s3&in_stock=true":                        "S3",
			"q=drill+(":                                 "",
			"q=%ff%00%22":                               "",
			"sort=-updated_at":                          "S4 S3 S2 S1 S0",
			"sort=-name":                                "S0 S1 S2 S3 S4",
			"sort=price&currency=EUR":                   "S0 S1 S2 S3 S4",
		} {
			got := a.list(query + "&count=true")
			require.Equal(t, want, got.skus(), query)
			require.Equal(t, len(strings.Fields(want)), got.Count.Value, query)
			require.Equal(t, "exact", got.Count.Precision, query)
		}
		require.Equal(t, 5, a.list("limit=2&count=true").Count.Value, "of all pages")
		require.Nil(t, a.list("count=false").Count)

		for _, sort := range product.Sorts() {
			var all []string
			query := "limit=2&currency=EUR&sort=" + string(sort)
			for p := a.list(query); ; p = a.list(query + "&cursor=" + url.QueryEscape(p.NextCursor)) {
				all = append(all, p.skus())
				if p.NextCursor == "" {
					break
				}
				require.Len(t, p.Items, 2)
			}
			require.Equal(t, a.list("currency=EUR&sort="+string(sort)).skus(), strings.Join(all, " "))
		}

		withStock := a.list("include=stock&sort=sku&limit=1")
		require.Equal(t, &stockDoc{OnHand: 3, Available: 3}, withStock.Items[0].Stock)
		require.Nil(t, a.list("").Items[0].Stock)
	})
}

func TestDeletedProductsAreListedAndHaveAHistory(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		p, _ := a.create("A", `"stock":2`)
		a.create("B")
		a.do("PATCH", "/products/"+p.ID, `{"name":"Lamp","vendor":"Acme","publish_at":"2026-01-02T03:04:05+01:00"}`).is(200)
		a.do("POST", "/products/"+p.ID+"/stock", `{"delta":-1,"reason":"order 1"}`).is(200)
		a.do("DELETE", "/products/"+p.ID, "").is(204)
		require.Equal(t, "A", a.list("deleted=true").skus())
		require.Equal(t, "A", a.list("deleted=true&sort=sku&include=stock").skus())
		require.NotEmpty(t, a.list("deleted=true").Items[0].DeletedAt)
		require.Equal(t, "B", a.list("").skus())

		type change struct {
			Kind    string
			Version int64
			At      string
			Reason  string
			Fields  []product.FieldChange
		}
		var doc struct {
			Items      []change
			NextCursor string `json:"next_cursor"`
		}
		a.do("GET", "/products/"+p.ID+"/history", "").is(200).json(&doc)
		whole := doc.Items
		var got []string
		for _, c := range whole {
			require.NotEmpty(t, c.At)
			got = append(got, fmt.Sprint(c.Kind, " ", c.Version))
			for _, f := range c.Fields {
				got = append(got, fmt.Sprintf("%s %s %s", f.Field, f.Before, f.After))
			}
		}
		require.Equal(t, []string{"created 1", "updated 2", `name "Thing A" "Lamp"`, `publish_at  "2026-01-02T02:04:05.000000Z"`, `vendor  "Acme"`,
			"deleted 3", "stock 1", "on_hand 0 2", "stock 2", "on_hand 2 1"}, got)
		require.Equal(t, "order 1", whole[4].Reason)

		var paged []change
		for cursor := ""; ; cursor = "&cursor=" + doc.NextCursor {
			doc.Items, doc.NextCursor = nil, ""
			a.do("GET", "/products/"+p.ID+"/history?limit=2"+cursor, "").is(200).json(&doc)
			paged = append(paged, doc.Items...)
			if doc.NextCursor == "" {
				break
			}
		}
		require.Equal(t, whole, paged)
	})
}

func TestBadHistories(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	p, _ := a.create("A")
	list := a.list("limit=1")
	a.do("GET", "/products/"+unknownID+"/history", "").fails(404, "not-found")
	a.do("GET", "/products/x/history", "").fails(404, "not-found")
	a.do("GET", "/products/"+p.ID+"/history?limit=0", "").fails(400, "invalid-parameter", "limit range")
	a.do("GET", "/products/"+p.ID+"/history?sort=version", "").fails(400, "invalid-parameter", "sort unknown")
	for _, cursor := range []string{"x", "AAAA", "%00", list.NextCursor + "x", "AgGQpdJ8HnAAgAAAAAAAAAEAAg"} {
		a.do("GET", "/products/"+p.ID+"/history?cursor="+cursor, "").fails(400, "bad-cursor")
	}
	a.do("POST", "/products/"+p.ID+"/history", "").fails(405, "method-not-allowed")
}

func TestFieldsSelectMembersAndLeaveTheTagAlone(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	p, tag := a.create("A", `"stock":2,"vendor":"Acme"`)
	for query, want := range map[string]string{
		"fields=id":                          `{"id":"` + p.ID + `"}`,
		"fields=vendor,sku":                  `{"id":"` + p.ID + `","sku":"A","vendor":"Acme"}`,
		"fields=sku,sku,barcode":             `{"id":"` + p.ID + `","sku":"A"}`,
		"fields=version,price&include=stock": `{"id":"` + p.ID + `","price":{"amount":1999,"currency":"EUR"},"version":1,"stock":{"on_hand":2,"reserved":0,"available":2}}`,
	} {
		one := a.do("GET", "/products/"+p.ID+"?"+query, "").is(200)
		require.Equal(t, want, string(one.body))
		require.Equal(t, want, string(a.do("GET", "/skus/A?"+query, "").is(200).body))
		require.Equal(t, `{"items":[`+want+`]}`, string(a.do("GET", "/products?"+query, "").is(200).body))
		require.Equal(t, `{"items":[`+want+`],"missing":[]}`, string(a.do("POST", "/products/lookup?"+query, `{"skus":["A"]}`).is(200).body))
		if !strings.Contains(query, "include") {
			require.Equal(t, tag, one.etag())
		}
		a.do("GET", "/products/"+p.ID+"?"+query, "", "If-None-Match", one.etag()).is(304)
	}
	r := a.do("GET", "/products/"+p.ID+"?fields=colour", "").fails(400, "invalid-parameter", "fields unknown")
	require.Contains(t, r.Errors[0].Message, "weight_grams")
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
		"count=1&fields=sku":          {"count format"},
		"fields=sku,colour&x=1":       {"fields unknown", "x unknown"},
		"fields=sku,colour":           {"fields unknown"},
		"fields=sku,":                 {"fields unknown"},
		"fields=stock":                {"fields unknown"},
		"fields=SKU":                  {"fields unknown"},
		"include=history&fields=x":    {"fields unknown", "include unknown"},
		"published=yes":               {"published format"},
		"published=true&deleted=true": {"published mismatch"},
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
