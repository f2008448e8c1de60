package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

// batchDoc is the answer to a batch.
type batchDoc struct {
	Items []struct {
		Status   int        `json:"status"`
		ID       string     `json:"id"`
		ETag     string     `json:"etag"`
		Version  int64      `json:"version"`
		Stock    *stockDoc  `json:"stock"`
		Replayed bool       `json:"replayed"`
		Problem  problemDoc `json:"problem"`
	} `json:"items"`
	Failed int `json:"failed"`
}

func (r answer) batch() batchDoc {
	r.t.Helper()
	r.is(200)
	require.Equal(r.t, "application/json", r.header.Get("Content-Type"))
	var doc batchDoc
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.DisallowUnknownFields()
	require.NoError(r.t, d.Decode(&doc), "%s", r.body)
	return doc
}

// came returns each item's status, or the slug of its problem.
func (d batchDoc) came() []any {
	came := make([]any, len(d.Items))
	for i, item := range d.Items {
		came[i] = item.Status
		if item.Status >= 400 {
			_, came[i], _ = strings.Cut(item.Problem.Type, "#")
		}
	}
	return came
}

func items(ops ...string) string { return `{"items":[` + strings.Join(ops, ",") + `]}` }

const thing = `"name":"n","price":{"amount":1,"currency":"EUR"}`

func TestABatchAnswersEachOperation(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		old, etag := a.create("OLD", `"stock":3`)
		body := items(
			`{"op":"create","product":{"sku":"A",`+thing+`,"stock":5}}`,
			`{"op":"patch","sku":"A","patch":{"name":"later"}}`,
			`{"op":"stock","sku":"A","delta":-2,"reason":"order 1"}`,
			`{"op":"stock","sku":"A","delta":-4}`,
			`{"op":"stock","sku":"A","on_hand":40}`,
			`{"op":"upsert","product":{"sku":"B",`+thing+`},"if_none_match":"*"}`,
			`{"op":"upsert","product":{"sku":"B",`+thing+`}}`,
			`{"op":"upsert","product":{"sku":"B",`+thing+`},"if_none_match":"*"}`,
			`{"op":"create","product":{"sku":"C",`+thing+`,"barcode":"4006381333932"}}`,
			fmt.Sprintf(`{"op":"delete","id":"%s","if_match":%q}`, old.ID, etag),
			fmt.Sprintf(`{"op":"patch","id":"%s","patch":{}}`, old.ID),
			fmt.Sprintf(`{"op":"restore","id":"%s","if_match":%q}`, old.ID, etag),
			fmt.Sprintf(`{"op":"restore","id":"%s"}`, old.ID),
			`{"op":"patch","sku":"A","patch":{"version":1}}`,
		)
		want := []any{201, 200, 200, "insufficient-stock", 200, 201, 200, "precondition-failed", "invalid", 204, "not-found", "precondition-failed", 200, "read-only"}
		r := a.do("POST", "/products/batch", body, "Idempotency-Key", "k")
		doc := r.batch()
		require.Equal(t, want, doc.came(), "%s", r.body)
		require.Equal(t, 6, doc.Failed)
		require.Equal(t, []fieldError{{"barcode", "check_digit", doc.Items[8].Problem.Errors[0].Message}}, doc.Items[8].Problem.Errors)
		require.EqualValues(t, 3, *doc.Items[3].Problem.Available)
		require.EqualValues(t, 2, doc.Items[1].Version)
		require.Equal(t, &stockDoc{OnHand: 3, Available: 3}, doc.Items[2].Stock)
		for i, path := range map[int]string{1: "/skus/A", 4: "/products/" + doc.Items[0].ID + "/stock", 5: "/skus/B", 12: "/products/" + old.ID} {
			require.Equal(t, a.do("GET", path, "").is(200).etag(), doc.Items[i].ETag, "%d", i)
		}
		require.Empty(t, r.header.Get("Idempotency-Replayed"))

		again := a.do("POST", "/products/batch", body, "Idempotency-Key", "k").batch()
		for i, first := range doc.Items { // what was refused is decided anew
			require.Equal(t, first.Status < 400, again.Items[i].Replayed, "%d", i)
			if first.Status < 400 {
				require.Equal(t, first.ETag, again.Items[i].ETag, "%d", i)
			}
		}
		one := items(`{"op":"stock","sku":"A","delta":-1}`)
		a.do("POST", "/products/batch", one, "Idempotency-Key", "one").batch()
		require.Equal(t, "true", a.do("POST", "/products/batch", one, "Idempotency-Key", "one").is(200).header.Get("Idempotency-Replayed"))
		require.Equal(t, []any{"idempotency-key-reused"}, a.do("POST", "/products/batch", items(`{"op":"delete","sku":"A"}`), "Idempotency-Key", "one").batch().came())
	})
}

func TestAnAtomicBatchIsAllOrNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		a.create("A", `"stock":3`)
		create, sell := `{"op":"create","product":{"sku":"B",`+thing+`}}`, `{"op":"stock","sku":"A","delta":-2}`
		doc := a.do("POST", "/products/batch?atomic=true", items(create, sell, sell)).batch()
		require.Equal(t, []any{"not-applied", "not-applied", "insufficient-stock"}, doc.came())
		require.Equal(t, 2, *doc.Items[0].Problem.By)
		require.Equal(t, 424, doc.Items[0].Status)
		require.Equal(t, 3, doc.Failed)
		a.do("GET", "/skus/B", "").is(404)
		require.EqualValues(t, 3, a.do("GET", "/skus/A?include=stock", "").item().Stock.OnHand)

		require.Equal(t, []any{201, 200}, a.do("POST", "/products/batch?atomic=true", items(create, sell)).batch().came())
		require.Equal(t, []any{"sku-taken", 200}, a.do("POST", "/products/batch?atomic=false", items(create, `{"op":"stock","sku":"A","on_hand":1}`)).batch().came())
		a.do("POST", "/products/batch?atomic=maybe", items(create)).fails(400, "invalid-parameter", "atomic format")
	})
}

func TestABatchThatIsNotUnderstoodIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	good := `{"op":"create","product":{"sku":"GOOD",` + thing + `}}`
	for body, errs := range map[string][]string{
		`{}`:             {"items required"},
		`{"items":[]}`:   {"items required"},
		`{"items":{}}`:   {"items type"},
		`[]`:             {" type"},
		items(good, `7`): {"items[1] type"},
		items(good, `{"op":"create","product":{"sku":"","name":"n","price":{"amount":"1","currency":"EURO"},"colour":1}}`, `{"op":"upsert","product":{"sku":"x"}}`): {
			"items[1].product.price.amount type", "items[1].product.colour unknown", "items[2].product.price required",
			"items[1].product.sku required", "items[1].product.price.currency unknown", "items[2].product.name required"},
		items(`{"op":"drop"}`, `{}`, `{"op":7}`): {"items[0].op unknown", "items[1].op unknown", "items[2].op type"},
		items(`{"op":"create"}`, `{"op":"patch"}`, `{"op":"delete","id":"1"}`, `{"op":"restore","sku":"A"}`, `{"op":"stock","sku":""}`): {
			"items[0].product required", "items[1].patch required", "items[1].id required", "items[2].id format",
			"items[3].sku unknown", "items[3].id required", "items[4].sku required", "items[4].delta required"},
		items(`{"op":"delete","id":"`+unknownID+`","sku":"A"}`, `{"op":"stock","sku":"A","delta":1,"on_hand":2}`, `{"op":"delete","sku":"A","reason":"x"}`): {
			"items[0].sku mismatch", "items[1].on_hand mismatch", "items[2].reason unknown"},
		items(`{"op":"delete","sku":"A","if_match":"3"}`, `{"op":"delete","sku":"A","if_none_match":""}`): {"items[0].if_match format", "items[1].if_none_match format"},
	} {
		a.do("POST", "/products/batch", body).fails(422, "invalid", errs...)
	}
	a.do("POST", "/products/batch", items(`{"op":"delete","op":"delete","sku":"A"}`)).fails(400, "malformed-body")
	many := strings.Repeat(`{"op":"delete","sku":"A"},`, product.MaxBatch)
	a.do("POST", "/products/batch", items(many+good)).fails(422, "invalid", "items too_many")
	a.do("GET", "/skus/GOOD", "").is(404)
	a.do("GET", "/products/batch", "").fails(405, "method-not-allowed")
	a.do("PUT", "/products/batch", "{}").fails(405, "method-not-allowed")
}

func TestABatchObservesRequiredPreconditions(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{RequirePrecondition: true})
	_, etag := a.create("A", `"stock":1`)
	a.do("POST", "/products/batch", items(`{"op":"create","product":{"sku":"B",`+thing+`}}`, `{"op":"delete","sku":"A"}`, `{"op":"stock","sku":"A","on_hand":4}`)).
		fails(428, "precondition-required", "items[1].if_match required", "items[2].if_match required")
	doc := a.do("POST", "/products/batch", items(`{"op":"stock","sku":"A","delta":1}`, fmt.Sprintf(`{"op":"delete","sku":"A","if_match":%q}`, etag))).batch()
	require.Equal(t, []any{200, 204}, doc.came())
}

// As many operations as there may be, in as big a body as there may be.
func TestTheBiggestBatchIsApplied(t *testing.T) {
	t.Parallel()
	svc := storetest.NewService(t, sqliteStore(t), &product.Options{BatchTimeout: time.Minute})
	h, err := httpapi.NewHandler(svc, &httpapi.Options{Timeout: -1})
	require.NoError(t, err)
	a := serve(t, svc, h, "")
	a.client.Timeout = time.Minute

	ops := make([]string, product.MaxBatch)
	for i := range ops {
		ops[i] = fmt.Sprintf(`{"op":"create","product":{"sku":"S-%d",%s,"description":"%s"}}`, i, thing, strings.Repeat("d", 940))
	}
	body := items(ops...)
	require.Less(t, len(body), 1<<20)
	require.Greater(t, len(body), 1<<20-1<<15)
	doc := a.do("POST", "/products/batch?atomic=true", body).batch()
	require.Zero(t, doc.Failed)
	require.Len(t, doc.Items, product.MaxBatch)
}

func TestABatchTellsTheOperatorOnceWhatFailed(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	a := serveStore(t, failing{product.ErrUnavailable}, &httpapi.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	sell := fmt.Sprintf(`{"op":"stock","id":%q,"delta":-1}`, unknownID)
	doc := a.do("POST", "/products/batch", items(sell, sell, sell)).batch()
	require.Equal(t, []any{"unavailable", "unavailable", "unavailable"}, doc.came())
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	a.do("POST", "/products/batch?atomic=true", items(sell, sell)).fails(503, "unavailable")
}

func TestAGroupIsPatchedAsOne(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		const group = "a/b &c"
		path := "/groups/" + url.PathEscape(group)
		small, _ := a.create("S", `"group":"`+group+`","options":{"Size":"S"}`)
		large, _ := a.create("L", `"group":"`+group+`","options":{"Size":"L"}`)
		patch := `{"vendor":"Acme"}`
		r := a.do("PATCH", path, patch, "Idempotency-Key", "k", "Content-Type", "application/merge-patch+json").is(200)
		var page struct{ Items []item }
		r.json(&page)
		require.Len(t, page.Items, 2)
		for i, id := range []string{small.ID, large.ID} {
			require.Equal(t, page.Items[i], a.do("GET", "/products/"+id, "").is(200).item())
			require.Equal(t, "Acme", page.Items[i].Vendor)
		}
		again := a.do("PATCH", path, patch, "Idempotency-Key", "k").is(200)
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		require.Equal(t, string(r.body), string(again.body))

		p := a.do("PATCH", path, `{"options":null}`).fails(409, "options-taken", "options taken")
		require.Equal(t, []string{large.ID, small.ID}, []string{p.Variant, p.Product})
		p = a.do("PATCH", path, `{"price":{"amount":-1}}`).fails(422, "invalid", "price.amount range")
		require.Equal(t, small.ID, p.Variant)
		p = a.do("PATCH", path, `{"version":7}`).fails(422, "read-only", "version read_only")
		require.Equal(t, small.ID, p.Variant)
		a.do("PATCH", path, `{"sku":"X"}`).fails(422, "read-only", "sku read_only")
		a.do("PATCH", "/groups/socks", patch).fails(404, "not-found")
		a.do("GET", path, "").fails(405, "method-not-allowed")
	})
}
