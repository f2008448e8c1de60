package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product/feed"
)

const importPath = "/import?format=shopify&currency=EUR"

// importCSV sends a file and returns the events, the last of which is a summary.
func (a *api) importCSV(csv string) []feed.Event {
	a.t.Helper()
	r := a.do("POST", importPath, csv, "Content-Type", "text/csv").is(200)
	require.Equal(a.t, "application/x-ndjson", r.header.Get("Content-Type"))
	var events []feed.Event
	for line := range bytes.Lines(r.body) {
		events = append(events, event(a.t, line))
	}
	require.Equal(a.t, feed.EventSummary, events[len(events)-1].Kind)
	return events
}

func event(t testing.TB, line []byte) feed.Event {
	t.Helper()
	var e feed.Event
	require.NoError(t, json.Unmarshal(line, &e), "%s", line)
	return e
}

func (a *api) summary(csv string) feed.Counts {
	a.t.Helper()
	events := a.importCSV(csv)
	last := events[len(events)-1]
	require.True(a.t, *last.Complete)
	return *last.Counts
}

func TestImportOfShopifysSampleCatalogues(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		for file, want := range map[string]int64{"apparel.csv": 22, "home-and-garden.csv": 21} {
			csv, err := os.ReadFile("../product/feed/testdata/" + file)
			require.NoError(t, err)
			first := a.summary(string(csv))
			require.Equal(t, want, first.Created, file)
			require.Zero(t, first.Refused)
			again := a.summary(string(csv))
			require.Equal(t, want, again.Unchanged, file)
			require.Zero(t, again.Created+again.Updated+again.Refused)
		}
		require.Len(t, a.list("limit=200").Items, 43)
	})
}

const header = "Handle,Title,Variant Price,Variant SKU,Body (HTML)\n"

func TestBadRowsAreRefusedByLineAndStopNoOther(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	rows := []struct{ row, field, code string }{
		{"good-1,Good,1.00,G1,", "", ""},
		{"negative,Bad,-1.00,B1,", "price", ""},
		{"no-number,Bad,free,B2,", "price", ""},
		{"utf8,B\xffd,1.00,B3,", "", "encoding"},
		{"big,Bad,1.00,B4," + strings.Repeat("x", 10<<20), "", "too_long"},
		{"cells,Bad,1.00", "", "columns"},
		{`quotes,Bad "quoted" badly,1.00,B5,`, "", "quotes"},
		{"sku,Bad,1.00,a b,", "sku", ""},
		{"good-2,Good,2.00,G2,", "", ""},
	}
	csv := header
	for _, r := range rows {
		csv += r.row + "\n"
	}
	events := a.importCSV(csv)
	refused := make(map[int]feed.Event)
	for _, e := range events {
		if e.Kind == feed.EventRefused {
			require.NotEmpty(t, e.Message)
			refused[e.Line] = e
		}
	}
	for i, r := range rows {
		e, ok := refused[i+2]
		require.Equal(t, r.field != "" || r.code != "", ok, "%.40s", r.row)
		require.True(t, strings.HasPrefix(e.Field, r.field), "%.40s: %v", r.row, e)
		if r.code != "" {
			require.Equal(t, r.code, e.Code)
		}
	}
	last := events[len(events)-1]
	require.EqualValues(t, 2, last.Counts.Created)
	require.EqualValues(t, len(rows)-2, last.Counts.Refused)
	require.Equal(t, "G1 G2", a.list("sort=sku").skus())
}

func TestFilesThatCannotBeReadAreProblems(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	for _, c := range []struct{ name, csv, code string }{
		{"blank", "\n\n", "empty"},
		{"no header", "lamp,Lamp,1.00,L1,\n", "no_header"},
		{"semicolons", "Handle;Title;Variant Price\na;b;1\n", "no_header"},
		{"missing column", "Handle,Title\na,b\n", "missing_column"},
		{"duplicate column", "Handle,Title,Variant Price,title\na,b,1,c\n", "duplicate_column"},
		{"an image", "\x89PNG\r\n\x1a\n\x00\x00", "encoding"},
		{"broken quotes", "Handle,\"Tit\"le,Variant Price\n", "quotes"},
		{"JSON", `{"sku":"A"}`, "quotes"},
	} {
		p := a.do("POST", importPath, c.csv, "Content-Type", "text/csv").fails(400, "malformed-body", " "+c.code)
		require.Contains(t, p.Detail, "Line ", c.name)
	}
	require.Empty(t, a.list("").Items)
}

func TestBadImportRequests(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	csv := header + "a,A,1.00,A,\n"
	for path, want := range map[string][]string{
		"/import?format=ndjson":                {"format mismatch"},
		"/import?map=Title:title":              {"map unknown"},
		"/import?map=Title":                    {"map format"},
		"/import?image_base=media":             {"image_base format"},
		"/import?encoding=latin1":              {"encoding unknown"},
		"/import?format=shopify":               {"currency required"},
		"/import?format=excel&currency=EUR":    {"format unknown"},
		"/import?format=shopify&currency=euro": {"currency unknown"},
		importPath + "&dry_run=yes":            {"dry_run format"},
		importPath + "&dry=true":               {"dry unknown"},
		importPath + "&map=Title:name":         {"map mismatch"},
	} {
		a.do("POST", path, csv, "Content-Type", "text/csv").fails(400, "invalid-parameter", want...)
	}
	for _, media := range []string{"application/json", "", "text/csv; charset=windows-1252"} {
		a.do("POST", importPath, csv, "Content-Type", media).fails(415, "unsupported-media-type")
	}
	a.do("POST", importPath, csv, "Content-Type", "text/csv", "Content-Encoding", "gzip").fails(415, "unsupported-media-type")
	require.Empty(t, a.list("").Items)
	require.EqualValues(t, 1, a.do("POST", importPath, csv, "Content-Type", "text/csv; charset=utf-8; header=present").is(200).status/200)
}

// The answer begins while the file is still being sent.
func TestImportStreamsBothWays(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	file, sender := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), "POST", a.url+importPath, file)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "text/csv")
	done := make(chan error, 1)
	release := make(chan struct{})
	go func() {
		_, err := io.WriteString(sender, header)
		pace := time.NewTicker(5 * time.Millisecond) // buffers would hold all that one can send at once
		defer pace.Stop()
		for n := 0; err == nil; n++ {
			select {
			case <-release:
				done <- sender.Close()
				return
			case <-pace.C:
				_, err = fmt.Fprintf(sender, "p%d,Product,1.00,SKU-%d,\n", n, n)
			}
		}
		done <- err
	}()
	res, err := a.client.Do(req) // returns with the first event, before the file has ended
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	require.Equal(t, 200, res.StatusCode)
	lines := bufio.NewScanner(res.Body)
	require.True(t, lines.Scan())
	require.Equal(t, feed.EventProgress, event(t, lines.Bytes()).Kind)

	// Another import is refused at once meanwhile; reads and writes are not.
	r := a.do("POST", importPath, header, "Content-Type", "text/csv")
	r.fails(503, "overloaded")
	require.Equal(t, "1", r.header.Get("Retry-After"))
	a.do("GET", "/products?limit=1", "").is(200)

	close(release)
	require.NoError(t, <-done)
	var last feed.Event
	for lines.Scan() {
		last = event(t, lines.Bytes())
	}
	require.NoError(t, lines.Err())
	require.Equal(t, feed.EventSummary, last.Kind)
	require.True(t, *last.Complete)
	require.Equal(t, last.Counts.Rows, last.Counts.Created)
}

func TestImportWhoseClientStallsIsCut(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{ImportIdle: 100 * time.Millisecond})
	file, sender := io.Pipe()
	defer func() { _ = sender.Close() }()
	go func() { _, _ = io.WriteString(sender, header+"a,A,1.00,A,\nb,B,1.00,B,\n") }()
	req, err := http.NewRequestWithContext(t.Context(), "POST", a.url+importPath, file)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "text/csv")
	res, err := a.client.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	require.Equal(t, 200, res.StatusCode)
	var events []feed.Event
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		events = append(events, event(t, lines.Bytes()))
	}
	require.Len(t, events, 2)
	require.Equal(t, feed.EventFailed, events[0].Kind)
	require.Contains(t, events[0].Message, "nothing came for too long")
	require.False(t, *events[1].Complete)
	require.EqualValues(t, 2, events[1].Counts.Rows)

	// Nothing at all: a problem, for nothing has been answered yet.
	silent, end := io.Pipe()
	defer func() { _ = end.Close() }()
	req, err = http.NewRequestWithContext(t.Context(), "POST", a.url+importPath, silent)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "text/csv")
	a.send(req).fails(408, "slow-body")
}

// stall sends the beginning of a file and then nothing. It returns the answer, which has begun.
func (a *api) stall(ctx context.Context, file string) *bufio.Scanner {
	a.t.Helper()
	body, sender := io.Pipe()
	a.t.Cleanup(func() { _ = sender.CloseWithError(io.ErrClosedPipe) })
	go func() { _, _ = io.WriteString(sender, file) }()
	req, err := http.NewRequestWithContext(ctx, "POST", a.url+importPath, body)
	require.NoError(a.t, err)
	req.Header.Set("Content-Type", "text/csv")
	res, err := a.client.Do(req)
	require.NoError(a.t, err)
	a.t.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(a.t, 200, res.StatusCode)
	return bufio.NewScanner(res.Body)
}

const ended = `msg="httpapi: an import ended"`

func TestImportTellsItsProgressWhileTheClientStallsUntilItIsCut(t *testing.T) {
	t.Parallel()
	var log shared
	a := newAPI(t, &httpapi.Options{ImportIdle: 3 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	lines := a.stall(t.Context(), header+"a,A,1.00,A,\nb,B,x,B,\nc,C,1.00,C,\n")
	var told []feed.EventKind
	var last feed.Event
	for lines.Scan() {
		last = event(t, lines.Bytes())
		told = append(told, last.Kind)
	}
	require.NoError(t, lines.Err())
	require.Contains(t, told, feed.EventProgress)
	require.Equal(t, []feed.EventKind{feed.EventFailed, feed.EventSummary}, told[len(told)-2:])
	require.EqualValues(t, 1, last.Counts.Refused)
	require.Contains(t, log.String(), ended)
	require.Contains(t, log.String(), fmt.Sprintf("complete=false dry_run=false rows=%d created=%d", last.Rows, last.Created))
}

func TestAnImportWhoseClientStallsAndHangsUpEndsAtOnce(t *testing.T) {
	t.Parallel()
	var log shared
	a := newAPI(t, &httpapi.Options{ImportIdle: -1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, hangUp := context.WithCancel(t.Context())
	csv := header
	for n := range 700 {
		csv += fmt.Sprintf("p%d,Product,1.00,SKU-%d,\n", n, n)
	}
	lines := a.stall(ctx, csv)
	for lines.Scan() && event(t, lines.Bytes()).Created < 500 { // the batch
	}
	hangUp()
	require.Eventually(t, func() bool { return strings.Contains(log.String(), ended) }, 30*time.Second, 10*time.Millisecond)
	require.Regexp(t, `complete=false dry_run=false rows=\d+ created=(500|699) `, log.String())
	a.importFile("", "text/csv", "sku,name,price,currency\nS-0,Name,1,EUR\n") // the lane is free again
}

// A catalogue that takes its time is no client that stalls.
func TestImportWaitsForTheCatalogue(t *testing.T) {
	t.Parallel()
	const idle = time.Second // longer than a busy machine keeps the client from sending
	g := newGate(sqliteStore(t))
	a := serveStore(t, g, &httpapi.Options{ImportIdle: idle})
	csv := header
	for n := range 600 { // more than one batch
		csv += fmt.Sprintf("p%d,Product,1.00,SKU-%d,\n", n, n)
	}
	go func() {
		<-g.arrived
		time.AfterFunc(2*idle, func() { close(g.open) })
	}()
	require.EqualValues(t, 600, a.summary(csv).Created)
}
