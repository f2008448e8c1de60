package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

// changePage is an answer of GET /changes.
type changePage struct {
	Items []changeDoc `json:"items"`
	Next  int64       `json:"next"`
}

type changeDoc struct {
	Seq       int64  `json:"seq"`
	ID        string `json:"id"`
	ProductID string `json:"product_id"`
	SKU       string `json:"sku"`
	Kind      string `json:"kind"`
	Version   int64  `json:"version"`
	At        string `json:"at"`
	Actor     string `json:"actor"`
	Reason    string `json:"reason"`
	Fields    []struct {
		Field         string
		Before, After json.RawMessage
	} `json:"fields"`
}

func (a *api) changes(query string) changePage {
	a.t.Helper()
	var page changePage
	a.do("GET", "/changes"+query, "").is(200).json(&page)
	return page
}

// prune lets all positions expire that there are.
func (a *api) prune(store product.Store) {
	a.t.Helper()
	_, err := a.svc.Changes(a.t.Context(), 0, 1)
	require.NoError(a.t, err)
	_, err = store.PruneChanges(a.t.Context(), time.Now().Add(time.Hour))
	require.NoError(a.t, err)
}

func TestChangesArePaged(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		require.Equal(t, changePage{Items: []changeDoc{}}, a.changes(""))
		p, _ := a.create("A", `"stock":5`)
		a.do("POST", "/products/"+p.ID+"/stock", `{"delta":-2,"reason":"order 1"}`).is(200)
		a.do("PATCH", "/products/"+p.ID, `{"name":"New"}`, "Content-Type", "application/merge-patch+json").is(200)

		page := a.changes("?limit=1")
		require.Len(t, page.Items, 1)
		require.EqualValues(t, 1, page.Next)
		page = a.changes("?after=1&limit=9999")
		require.EqualValues(t, 4, page.Next)
		require.Len(t, page.Items, 3)
		sold := page.Items[1]
		require.Equal(t, "order 1", sold.Reason)
		require.Equal(t, []any{int64(3), p.ID, "A", "stock", int64(2)}, []any{sold.Seq, sold.ProductID, sold.SKU, sold.Kind, sold.Version})
		require.Equal(t, "name", page.Items[2].Fields[0].Field)
		require.Equal(t, `"New"`, string(page.Items[2].Fields[0].After))
		require.Equal(t, changePage{Items: []changeDoc{}, Next: 4}, a.changes("?after=4"))
	})
}

func TestChangesRefuseWhatTheyCannotServe(t *testing.T) {
	t.Parallel()
	store := sqliteStore(t)
	a := serveStore(t, store, nil)
	a.create("A")
	for query, faults := range map[string][]string{
		"?after=-1": {"after format"},
		"?after=x":  {"after format"},
		"?after=2":  {"after range"},
		"?limit=0":  {"limit range"},
		"?wait=5":   {"wait format"},
		"?wait=-5s": {"wait format"},
		"?cursor=x": {"cursor unknown"},
	} {
		a.do("GET", "/changes"+query, "").fails(400, "invalid-parameter", faults...)
	}
	a.do("GET", "/changes", "", "Accept", "text/event-stream", "Last-Event-ID", "x").fails(400, "invalid-header")
	a.do("GET", "/changes", "", "Accept", "text/event-stream", "Last-Event-ID", "7").fails(400, "invalid-parameter", "after range")
	require.Equal(t, "GET, HEAD, OPTIONS", a.do("POST", "/changes", "{}").is(405).header.Get("Allow"))

	a.prune(store)
	a.create("B")
	a.changes("?after=1") // numbers it
	for _, accept := range []string{"application/json", "text/event-stream"} {
		p := a.do("GET", "/changes?after=0", "", "Accept", accept).fails(410, "changes-expired")
		require.EqualValues(t, 1, *p.Oldest)
		require.EqualValues(t, 2, *p.Newest)
	}
}

func TestChangesComeInTheMediaTypeThatIsAccepted(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	for accept, want := range map[string]string{
		"":                                    "application/json",
		"*/*":                                 "application/json",
		"application/json":                    "application/json",
		"application/*;q=0.5":                 "application/json",
		"text/event-stream":                   "text/event-stream",
		"text/event-stream, */*":              "text/event-stream",
		"text/*":                              "text/event-stream",
		"TEXT/Event-Stream;q=0.9, text/html":  "text/event-stream",
		"text/event-stream;q=0.5, */*":        "application/json",
		"text/event-stream;q=0, */*":          "application/json",
		"application/json;q=0, text/*;q=0.1":  "text/event-stream",
		"text/html":                           "",
		"text/event-stream;q=0":               "",
		"application/json;q=0":                "",
		"application/xml, application/msword": "",
	} {
		r := a.do("HEAD", "/changes", "", "Accept", accept)
		require.Equal(t, "Accept", r.header.Get("Vary"), accept)
		if want == "" {
			require.Equal(t, 406, r.status, accept)
			a.do("GET", "/changes", "", "Accept", accept).fails(406, "not-acceptable")
			continue
		}
		require.Equal(t, 200, r.status, accept)
		require.Equal(t, want, r.header.Get("Content-Type"), accept)
		require.Equal(t, "no-store", r.header.Get("Cache-Control"))
		require.Empty(t, r.body)
	}
}

func TestALongPollIsAnsweredByTheFirstChange(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{Timeout: time.Millisecond * 50}) // which is not for waiting
	for i := range 5 {
		answer := make(chan changePage)
		go func() { answer <- a.changes(fmt.Sprintf("?after=%d&wait=1h", i)) }()
		_, err := a.svc.Create(t.Context(), product.Draft{Product: product.Product{
			SKU: fmt.Sprint("P", i), Name: "P", Price: product.Money{Amount: 1, Currency: "EUR"}}})
		require.NoError(t, err)
		page := <-answer
		require.Len(t, page.Items, 1)
		require.Equal(t, fmt.Sprint("P", i), page.Items[0].SKU)
	}
	require.Equal(t, changePage{Items: []changeDoc{}, Next: 5}, a.changes("?after=5&wait=60ms"))
	a.do("HEAD", "/changes?after=5&wait=1h", "").is(200)
	require.Equal(t, changePage{Items: []changeDoc{}, Next: 5},
		serveStore(t, sqliteStoreOf(t, a), &httpapi.Options{MaxWait: 10 * time.Millisecond}).changes("?after=5&wait=1h"))
}

func TestWaitingHasALaneOfItsOwn(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{MaxFollowers: 1, MaxReads: 1})
	p, _ := a.create("A")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := a.stream(ctx, "")
	s.next("retry")
	r := a.do("GET", "/changes", "")
	r.fails(503, "overloaded")
	require.Equal(t, "1", r.header.Get("Retry-After"))
	a.do("GET", "/products/"+p.ID, "").is(200)
}

func TestWaitingEndsWhenTheHandlerDrainsAndWhenTheServiceCloses(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(h *httpapi.Handler, svc *product.Service){
		"drain": func(h *httpapi.Handler, _ *product.Service) { h.Drain() },
		"close": func(_ *httpapi.Handler, svc *product.Service) { _ = svc.Close(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := product.NewService(sqliteStore(t), nil)
			defer func() { _ = svc.Close(context.Background()) }()
			h, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: "/v1"})
			require.NoError(t, err)
			a := serve(t, svc, h, "/v1")
			s := a.stream(t.Context(), "")
			s.next("retry")
			polled := make(chan answer)
			go func() { polled <- a.do("GET", "/changes?wait=1h", "") }()
			end(h, svc)
			event := s.next("end")
			require.Contains(t, event.data, `#shutting-down"`)
			require.Contains(t, event.data, `"status":503`)
			s.ends()
			r := <-polled
			if name == "drain" {
				require.Equal(t, 200, r.status)
				a.create("P") // everything else goes on
				require.Len(t, a.changes("?wait=1h").Items, 1)
			} else {
				r.fails(503, "shutting-down")
			}
		})
	}
}

// sent is a server-sent event, or a comment.
type sent struct{ id, name, data string }

// events reads a stream.
type events struct {
	t      testing.TB
	res    *http.Response
	reader *bufio.Reader
}

func (a *api) stream(ctx context.Context, query string, headers ...string) *events {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	a.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", a.url+"/changes"+query, nil)
	require.NoError(a.t, err)
	req.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := a.client.Do(req)
	require.NoError(a.t, err)
	a.t.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(a.t, 200, res.StatusCode)
	require.Equal(a.t, "text/event-stream", res.Header.Get("Content-Type"))
	return &events{a.t, res, bufio.NewReader(res.Body)}
}

// next reads events up to one of this name; comments are called comment.
func (s *events) next(name string) sent {
	s.t.Helper()
	for {
		var e sent
		for {
			line, err := s.reader.ReadString('\n')
			require.NoError(s.t, err, "waiting for %s", name)
			line = strings.TrimSuffix(line, "\n")
			if line == "" {
				break
			}
			field, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch field {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data += value
			case "retry":
				e.name = "retry"
			case "":
				e.name = "comment"
			}
		}
		if e.name == name {
			return e
		}
	}
}

// ends wants the stream to be ended properly.
func (s *events) ends() {
	s.t.Helper()
	rest, err := s.reader.ReadString(0)
	require.Empty(s.t, rest)
	require.EqualError(s.t, err, "EOF")
}

// sqliteStoreOf returns a store with as many changes as a has.
func sqliteStoreOf(t testing.TB, a *api) product.Store {
	store := sqliteStore(t)
	copied := serveStore(t, store, nil)
	for _, c := range a.changes("").Items {
		copied.create(c.SKU)
	}
	copied.changes("")
	return store
}

// logged is a middleware that hides everything but Unwrap.
type logged struct{ http.ResponseWriter }

func (l logged) Unwrap() http.ResponseWriter { return l.ResponseWriter }

func TestAStreamTellsChangesAsTheyCome(t *testing.T) {
	t.Parallel()
	svc := product.NewService(sqliteStore(t), nil)
	h, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: "/v1", Timeout: 20 * time.Millisecond, Heartbeat: 20 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { _ = svc.Close(context.Background()) })
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(logged{w}, r) }))
	server.Config.ReadTimeout, server.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(h.Drain)
	a := &api{t: t, url: server.URL + "/v1", client: server.Client(), svc: svc}
	make := func(sku string) {
		_, err := svc.Create(t.Context(), product.Draft{Product: product.Product{SKU: sku, Name: "P", Description: "two\nlines", Price: product.Money{Amount: 1, Currency: "EUR"}}})
		require.NoError(t, err)
	}
	make("A")
	make("B")
	_, err = svc.Changes(t.Context(), 0, 10) // nobody knows a position before the feed was read
	require.NoError(t, err)
	s := a.stream(t.Context(), "?after=1")
	for i, sku := range []string{"B", "C", "D"} {
		if sku != "B" {
			for range 8 { // longer than every timeout of the server
				s.next("comment")
			}
			make(sku)
		}
		e := s.next("change")
		var c changeDoc
		require.NoError(t, json.Unmarshal([]byte(e.data), &c))
		require.Equal(t, sku, c.SKU)
		require.EqualValues(t, i+2, c.Seq)
		require.Equal(t, fmt.Sprint(i+2), e.id)
	}
	require.NoError(t, s.res.Body.Close())

	s = a.stream(t.Context(), "?after=1", "Last-Event-ID", "3") // as a browser comes back
	require.Equal(t, "4", s.next("change").id)
}

func TestAClientThatTakesNothingIsCut(t *testing.T) {
	t.Parallel()
	store := sqliteStore(t)
	a := serveStore(t, store, &httpapi.Options{FollowIdle: 2 * time.Second, MaxFollowers: 1})
	server := strings.TrimPrefix(strings.TrimSuffix(a.url, "/v1"), "http://")
	conn, err := net.Dial("tcp", server)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(4096))
	text := strings.Repeat("x", 60_000)
	for i := range 100 { // more than sockets buffer
		_, err := a.svc.Create(t.Context(), product.Draft{Product: product.Product{SKU: fmt.Sprint(i), Name: "P", Description: "1" + text, Price: product.Money{Amount: 1, Currency: "EUR"}}})
		require.NoError(t, err)
	}
	page, err := a.svc.List(t.Context(), product.Query{Limit: product.MaxLimit})
	require.NoError(t, err)
	for _, p := range page.Items {
		other := "2" + text
		_, err := a.svc.Update(t.Context(), p.ID, product.Patch{Description: &other}, product.Expect{})
		require.NoError(t, err)
	}
	_, err = fmt.Fprintf(conn, "GET /v1/changes HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
	require.NoError(t, err)
	full := func() bool { return a.do("GET", "/changes?after=200", "").status == 503 }
	require.Eventually(t, full, 30*time.Second, time.Millisecond, "the stream has the only place")
	require.Eventually(t, func() bool { return !full() }, 30*time.Second, 10*time.Millisecond, "and has lost it")
}

func TestAStreamWhosePositionExpiresSaysSo(t *testing.T) {
	t.Parallel()
	store := &expiringStore{Store: sqliteStore(t)}
	a := serveStore(t, store, &httpapi.Options{Heartbeat: 10 * time.Millisecond})
	a.create("A")
	s := a.stream(t.Context(), "")
	require.Equal(t, "1", s.next("change").id)
	store.expired.Store(true)
	a.create("B")
	e := s.next("end")
	require.Contains(t, e.data, `#changes-expired"`)
	require.Contains(t, e.data, `"oldest":7,"newest":9`)
	s.ends()
}

// expiringStore pretends that much has been written and pruned.
type expiringStore struct {
	product.Store
	expired atomic.Bool
}

func (s *expiringStore) Changes(ctx context.Context, after product.Seq, limit int) ([]product.Change, error) {
	if s.expired.Load() {
		return nil, &product.ChangesExpiredError{After: after, Oldest: 7, Newest: 9}
	}
	return s.Store.Changes(ctx, after, limit)
}
