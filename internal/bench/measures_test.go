package bench

import "fmt"

// measure is one row of issue 7's table: what is asked, by how many clients, and what the ratio of ours
// to by hand must be.
type measure struct {
	name    string
	clients int
	script  string // the body of wrk's request()
	op      string // ≥ of requests a second, or ≤ of the 99th percentile of latency
	bar     float64
	small   bool // also in the small tier
}

const (
	get   = `return wrk.format("GET", "/v1/products/" .. ids[math.random(#ids)])`
	list  = `return wrk.format("GET", "/v1/products?category=apparel%2F" .. math.random(0, 19) .. "&limit=20")`
	post  = `n = n + 1; return wrk.format("POST", "/v1/products", json, '{"sku":"' .. run .. "-" .. n .. '","name":"A lamp for the table","price":{"amount":1999,"currency":"EUR"},"category":"apparel/1","tags":["men","new"],"vendor":"Acme"}')`
	sell  = `return wrk.format("POST", "/v1/products/" .. ids[math.random(#ids)] .. "/stock", json, '{"delta":-1}')`
	one   = `return wrk.format("POST", "/v1/products/" .. ids[1] .. "/stock", json, '{"delta":-1}')`
	mixed = `local k = math.random(100); if k <= 90 then ` + get + ` elseif k <= 98 then ` + list + ` else ` + sell + ` end`
)

func measures() []measure {
	rows := []measure{
		{name: "GET one", clients: 32, script: get, bar: 1.8, small: true},
		{name: "GET one", clients: 128, script: get, bar: 2.5},
		{name: "GET one", clients: 512, script: get, bar: 3.0},
		{name: "GET one", clients: 1, script: get, bar: 0.9},
		{name: "GET one", clients: 8, script: get, bar: 0.9},
		{name: "GET one: p99", clients: 1, script: get, op: "≤", bar: 1.2},
		{name: "GET one: p99", clients: 8, script: get, op: "≤", bar: 1.2},
		{name: "list of 20 by category", clients: 64, script: list, bar: 1.3},
		{name: "POST", clients: 32, script: post, bar: 1.5},
		{name: "POST", clients: 128, script: post, bar: 3.0, small: true},
		{name: "stock -1 on random products", clients: 128, script: sell, bar: 2.0},
		{name: "stock -1 on one product", clients: 128, script: one, bar: 4.0},
		{name: "mixed, 90 get, 8 list, 2 stock: p99", clients: 128, script: mixed, op: "≤", bar: 0.5},
	}
	for i := range rows {
		if rows[i].op == "" {
			rows[i].op = "≥"
		}
		rows[i].name += fmt.Sprintf(", %d clients", rows[i].clients)
	}
	return rows
}
