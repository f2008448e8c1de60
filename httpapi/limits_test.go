package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

// zeros is a body without an end that counts what is read of it.
type zeros struct {
	left int64
	read atomic.Int64
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.read.Load() >= z.left {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left-z.read.Load())
	clear(p[:n])
	z.read.Add(n)
	return int(n), nil
}

func TestBigBodiesAreRefusedUnread(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	p, _ := a.create("A")
	const size = 20 << 20
	for _, request := range [][2]string{{"POST", "/products"}, {"PUT", "/skus/A"}, {"PATCH", "/products/" + p.ID}, {"POST", "/products/" + p.ID + "/stock"}, {"PUT", "/products/" + p.ID + "/stock"}, {"POST", "/products/lookup"}, {"POST", "/products/batch"}, {"PATCH", "/groups/g"}} {
		for _, length := range []int64{size, -1} {
			body := &zeros{left: size}
			req, err := http.NewRequestWithContext(t.Context(), request[0], a.url+request[1], body)
			require.NoError(t, err)
			req.ContentLength = length
			req.Header.Set("Content-Type", "application/json")
			a.send(req).fails(413, "too-large")
			require.Less(t, body.read.Load(), int64(size), "%s %d", request, length)
		}
	}
	a.do("POST", "/products", `{"sku":"B","name":"n","price":{"amount":1,"currency":"EUR"},"description":"`+strings.Repeat("x", 64<<10)+`"}`).is(201)
}

// After a refused body the connection is closed: the rest of the body must not be taken for
// the next request.
func TestRefusedBodyIsNotTakenForTheNextRequest(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{MaxBodyBytes: 100})
	conn, err := net.Dial("tcp", strings.TrimPrefix(strings.TrimSuffix(a.url, "/v1"), "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	go func() {
		smuggled := strings.Repeat("DELETE /v1/products HTTP/1.1\r\nHost: x\r\n\r\n", 50_000)
		_, _ = fmt.Fprintf(conn, "POST /v1/products HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(smuggled), smuggled)
	}()
	got, err := io.ReadAll(conn)
	if err != nil {
		require.NotErrorIs(t, err, context.DeadlineExceeded)
	}
	require.Contains(t, string(got), "HTTP/1.1 413 ")
	require.Equal(t, 1, strings.Count(string(got), "HTTP/1.1"), "%s", got)
}

// gate is a Store whose calls wait until they are let through.
type gate struct {
	product.Store
	arrived chan struct{}
	open    chan struct{}
}

func newGate(store product.Store) *gate {
	return &gate{Store: store, arrived: make(chan struct{}, 100), open: make(chan struct{})}
}

func (g *gate) wait(ctx context.Context) error {
	g.arrived <- struct{}{}
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) Find(ctx context.Context, keys []product.Key) ([]product.Product, error) {
	if err := g.wait(ctx); err != nil {
		return nil, err
	}
	return g.Store.Find(ctx, keys)
}

func (g *gate) Apply(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	if err := g.wait(ctx); err != nil {
		return nil, err
	}
	return g.Store.Apply(ctx, b)
}

const newProduct = `{"sku":"A","name":"n","price":{"amount":1,"currency":"EUR"}}`

func TestFullLanesRefuseAtOnceAndDoNotStarveEachOther(t *testing.T) {
	t.Parallel()
	g := newGate(sqliteStore(t))
	a := serveStore(t, g, &httpapi.Options{MaxReads: 1, MaxWrites: 1})
	var wg sync.WaitGroup
	wg.Go(func() { a.do("POST", "/products", newProduct).is(201) })
	<-g.arrived

	r := a.do("PUT", "/skus/B", `{}`)
	r.fails(503, "overloaded")
	require.Equal(t, "1", r.header.Get("Retry-After"))
	a.do("GET", "/products", "").is(200) // the other lane

	wg.Go(func() { a.do("GET", "/products/"+unknownID, "").is(404) })
	<-g.arrived
	a.do("GET", "/products", "").fails(503, "overloaded")
	close(g.open)
	wg.Wait()
	a.do("GET", "/skus/A", "").is(200)
}

func TestOperationsEndInTime(t *testing.T) {
	t.Parallel()
	g := newGate(sqliteStore(t))
	a := serveStore(t, g, &httpapi.Options{Timeout: 50 * time.Millisecond})
	r := a.do("GET", "/products/"+unknownID, "")
	r.fails(503, "timeout")
	require.Equal(t, "1", r.header.Get("Retry-After"))
	a.do("POST", "/products/lookup", `{"skus":["A"]}`).fails(503, "timeout") // the body, which was in time, is not to blame
	// A write that is under way when its caller gives up may still happen.
	r = a.createInVain()
	r.fails(503, "outcome-unknown")
	require.Empty(t, r.header.Get("Retry-After"))
	close(g.open)
	require.Eventually(t, func() bool { return a.do("GET", "/skus/A", "").status == 200 }, 10*time.Second, 10*time.Millisecond)
}

func TestSlowBodiesAreCutOff(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{Timeout: 100 * time.Millisecond})
	body, sender := io.Pipe()
	defer func() { _ = sender.Close() }()
	go func() { _, _ = sender.Write([]byte(`{"sku":`)) }()
	req, err := http.NewRequestWithContext(t.Context(), "POST", a.url+"/products", body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	a.send(req).fails(408, "slow-body")
}

func TestHalfABodyIsRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(strings.TrimSuffix(a.url, "/v1"), "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "POST /v1/products HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n%s", newProduct)
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(got), "HTTP/1.1 400 ")
	require.Contains(t, string(got), "incomplete-body")
	a.do("GET", "/skus/A", "").is(404)
}

// failing is a Store of which everything fails.
type failing struct{ err error }

func (f failing) Find(context.Context, []product.Key) ([]product.Product, error) { return nil, f.err }
func (f failing) FindDeleted(context.Context, []uuid.UUID) ([]product.Product, error) {
	return nil, f.err
}
func (f failing) Stock(context.Context, []uuid.UUID, time.Time) ([]product.Stock, error) {
	return nil, f.err
}
func (f failing) Reservations(context.Context, []product.ReservationID) ([]product.Reservation, error) {
	return nil, f.err
}
func (f failing) Expired(context.Context, time.Time, int) ([]uuid.UUID, error)   { return nil, f.err }
func (f failing) List(context.Context, product.Query) ([]product.Product, error) { return nil, f.err }
func (f failing) Count(context.Context, product.Query, int) (int, error)         { return 0, f.err }
func (f failing) History(context.Context, uuid.UUID, *product.HistoryPosition, int) ([]product.Change, error) {
	return nil, f.err
}
func (f failing) Categories(context.Context, product.Query, func(string, int) error) error {
	return f.err
}
func (f failing) Limits() product.StoreLimits { return product.StoreLimits{} }
func (f failing) Export(context.Context, product.Query, func(product.Row) error) error {
	return f.err
}
func (f failing) Preview(context.Context, product.Batch) ([]product.Outcome, error) {
	return nil, f.err
}
func (f failing) Changes(context.Context, product.Seq, int) ([]product.Change, error) {
	return nil, f.err
}
func (f failing) PruneChanges(context.Context, time.Time) (bool, error)           { return false, f.err }
func (f failing) Apply(context.Context, product.Batch) ([]product.Outcome, error) { return nil, f.err }

func TestErrorsOfTheStoreBecomeProblemsThatTellNothingOfTheirCause(t *testing.T) {
	t.Parallel()
	secret := errors.New("Error 1045: Access denied for user 'root'@'10.0.0.1' to sql secret.go")
	for _, c := range []struct {
		err        error
		status     int
		slug       string
		retryAfter string
		logged     bool
	}{
		{fmt.Errorf("%w: %w", product.ErrUnavailable, secret), 503, "unavailable", "5", true},
		{fmt.Errorf("%w: %w", product.ErrOutcomeUnknown, secret), 503, "outcome-unknown", "", true},
		{fmt.Errorf("%w: %w: %w", product.ErrOutcomeUnknown, context.DeadlineExceeded, secret), 503, "outcome-unknown", "", true},
		{fmt.Errorf("%w: %w", context.DeadlineExceeded, secret), 503, "timeout", "1", true},
		{fmt.Errorf("%w: %w", context.Canceled, secret), 503, "shutting-down", "5", false},
		{product.ErrClosed, 503, "shutting-down", "5", false},
		{product.ErrOverloaded, 503, "overloaded", "1", false},
		{fmt.Errorf("%w: %w", product.ErrBusy, secret), 503, "busy", "1", false},
		{secret, 500, "internal", "", true},
	} {
		t.Run(c.slug, func(t *testing.T) {
			t.Parallel()
			var log syncBuffer
			a := serveStore(t, failing{c.err}, &httpapi.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			for i, request := range [][3]string{{"GET", "/products/" + unknownID, ""}, {"GET", "/skus/A", ""}, {"GET", "/products", ""}, {"GET", "/categories", ""},
				{"POST", "/products/lookup", `{"skus":["A"]}`}, {"GET", "/products/" + unknownID + "/stock", ""}, {"GET", "/products/" + unknownID + "/history", ""},
				{"POST", "/products", newProduct}, {"PUT", "/skus/A", newProduct}, {"PATCH", "/products/" + unknownID, `{}`}, {"DELETE", "/products/" + unknownID, ""},
				{"POST", "/products/" + unknownID + "/restore", ""}, {"POST", "/products/" + unknownID + "/stock", `{"delta":1}`}, {"PUT", "/products/" + unknownID + "/stock", `{"on_hand":1}`}} {
				id := fmt.Sprintf("request-%d", i)
				r := a.do(request[0], request[1], request[2], "X-Request-Id", id)
				r.fails(c.status, c.slug)
				require.Equal(t, c.retryAfter, r.header.Get("Retry-After"))
				require.NotContains(t, string(r.body), "root")
				want := 0
				if c.logged {
					want = 1
				}
				require.Equal(t, want, strings.Count(log.String(), "request_id="+id+" "), "%s", log.String())
			}
		})
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestClosedServiceIs503(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	require.NoError(t, a.svc.Close(t.Context()))
	a.do("GET", "/products", "").fails(503, "shutting-down")
	a.do("POST", "/products", newProduct).fails(503, "shutting-down")
}

func TestClientThatLeavesLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	g := newGate(sqliteStore(t))
	svc := product.NewService(g, nil)
	t.Cleanup(func() { _ = svc.Close(t.Context()) })
	h, err := httpapi.NewHandler(svc, &httpapi.Options{MaxReads: 1})
	require.NoError(t, err)
	statuses := make(chan int, 1)
	a := serve(t, svc, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		h.ServeHTTP(recorded, r)
		statuses <- recorded.Code
	}), "")
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", a.url+"/products/"+unknownID, nil)
	require.NoError(t, err)
	go func() {
		<-g.arrived
		cancel()
	}()
	_, err = a.client.Do(req)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 499, <-statuses)
	close(g.open)
}

func TestOptionsAreValidated(t *testing.T) {
	t.Parallel()
	svc := product.NewService(failing{}, nil)
	for _, prefix := range []string{"v1", "/", "/v1/", "/a//b", "/a/../b", "/a b", "/ü", "//v1", "/./v1",
		"/{}", "/{1}", "/{a b}", "/{a...}", "/{$}", "/a{b}", "/{b}a", "/{tenant}/", "/{id}", "/{sku}/v1", "/{group}", "/{key}", "/{a}/{a}"} {
		_, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: prefix})
		require.ErrorContains(t, err, "Prefix", prefix)
	}
	for _, prefix := range []string{"", "/v1", "/api/v1", "/a-b_c.d~e", "/{tenant}", "/{a}/{b2}/v1"} {
		_, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: prefix})
		require.NoError(t, err, prefix)
	}
	_, err := httpapi.NewHandler(svc, &httpapi.Options{MaxBodyBytes: -1, ProblemBase: "a b", Prefix: "x"})
	for _, field := range []string{"MaxBodyBytes", "ProblemBase", "Prefix"} {
		require.ErrorContains(t, err, field)
	}
	_, err = httpapi.NewHandler(nil, nil)
	require.ErrorContains(t, err, "service is nil")
	o := httpapi.Options{}.WithDefaults()
	require.EqualValues(t, 1<<20, o.MaxBodyBytes)
	require.Equal(t, 15*time.Second, o.Timeout)
}
