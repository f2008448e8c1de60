package httpapi_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

type categoryDoc struct {
	Path     string        `json:"path"`
	Count    int           `json:"count"`
	Own      int           `json:"own"`
	Children []categoryDoc `json:"children"`
	More     bool          `json:"more"`
}

func TestCategoriesAreATreeWithCounts(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		a.do("GET", "/categories", "").is(200)
		for i, more := range []string{
			`"category":"apparel/shirts","status":"active"`,
			`"category":"apparel/shirts","status":"active","publish_at":"2999-01-01T00:00:00Z"`,
			`"category":"apparel","status":"active"`,
			`"category":"apparel/shirts/long & \"wide\""`,
			`"category":"apparel-old"`,
			`"vendor":"none"`,
		} {
			a.create(fmt.Sprint("S", i), more)
		}
		long := categoryDoc{Path: `apparel/shirts/long & "wide"`, Count: 1, Own: 1}
		shirts := categoryDoc{Path: "apparel/shirts", Count: 3, Own: 2, Children: []categoryDoc{long}}
		apparel := categoryDoc{Path: "apparel", Count: 4, Own: 1, Children: []categoryDoc{shirts}}
		for query, want := range map[string]categoryDoc{
			"":                                 {Count: 6, Own: 1, Children: []categoryDoc{apparel, {Path: "apparel-old", Count: 1, Own: 1}}},
			"?under=apparel/shirts&depth=1000": shirts,
			"?under=apparel&depth=1&status=active": {Path: "apparel", Count: 3, Own: 1, Children: []categoryDoc{
				{Path: "apparel/shirts", Count: 2, Own: 2}}},
			"?under=apparel&depth=1": {Path: "apparel", Count: 4, Own: 1, Children: []categoryDoc{
				{Path: "apparel/shirts", Count: 3, Own: 2, More: true}}},
			"?under=apparel/shirts&published=true":              {Path: "apparel/shirts", Count: 1, Own: 1},
			"?under=" + url.QueryEscape(`nothing`) + "&depth=2": {Path: "nothing"},
		} {
			var got categoryDoc
			a.do("GET", "/categories"+query, "").is(200).json(&got)
			require.Equal(t, want, got, query)
		}
		require.Equal(t, 4, a.list("category=apparel&count=true").Count.Value)
		a.do("GET", "/categories?depth=0", "").fails(400, "invalid-parameter", "depth range")
		a.do("GET", "/categories?under=/a&status=x", "").fails(400, "invalid-parameter", "status unknown", "under format")
		a.do("GET", "/categories?published=1&limit=3", "").fails(400, "invalid-parameter", "limit unknown")
		a.do("POST", "/categories", "{}").fails(405, "method-not-allowed")
	})
}
