package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

func (a *api) importFile(query, media, file string) feed.Event {
	a.t.Helper()
	r := a.do("POST", "/import"+query, file, "Content-Type", media).is(200)
	lines := strings.Split(strings.TrimSpace(string(r.body)), "\n")
	return event(a.t, []byte(lines[len(lines)-1]))
}

func TestAnExportOfARealCatalogueIsImportedAndExportedTheSame(t *testing.T) {
	t.Parallel()
	files := map[string]string{"text/csv": "text/csv; charset=utf-8; header=present", "application/x-ndjson": "application/x-ndjson"}
	eachEngine(t, func(t *testing.T, a *api) {
		for _, file := range []string{"apparel.csv", "home-and-garden.csv"} {
			csv, err := os.ReadFile("../product/feed/testdata/" + file)
			require.NoError(t, err)
			a.summary(string(csv))
		}
		for media, full := range files {
			first := a.do("GET", "/export", "", "Accept", media).is(200)
			require.Equal(t, full, first.header.Get("Content-Type"))
			require.Equal(t, fmt.Sprint(len(first.body)), first.header.Get("Content-Length"))
			other := newAPI(t, nil)
			last := other.importFile("", media, string(first.body))
			require.Equal(t, feed.Counts{Rows: 43, Created: 43}, *last.Counts)
			require.Equal(t, string(first.body), string(other.do("GET", "/export", "", "Accept", media).is(200).body))
			require.EqualValues(t, 43, a.importFile("", media, string(first.body)).Unchanged)
		}
	})
}

func TestExportTakesAListsFiltersAndSaysItsFormat(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.create("A", `"vendor":"Acme"`)
	a.create("B", `"vendor":"=x"`)
	for path, want := range map[string]string{
		"?vendor=Acme&format=ndjson":   `{"sku":"A","name":"Thing A","status":"draft","price":{"amount":1999,"currency":"EUR"},"backorder":false,"vendor":"Acme","stock":0}` + "\n",
		"?sku_prefix=B&format=native":  "sku,name,price,currency,description,status,compare_at,stock,backorder,group,options,category,tags,vendor,barcode,weight_grams,images,attributes,publish_at,unpublish_at\nB,Thing B,19.99,EUR,,draft,,0,false,,,,,'=x,,,,,,\n",
		"?tag=nothing&format=ndjson":   "",
		"?status=active&format=ndjson": "",
	} {
		require.Equal(t, want, string(a.do("GET", "/export"+path, "").is(200).body), path)
	}
	for accept, want := range map[string]string{
		"": "csv", "*/*": "csv", "text/*": "csv", "application/x-ndjson, */*;q=0.1": "ndjson", "text/csv;q=0.5, application/*": "ndjson",
		"text/csv;q=0, */*": "ndjson",
	} {
		require.Contains(t, a.do("GET", "/export", "", "Accept", accept).is(200).header.Get("Content-Type"), want, accept)
	}
	a.do("GET", "/export", "", "Accept", "application/json").fails(406, "not-acceptable")
	a.do("GET", "/export?format=xml", "").fails(400, "invalid-parameter", "format unknown")
	a.do("GET", "/export?sort=name&limit=1", "").fails(400, "invalid-parameter", "limit unknown", "sort unknown")
	a.do("GET", "/export?category=/x", "").fails(400, "invalid-parameter", "category format")
	a.do("POST", "/export", "").fails(405, "method-not-allowed")
}

// big fills the catalogue with more than sockets hold: some 8 MB of CSV.
func (a *api) big() {
	a.t.Helper()
	var b strings.Builder
	text := strings.Repeat("x", 60<<10)
	for i := range 140 {
		fmt.Fprintf(&b, `{"sku":"BIG-%d","name":"Big","description":%q,"price":{"amount":1,"currency":"EUR"}}`+"\n", i, text)
	}
	require.EqualValues(a.t, 140, a.importFile("", "application/x-ndjson", b.String()).Created)
}

func TestAnExportThatDoesNotFitIntoMemoryIsWhole(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.big()
	for _, media := range []string{"text/csv", "application/x-ndjson"} {
		first := a.do("GET", "/export", "", "Accept", media).is(200)
		other := newAPI(t, nil)
		require.Equal(t, feed.Counts{Rows: 140, Created: 140}, *other.importFile("", media, string(first.body)).Counts)
		require.Equal(t, string(first.body), string(other.do("GET", "/export", "", "Accept", media).is(200).body))
	}
}

// dawdle asks for an export and takes nothing of the answer but its first bytes.
func (a *api) dawdle() net.Conn {
	a.t.Helper()
	address := strings.TrimPrefix(strings.TrimSuffix(a.url, "/v1"), "http://")
	conn, err := (&net.Dialer{}).DialContext(a.t.Context(), "tcp", address)
	require.NoError(a.t, err)
	a.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(a.t, conn.(*net.TCPConn).SetReadBuffer(4<<10))
	_, err = io.WriteString(conn, "GET /v1/export HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(a.t, err)
	require.NoError(a.t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	status := make([]byte, 15)
	_, err = io.ReadFull(conn, status)
	require.NoError(a.t, err)
	require.Equal(a.t, "HTTP/1.1 200 OK", string(status))
	return conn
}

// The catalogue has one connection: if a slow client held it, nobody else would be served.
func TestSlowClientsOfExportsLeaveTheDatabaseToOthers(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{MaxExports: 5})
	a.big()
	for range 5 {
		a.dawdle()
	}
	_, tag := a.create("A")
	a.do("GET", "/skus/A", "", "If-None-Match", tag).is(304)
	r := a.do("GET", "/export", "")
	r.fails(503, "overloaded")
	require.Equal(t, "1", r.header.Get("Retry-After"))
}

func TestAnExportWhoseClientTakesNothingIsCut(t *testing.T) {
	t.Parallel()
	require.Equal(t, 30*time.Second, httpapi.Options{}.WithDefaults().ImportIdle)
	a := newAPI(t, &httpapi.Options{MaxExports: 1, ImportIdle: 100 * time.Millisecond})
	a.big()
	conn := a.dawdle()
	require.Eventually(t, func() bool { return a.do("GET", "/export?sku_prefix=none", "").status == 200 }, 30*time.Second, 20*time.Millisecond)
	n, err := io.Copy(io.Discard, conn)
	require.Less(t, n, int64(8<<20), "it ended early: %v", err)
}

func TestAnExportOfADatabaseThatIsDownIsAProblem(t *testing.T) {
	t.Parallel()
	a := serveStore(t, failing{product.ErrUnavailable}, nil)
	a.do("GET", "/export", "").fails(503, "unavailable")
}

func TestDryRunTellsWhatAnImportDoesAndChangesNothing(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.create("KNOWN", `"group":"g","options":{"Size":"S"}`)
	file := "sku,name,price,currency,group,options\nKNOWN,New name,1,EUR,g,\"{\"\"Size\"\":\"\"S\"\"}\"\nNEW,New,1,EUR,,\nNEW,Twice,2,EUR,,\nTWIN,Twin,1,EUR,g,\"{\"\"Size\"\":\"\"S\"\"}\"\nBAD,Bad,x,EUR,,\n"
	events := func(query string) string {
		r := a.do("POST", "/import"+query, file, "Content-Type", "text/csv").is(200)
		return string(r.body)
	}
	before := a.do("GET", "/export", "").is(200).body
	said := events("?dry_run=true")
	require.Equal(t, before, a.do("GET", "/export", "").is(200).body)
	require.Contains(t, said, `"created":1,"updated":1,"unchanged":0,"refused":3`)
	require.Equal(t, said, events("?dry_run=false"))
	require.Equal(t, 2, len(a.list("").Items))
}

// shared is a log that several goroutines write.
type shared struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestAnImportWhoseClientHangsUpStopsAndItsSummaryIsInTheLog(t *testing.T) {
	t.Parallel()
	var log shared
	a := newAPI(t, &httpapi.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, hangUp := context.WithCancel(t.Context())
	file, sender := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, "POST", a.url+"/import", file)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "text/csv")
	answered := make(chan error, 1)
	go func() {
		res, err := a.client.Do(req)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		answered <- err
	}()
	_, err = io.WriteString(sender, "sku,name,price,currency\n")
	require.NoError(t, err)
	for i := 0; i < 500 || len(a.list("limit=1").Items) == 0; i++ { // at least a batch of it has landed
		_, err = fmt.Fprintf(sender, "S-%d,Name,1,EUR\n", i)
		require.NoError(t, err)
	}
	hangUp()
	_ = sender.CloseWithError(io.ErrClosedPipe) // the client's transport waits for its body
	require.Error(t, <-answered)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "an import ended\"") }, 30*time.Second, 10*time.Millisecond)
	line := log.String()[strings.Index(log.String(), `"httpapi: an import ended"`):]
	require.Contains(t, line, "complete=false")
	landed := 0
	for range strings.Lines(string(a.do("GET", "/export?format=ndjson", "").is(200).body)) {
		landed++
	}
	require.Contains(t, line, fmt.Sprintf(" created=%d updated=0", landed))
	a.importFile("", "text/csv", "sku,name,price,currency\nS-0,Name,1,EUR\n") // the lane is free again
}
