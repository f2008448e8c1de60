package client_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi/client"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// hurried are options under which tests do not wait for long.
func hurried() *client.Options { return &client.Options{Tries: 10, MaxDelay: time.Millisecond} }

// The answers to the first requests are lost after the server has done its work.
func TestAWriteWhoseAnswerWasLostHappensOnce(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	var requests atomic.Int64
	c := serve(t, svc, hurried(), func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1)%3 != 0 {
				h.ServeHTTP(discard{http.Header{}}, r)
				panic(http.ErrAbortHandler)
			}
			h.ServeHTTP(w, r)
		})
	})
	p, err := c.Create(t.Context(), draft("A"))
	require.NoError(t, err)
	require.EqualValues(t, 3, requests.Load())
	_, err = c.AdjustStock(t.Context(), p.ID, 5, "delivery", product.Expect{})
	require.NoError(t, err)
	s, err := c.Stock(t.Context(), p.ID)
	require.NoError(t, err)
	require.EqualValues(t, 5, s.OnHand)
	changes, err := svc.Changes(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, changes, 2)
}

// discard takes an answer that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

func TestOnlyWhatIsSafeIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status     int
		slug       string
		retryAfter string
		want       int64
		is         error
	}{
		"a refusal":                       {409, "sku-taken", "", 1, product.ErrTaken},
		"a rule":                          {422, "invalid", "", 1, product.ErrInvalid},
		"a key that is under way":         {409, "idempotency-key-underway", "1", 10, product.ErrKeyUnderway},
		"overload":                        {503, "overloaded", "1", 10, product.ErrOverloaded},
		"a limit of rate":                 {429, "too-many-requests", "1", 10, nil},
		"an outcome that can be asked":    {503, "outcome-unknown", "1", 10, product.ErrOutcomeUnknown},
		"an outcome that cannot be asked": {503, "outcome-unknown", "", 1, product.ErrOutcomeUnknown},
		"a fault of the server":           {500, "internal", "", 1, nil},
		"a deadline":                      {503, "timeout", "1", 10, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			keys := make(chan string, 10)
			c := serve(t, newService(t), hurried(), func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					requests.Add(1)
					keys <- r.Header.Get("Idempotency-Key")
					if test.retryAfter != "" {
						w.Header().Set("Retry-After", test.retryAfter)
					}
					w.WriteHeader(test.status)
					_, _ = fmt.Fprintf(w, `{"type":"https://docs.example/#%s","title":"T","status":%d,"detail":"D","instance":"i"}`, test.slug, test.status)
				})
			})
			_, err := c.Create(t.Context(), draft("A"))
			require.Equal(t, test.want, requests.Load())
			var p *client.Problem
			require.ErrorAs(t, err, &p)
			require.Equal(t, test.slug, p.Slug())
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
			close(keys)
			first := <-keys
			require.NotEmpty(t, first)
			for key := range keys {
				require.Equal(t, first, key)
			}
		})
	}
}

func TestAServerThatIsNotThereIsAskedAsOftenAsOptionsSay(t *testing.T) {
	t.Parallel()
	c, err := client.New("http://127.0.0.1:1/v1", &client.Options{Tries: 2, MaxDelay: time.Millisecond})
	require.NoError(t, err)
	_, err = c.Get(t.Context(), uuid.New())
	require.ErrorIs(t, err, product.ErrUnavailable)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	patient, err := client.New("http://127.0.0.1:1/v1", &client.Options{Tries: 1 << 20, MaxDelay: time.Hour})
	require.NoError(t, err)
	_, err = patient.Get(ctx, uuid.New())
	require.ErrorIs(t, err, product.ErrUnavailable)
}

func TestFollowersSeeEveryChange(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	var requests atomic.Int64
	c := serve(t, svc, hurried(), func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1)%2 == 0 {
				panic(http.ErrAbortHandler)
			}
			h.ServeHTTP(w, r)
		})
	})
	const n = 20
	written := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < n && err == nil; i++ {
			_, err = svc.Create(context.Background(), draft(fmt.Sprint("P", i)))
		}
		written <- err
	}()
	seen := 0
	for change, err := range c.Follow(t.Context(), 0) {
		require.NoError(t, err)
		seen++
		require.EqualValues(t, seen, change.Seq)
		if seen == n {
			break
		}
	}
	require.NoError(t, <-written)
	products := 0
	for _, err := range c.All(t.Context(), product.Query{Limit: 7}) {
		require.NoError(t, err)
		products++
	}
	require.Equal(t, n, products)
}

func TestFilesGoOverTheWireAndBack(t *testing.T) {
	t.Parallel()
	here, there := serve(t, newService(t), nil, asIs), serve(t, newService(t), nil, asIs)
	file := "sku,name,price,currency,stock\nA,a,1.99,EUR,3\nB,b,x,EUR,1\nC,c,2.00,EUR,\n"
	var refused []int
	var last feed.Event
	for event, err := range here.Import(t.Context(), strings.NewReader(file), client.Import{}) {
		require.NoError(t, err)
		if event.Kind == feed.EventRefused {
			refused = append(refused, event.Line)
		}
		last = event
	}
	require.Equal(t, []int{3}, refused)
	require.Equal(t, feed.EventSummary, last.Kind)
	require.EqualValues(t, 2, last.Created)
	require.True(t, *last.Complete)

	for _, format := range []feed.Format{feed.Native, feed.NDJSON} {
		var first, second bytes.Buffer
		require.NoError(t, here.Export(t.Context(), &first, product.Query{Currency: "EUR"}, format))
		for _, err := range there.Import(t.Context(), bytes.NewReader(first.Bytes()), client.Import{Format: format}) {
			require.NoError(t, err)
		}
		require.NoError(t, there.Export(t.Context(), &second, product.Query{}, format))
		require.Equal(t, first.String(), second.String())
	}

	for _, err := range here.Import(t.Context(), strings.NewReader("no,such,columns\n"), client.Import{}) {
		require.ErrorIs(t, err, product.ErrInvalid)
	}
	require.ErrorIs(t, here.Export(t.Context(), io.Discard, product.Query{}, "xml"), product.ErrInvalid)
}
