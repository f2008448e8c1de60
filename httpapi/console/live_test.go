package console_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/httpapi/console"
	"github.com/productkit-go/productkit/product"
)

// event is one of a stream.
type event struct{ id, kind, data string }

// follow reads the events of a stream, until it or the test ends.
func follow(t *testing.T, url, last string) (<-chan event, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	require.NoError(t, err)
	r.Header.Set("Last-Event-ID", last)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.Equal(t, 200, answer.StatusCode)
	require.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	events := make(chan event, 100)
	go func() {
		defer close(events)
		defer func() { _ = answer.Body.Close() }()
		var e event
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.kind = value
			case "data":
				e.data += value + "\n"
			case "":
				if e.kind != "" {
					events <- e
				}
				e = event{}
			}
		}
	}()
	return events, cancel
}

func next(t *testing.T, events <-chan event) event {
	t.Helper()
	select {
	case e, ok := <-events:
		require.True(t, ok, "the stream has ended")
		return e
	case <-time.After(20 * time.Second):
		require.FailNow(t, "no event came")
		return event{}
	}
}

// Whoever comes back with the last event's ID gets what came meanwhile, once; streams are bounded and end
// with the Handler.
func TestChangesAreFollowed(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	h, err := console.NewHandler(svc, &console.Options{MaxFollowers: 1})
	require.NoError(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		server.Close()
	})
	events, leave := follow(t, server.URL+"/changes/stream", "0")
	refused, err := http.Get(server.URL + "/changes/stream?after=0")
	require.NoError(t, err)
	require.NoError(t, refused.Body.Close())
	require.Equal(t, 503, refused.StatusCode)

	fill(t, svc, 1)
	first := next(t, events)
	require.Equal(t, "changes", first.kind)
	require.Contains(t, first.data, "SKU-00000")
	leave()
	for range events { //nolint:revive // until it has ended
	}
	p, err := svc.GetBySKU(t.Context(), "SKU-00000")
	require.NoError(t, err)
	for i := range 3 {
		_, err = svc.AdjustStock(product.WithActor(t.Context(), "ann"), p.ID, 1, fmt.Sprintf("<count %d>", i), product.Expect{})
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool {
		again, err := http.Get(server.URL + "/changes/stream?after=nonsense")
		require.NoError(t, err)
		require.NoError(t, again.Body.Close())
		return again.StatusCode == 422 // the place is free
	}, 20*time.Second, 10*time.Millisecond)
	events, leave = follow(t, server.URL+"/changes/stream?after=0", first.id)
	defer leave()
	seen := ""
	for strings.Count(seen, "<tr>") < 3 {
		seen += next(t, events).data
	}
	require.NotContains(t, seen, "created")
	require.Contains(t, seen, "ann")
	require.Contains(t, seen, "&lt;count 2&gt;")
	require.NoError(t, h.Close(t.Context()))
	for range events { //nolint:revive // until it has ended
	}
	refused, err = http.Get(server.URL + "/changes/stream?after=0")
	require.NoError(t, err)
	require.NoError(t, refused.Body.Close())
	require.Equal(t, 503, refused.StatusCode, "none is followed any more")
}

// A position that the feed has not reached, as after a restore of the database, begins the page anew.
func TestAFeedThatDoesNotGoOn(t *testing.T) {
	t.Parallel()
	h := newHandler(t, newService(t), nil)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	events, leave := follow(t, server.URL+"/changes/stream", "999999")
	defer leave()
	require.Equal(t, "again", next(t, events).kind)
}

// The page shows the newest changes, however long the feed is and whatever it has forgotten.
func TestTheNewestChangesAreShown(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	v := visit(t, newHandler(t, svc, nil))
	require.Contains(t, v.get("/changes").body, "Nothing has changed yet")
	fill(t, svc, 950)
	p, err := svc.GetBySKU(t.Context(), "SKU-00007")
	require.NoError(t, err)
	for round := range 3 {
		for range 3 {
			fill(t, svc, 950) // changes nothing
		}
		ops := make([]product.Operation, 900)
		for i := range ops {
			ops[i] = product.AdjustStock{Key: product.Key{ID: p.ID}, Delta: 1}
		}
		outcomes, err := svc.Batch(t.Context(), ops)
		require.NoError(t, err)
		require.NoError(t, outcomes[len(outcomes)-1].Err)
		name := fmt.Sprintf("Round %d", round)
		_, err = svc.Update(t.Context(), p.ID, product.Patch{Name: &name}, product.Expect{})
		require.NoError(t, err)
		for range 2 { // the second time the end is known
			page := v.get("/changes").body
			rows := regexp.MustCompile(`<tr><th scope="row">`).FindAllStringIndex(page, -1)
			require.Len(t, rows, 200)
			require.Contains(t, page[rows[0][0]:rows[1][0]], name, "the newest is on top")
		}
	}
	fresh := visit(t, newHandler(t, svc, nil))
	require.Contains(t, fresh.get("/changes").body, "Round 2", "who begins finds the end too")
}

// The page of operations tells of the database, of health checks and of requests, and to whom it may.
func TestOperationsAreShown(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	probe, err := health.New(&health.Options{Checks: []health.Check{{Name: "stock-keeper", Run: func(context.Context) error { return fmt.Errorf("gone for lunch") }}}})
	require.NoError(t, err)
	probe.Start()
	t.Cleanup(func() { require.NoError(t, probe.Stop(context.Background())) })
	require.Eventually(t, func() bool { return probe.Report().Checks[0].Err != nil }, 20*time.Second, time.Millisecond)
	var requests console.Requests
	trusted := true
	v := visit(t, newHandler(t, newService(t), &console.Options{DB: db, Health: probe, Requests: &requests, Trusted: func(*http.Request) bool { return trusted }}))
	for range 7 {
		requests.Observe("GET /v1/things/{id}", 200, 3*time.Millisecond)
	}
	requests.Observe("", 500, time.Second)
	page := v.get("/operations")
	require.Equal(t, 200, page.status)
	for _, text := range []string{"stock-keeper", "gone for lunch", "GET /v1/things/{id}", "(no route)", "Database connections", "Goroutines", "Reservations"} {
		require.Contains(t, page.body, text)
	}
	require.NotContains(t, page.body, "style=")
	require.NotContains(t, page.body, "NaN")
	trusted = false
	require.Equal(t, 403, v.get("/operations").status)
}

// The sample comes whole into an empty catalogue, and never beside other products.
func TestTheSampleIsLoadedOnce(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	v := visit(t, newHandler(t, svc, nil))
	require.Contains(t, v.get("/products").body, "Load the sample")
	require.NotContains(t, v.get("/products?q=mug").body, "Load the sample")
	require.Equal(t, 303, v.post("/sample", nil).status)
	all, err := svc.List(t.Context(), product.Query{Limit: 200})
	require.NoError(t, err)
	require.Len(t, all.Items, 42)
	require.NotContains(t, v.get("/products").body, "Load the sample")
	currencies, groups := map[string]bool{}, map[string]bool{}
	for _, p := range all.Items {
		currencies[p.Price.Currency], groups[p.Group] = true, true
	}
	require.Len(t, currencies, 4)
	require.Len(t, groups, 6) // and none
	require.NoError(t, svc.Delete(t.Context(), all.Items[0].ID, product.Expect{}))
	require.Equal(t, 303, v.post("/sample", nil).status)
	count, err := svc.Count(t.Context(), product.Query{})
	require.NoError(t, err)
	require.Equal(t, 41, count.Value)
}
