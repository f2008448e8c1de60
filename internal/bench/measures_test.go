package bench

import "fmt"

// What wrk asks, as the body of its request().
const (
	get   = `return gets[math.random(#gets)]`
	match = `return matches[math.random(#matches)]`
	list  = `return lists[math.random(#lists)]`
	post  = `n = n + 1; return wrk.format("POST", "/v1/products", json, '{"sku":"' .. run .. "-" .. n .. '","name":"A lamp for the table","price":{"amount":1999,"currency":"EUR"},"category":"apparel/1","tags":["men","new"],"vendor":"Acme"}')`
	sell  = `return sells[math.random(#sells)]`
	one   = `return sells[1]`
	mixed = `local k = math.random(100); if k <= 90 then ` + get + ` elseif k <= 98 then ` + list + ` else ` + sell + ` end`
)

// prepared are the requests that these take from tables. They are made before the clock starts, for the
// generator to need little of the processors that it shares with the servers.
var prepared = map[string]string{
	"gets":    `for i, id in ipairs(ids) do gets[i] = wrk.format("GET", "/v1/products/" .. id) end`,
	"matches": `for i, id in ipairs(ids) do matches[i] = wrk.format("GET", "/v1/products/" .. id, {["If-None-Match"] = '"' .. id .. '.1"'}) end`,
	"lists":   `for i, page in ipairs(pages) do lists[i] = wrk.format("GET", "/v1/products?" .. page) end`,
	"sells":   `for i, id in ipairs(ids) do sells[i] = wrk.format("POST", "/v1/products/" .. id .. "/stock", json, '{"delta":-1}') end`,
}

func measures(l *lab) []measure {
	return []measure{
		l.rate(l.near, "GET one", get, 32, 1.8),
		l.rate(l.near, "GET one", get, 128, 2.5),
		l.rate(l.near, "GET one", get, 512, 3.0),
		l.rate(l.near, "GET one", get, 1, 0.9),
		l.rate(l.near, "GET one", get, 8, 0.9),
		l.p99(l.near, "GET one", get, 1, 1.2),
		l.p99(l.near, "GET one", get, 8, 1.2),
		{"GET that matches, of our GET, 32 clients", atLeast(1.2), l.matching},
		l.rate(l.far, "GET one, 1 ms away", get, 128, 1.5),
		{"GET one: p99 beside a search of 2 s, of undisturbed", atMost(2), l.besideSlow},
		l.rate(l.near, "list of 20 by category", list, 64, 1.3),
		l.rate(l.near, "POST", post, 32, 1.5),
		l.rate(l.near, "POST", post, 128, 3.0),
		l.rate(l.near, "stock -1 on random products", sell, 128, 2.0),
		l.rate(l.near, "stock -1 on one product", one, 128, 4.0),
		l.p99(l.near, "mixed, 90 get, 8 list, 2 stock", mixed, 128, 0.5),
		{"overload, 4 x capacity: goodput, of capacity", atLeast(0.9), l.goodput},
		{"overload, 4 x capacity: p99 of successes", within(500, "ms"), l.overloaded},
		l.rate(l.embedded, "SQLite: GET one", get, 32, 1.0),
		l.rate(l.embedded, "SQLite: POST", post, 32, 3.0),
		l.rate(l.embedded, "SQLite: list of 20 by category", list, 64, 1.0),
		{"memory at rest", within(40, "MB"), l.atRest},
		{"memory at 512 clients", within(120, "MB"), l.memoryAt(512)},
		{"memory of an import and an export", within(120, "MB"), l.memoryOfBulk},
		{"OS threads at 1,000 clients", within(20, "threads"), l.threadsAt(1000)},
		{"import, rows/s", atLeast(0.4), l.importing},
		{"export, rows/s", atLeast(0.5), l.exporting},
		{fmt.Sprintf("list: ms for page %d, of page 1", farPage()), atMost(1.2), l.deep},
		{fmt.Sprintf("list: ms at %d products, of %d", *bulkRows, *bulkRows/100), atMost(1.2), l.grown(asked("limit=20"))},
		{fmt.Sprintf("list by category: ms at %d products, of %d", *bulkRows, *bulkRows/100), atMost(1.2), l.grown(asked("limit=20&category=apparel%2F7"))},
	}
}

// rate is how many requests a second so many clients get through.
func (l *lab) rate(on func() pair, name, script string, clients int, bar float64) measure {
	return measure{fmt.Sprintf("%s, %d clients", name, clients), atLeast(bar), func() (float64, float64) {
		p := on()
		return l.load(p.byHand, script, clients).rate, l.load(p.ours, script, clients).rate
	}}
}

// p99 is the 99th percentile of what so many clients wait, in ms.
func (l *lab) p99(on func() pair, name, script string, clients int, bar float64) measure {
	return measure{fmt.Sprintf("%s: p99, %d clients", name, clients), atMost(bar), func() (float64, float64) {
		p := on()
		return l.load(p.byHand, script, clients).p99, l.load(p.ours, script, clients).p99
	}}
}

// matching is what clients get who have the product already, against those who have not.
func (l *lab) matching() (float64, float64) {
	p := l.near()
	l.showsMatch(p.ours)
	return l.load(p.ours, get, 32).rate, l.load(p.ours, match, 32).rate
}
