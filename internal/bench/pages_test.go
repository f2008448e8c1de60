package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
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
		limit := min(products, product.MaxLimit)
		p := l.page(c, fmt.Sprintf("limit=%d%s", limit, cursor))
		require.Len(l, p.Items, limit)
		cursor, products = "&cursor="+p.Next, products-limit
	}
	return cursor
}

// withPages has both asked for pages of 20 by category where a walk of at most 25 steps comes by, the
// same of both.
func (l *lab) withPages(p pair) pair {
	const categories, steps = 20, 25
	var byHand, ours []string
	step := min(max(*products/categories/steps, 20), product.MaxLimit)
	for n := range categories {
		query := fmt.Sprintf("category=apparel%%2F%d&limit=", n)
		byHand, ours = append(byHand, query+"20"), append(ours, query+"20")
		at := l.page(p.ours, query+strconv.Itoa(step))
		for range steps - 1 {
			if at.Next == "" {
				break
			}
			byHand = append(byHand, query+"20&after="+at.Items[len(at.Items)-1].ID)
			ours = append(ours, query+"20&cursor="+at.Next)
			at = l.page(p.ours, query+strconv.Itoa(step)+"&cursor="+at.Next)
		}
		if last := len(ours) - 1; n == 0 {
			require.Equal(l, l.page(p.ours, ours[last]).Items, l.page(p.byHand, byHand[last]).Items)
		}
	}
	p.byHand.pages, p.ours.pages = l.listed(byHand), l.listed(ours)
	return p
}

// page is a page of a list.
type page struct {
	Items []struct{ ID, Name string }
	Next  string `json:"next_cursor"`
}

func (l *lab) page(c contender, query string) (p page) {
	status, _, body := l.ask(c, "/v1/products?"+query, nil)
	require.Equal(l, http.StatusOK, status, body)
	require.NoError(l, json.Unmarshal([]byte(body), &p))
	return p
}
