package bench

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/stretchr/testify/require"
)

// farPage is which page of 20 is far in.
func farPage() int { return min(10_000, *bulkRows/20) }

// deep is what a page far in costs against the first, in ms of one client among eight.
func (l *lab) deep() (float64, float64) {
	c := l.big().ours
	return l.cost(c, asked("limit=20")), l.cost(c, asked("limit=20"+l.behind(c, (farPage()-1)*20)))
}

// grown is what pages cost among all products, against a hundredth of them.
func (l *lab) grown(script string) func() (float64, float64) {
	return func() (float64, float64) { return l.cost(l.little().ours, script), l.cost(l.big().ours, script) }
}

func asked(query string) string {
	return fmt.Sprintf(`return wrk.format("GET", "/v1/products?%s")`, query)
}

func (l *lab) cost(c contender, script string) float64 {
	const clients = 8
	return clients * 1000 / l.load(c, script, clients).rate
}

// behind is the parameter that continues the list behind so many products. It walks there, as a client does.
func (l *lab) behind(c contender, products int) (cursor string) {
	for products > 0 {
		limit := min(products, 200)
		status, _, body := l.ask(c, fmt.Sprintf("/v1/products?limit=%d%s", limit, cursor), nil)
		require.Equal(l, http.StatusOK, status, body)
		var page struct {
			Items []struct{} `json:"items"`
			Next  string     `json:"next_cursor"`
		}
		require.NoError(l, json.Unmarshal([]byte(body), &page))
		require.Len(l, page.Items, limit)
		cursor, products = "&cursor="+page.Next, products-limit
	}
	return cursor
}
