package client_test

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/httpapi/client"
	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqltest.Main(m)) }

// catalogue is what a host may want to have near or far.
type catalogue interface {
	Create(ctx context.Context, d product.Draft) (product.Product, error)
	Get(ctx context.Context, id uuid.UUID) (product.Product, error)
	GetBySKU(ctx context.Context, sku string) (product.Product, error)
	Lookup(ctx context.Context, keys []product.Key) ([]product.Product, []product.Key, error)
	Update(ctx context.Context, id uuid.UUID, p product.Patch, e product.Expect) (product.Product, error)
	Upsert(ctx context.Context, d product.Draft, e product.Expect) (product.Product, product.Result, error)
	Delete(ctx context.Context, id uuid.UUID, e product.Expect) error
	Restore(ctx context.Context, id uuid.UUID, e product.Expect) (product.Product, error)
	Stock(ctx context.Context, id uuid.UUID) (product.Stock, error)
	AdjustStock(ctx context.Context, id uuid.UUID, delta int64, reason string, e product.Expect) (product.Stock, error)
	SetStock(ctx context.Context, id uuid.UUID, onHand int64, e product.Expect) (product.Stock, error)
	Reserve(ctx context.Context, key string, items []product.ReservationItem, expiry time.Duration) (product.Reservation, product.Result, error)
	Commit(ctx context.Context, key string) (product.Reservation, error)
	Release(ctx context.Context, key string) (product.Reservation, error)
	Reservation(ctx context.Context, key string) (product.Reservation, error)
	List(ctx context.Context, q product.Query) (product.Page, error)
	Count(ctx context.Context, q product.Query) (product.Count, error)
	History(ctx context.Context, id uuid.UUID, q product.HistoryQuery) (product.HistoryPage, error)
	Changes(ctx context.Context, after product.Seq, limit int) ([]product.Change, error)
	Batch(ctx context.Context, ops []product.Operation) ([]product.Outcome, error)
	AtomicBatch(ctx context.Context, ops []product.Operation) ([]product.Outcome, error)
	UpdateGroup(ctx context.Context, group string, p product.Patch) ([]product.Product, error)
	Categories(ctx context.Context, q product.CategoryQuery) (product.Category, error)
	All(ctx context.Context, q product.Query) iter.Seq2[product.Product, error]
	Follow(ctx context.Context, after product.Seq) iter.Seq2[product.Change, error]
	AwaitChanges(ctx context.Context, after product.Seq, limit int) ([]product.Change, error)
}

var (
	_ catalogue = (*product.Service)(nil)
	_ catalogue = (*client.Client)(nil)
)

func newService(t *testing.T) *product.Service {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	return serviceOn(t, db)
}

func serviceOn(t *testing.T, db *sql.DB) *product.Service {
	t.Helper()
	t.Cleanup(func() { _ = db.Close() })
	require.NoError(t, sqlstore.Migrate(t.Context(), db, nil))
	store, err := sqlstore.New(t.Context(), db, nil)
	require.NoError(t, err)
	svc := product.NewService(store, nil)
	t.Cleanup(func() { _ = svc.Close(context.Background()) })
	return svc
}

// serve returns a client of a service behind what wrap puts before its handler.
func serve(t *testing.T, svc *product.Service, opts *client.Options, wrap func(http.Handler) http.Handler) *client.Client {
	t.Helper()
	h, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: "/v1", MaxImports: -1})
	require.NoError(t, err)
	server := httptest.NewServer(wrap(h))
	t.Cleanup(server.Close)
	t.Cleanup(h.Drain)
	if opts == nil {
		opts = &client.Options{}
	}
	opts.HTTP = server.Client()
	c, err := client.New(server.URL+"/v1/", opts)
	require.NoError(t, err)
	return c
}

func asIs(h http.Handler) http.Handler { return h }

// eachSide runs a test on a Service, and on clients of others on every engine.
func eachSide(t *testing.T, test func(t *testing.T, c catalogue)) {
	t.Helper()
	t.Run("service", func(t *testing.T) {
		t.Parallel()
		test(t, newService(t))
	})
	t.Run("client", func(t *testing.T) {
		t.Parallel()
		test(t, serve(t, newService(t), nil, asIs))
	})
	mysqltest.Each(t, func(t *testing.T, d *mysqltest.Database) {
		db, err := sql.Open("mysql", d.DSN())
		require.NoError(t, err)
		test(t, serve(t, serviceOn(t, db), nil, asIs))
	})
}

func draft(sku string) product.Draft {
	return product.Draft{Product: product.Product{SKU: sku, Name: "Thing " + sku, Price: product.Money{Amount: 1999, Currency: "EUR"}}}
}

func TestAProductsLifeIsTheSameNearAndFar(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, c catalogue) {
		ctx := t.Context()
		d := draft("a/b c%?"[:3])
		d.Stock = new(int64(5))
		d.Status, d.Group, d.Options, d.Tags = product.StatusActive, "g", map[string]string{"Size": "M"}, []string{"x", "y"}
		d.PublishAt = time.Date(2020, 1, 2, 3, 4, 5, 678000, time.UTC)
		d.CompareAt = &product.Money{Amount: 2999, Currency: "EUR"}
		d.Images = []product.Image{{URL: "https://shop.example/a.jpg", Alt: "an <a>"}}
		d.Attributes = []byte(`{"a":"<b>","n":1.10}`)
		p, err := c.Create(ctx, d)
		require.NoError(t, err)
		want := d.Product
		want.ID, want.Version, want.CreatedAt, want.UpdatedAt = p.ID, 1, p.CreatedAt, p.CreatedAt
		require.Equal(t, want, p)
		for _, read := range []func() (product.Product, error){
			func() (product.Product, error) { return c.Get(ctx, p.ID) },
			func() (product.Product, error) { return c.GetBySKU(ctx, p.SKU) },
		} {
			got, err := read()
			require.NoError(t, err)
			require.Equal(t, p, got)
		}

		patch := product.Patch{Name: new("New"), PublishAt: new(time.Time{}), Price: &product.MoneyPatch{Amount: new(int64(5))},
			Options: &product.OptionsPatch{Set: map[string]*string{"Size": nil, "Fit": new("slim")}}, CompareAt: &product.MoneyPatch{Clear: true},
			Attributes: &product.AttributesPatch{Merge: []byte(`{"a":null,"b":2}`)}}
		next, err := c.Update(ctx, p.ID, patch, product.IfVersion(1))
		require.NoError(t, err)
		want.Name, want.PublishAt, want.Price.Amount, want.CompareAt = "New", time.Time{}, 5, nil
		want.Options, want.Attributes = map[string]string{"Fit": "slim"}, []byte(`{"b":2,"n":1.10}`)
		want.Version, want.UpdatedAt = 2, next.UpdatedAt
		require.Equal(t, want, next)
		_, err = c.Update(ctx, p.ID, patch, product.Expect{Match: []product.Revision{p.Revision()}})
		require.ErrorIs(t, err, product.ErrPreconditionFailed)
		_, err = c.Update(ctx, p.ID, patch, product.Expect{Match: []product.Revision{}})
		require.ErrorIs(t, err, product.ErrPreconditionFailed)

		replaced, result, err := c.Upsert(ctx, draft(p.SKU), product.Expect{Match: []product.Revision{next.Revision()}})
		require.NoError(t, err)
		require.Equal(t, product.Updated, result)
		require.EqualValues(t, 3, replaced.Version)
		_, _, err = c.Upsert(ctx, draft(p.SKU), product.Expect{Absent: true})
		require.ErrorIs(t, err, product.ErrPreconditionFailed)
		other, result, err := c.Upsert(ctx, draft("B"), product.Expect{Absent: true})
		require.NoError(t, err)
		require.Equal(t, product.Created, result)

		require.NoError(t, c.Delete(ctx, p.ID, product.IfVersion(3)))
		_, err = c.Get(ctx, p.ID)
		require.ErrorIs(t, err, product.ErrNotFound)
		restored, err := c.Restore(ctx, p.ID, product.Expect{Exists: true})
		require.NoError(t, err)
		require.EqualValues(t, 5, restored.Version)

		found, missing, err := c.Lookup(ctx, []product.Key{product.ByID(p.ID), product.BySKU("B"), product.BySKU("C")})
		require.NoError(t, err)
		require.Len(t, found, 2)
		require.Equal(t, []product.Key{product.BySKU("C")}, missing)

		history, err := c.History(ctx, p.ID, product.HistoryQuery{Limit: 2})
		require.NoError(t, err)
		require.Len(t, history.Changes, 2)
		require.Equal(t, product.ChangeUpdated, history.Changes[1].Kind)
		require.JSONEq(t, `"New"`, string(history.Changes[1].Fields[0].After))
		history, err = c.History(ctx, p.ID, product.HistoryQuery{Cursor: history.Next})
		require.NoError(t, err)
		require.Equal(t, product.ChangeStock, history.Changes[len(history.Changes)-1].Kind)

		changes, err := c.Changes(ctx, 0, 3)
		require.NoError(t, err)
		require.Len(t, changes, 3)
		require.Equal(t, p.ID, changes[0].ProductID)
		changes, err = c.AwaitChanges(ctx, 2, 100)
		require.NoError(t, err)
		require.EqualValues(t, 3, changes[0].Seq)
		require.Equal(t, other.ID, changes[2].ProductID)
	})
}

func TestStockIsTheSameNearAndFar(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, c catalogue) {
		p, err := c.Create(t.Context(), draft("A"))
		require.NoError(t, err)
		s, err := c.SetStock(t.Context(), p.ID, 5, product.IfVersion(1))
		require.NoError(t, err)
		require.Equal(t, product.Stock{ProductID: p.ID, OnHand: 5, Version: 2}, s)
		s, err = c.AdjustStock(t.Context(), p.ID, -3, "order 17", product.Expect{Match: []product.Revision{s.Revision()}})
		require.NoError(t, err)
		got, err := c.Stock(t.Context(), p.ID)
		require.NoError(t, err)
		require.Equal(t, s, got)
		_, err = c.AdjustStock(t.Context(), p.ID, -3, "order 18", product.Expect{})
		var short *product.StockError
		require.ErrorAs(t, err, &short)
		require.Equal(t, product.StockError{ProductID: p.ID, SKU: "A", Wanted: 3, Available: 2}, *short)
		_, err = c.SetStock(t.Context(), uuid.New(), 1, product.Expect{})
		require.ErrorIs(t, err, product.ErrNotFound)
	})
}

func TestErrorsAreTheSameNearAndFar(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, c catalogue) {
		p, err := c.Create(t.Context(), draft("A"))
		require.NoError(t, err)
		_, err = c.Create(t.Context(), draft("A"))
		var taken *product.TakenError
		require.ErrorAs(t, err, &taken)
		require.Equal(t, p.ID, taken.By)
		bad := draft("B")
		bad.Name, bad.Price.Currency = "", "EURO"
		_, err = c.Create(t.Context(), bad)
		var invalid *product.InvalidError
		require.ErrorAs(t, err, &invalid)
		require.Len(t, invalid.Faults, 2)
		_, err = c.List(t.Context(), product.Query{Sort: product.SortPrice})
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, "currency", invalid.Faults[0].Field)
		_, err = c.List(t.Context(), product.Query{Cursor: "x"})
		require.ErrorIs(t, err, product.ErrBadCursor)
		_, err = c.GetBySKU(t.Context(), "../products")
		require.ErrorIs(t, err, product.ErrNotFound)
		ctx := product.WithIdempotencyKey(t.Context(), "key")
		_, err = c.Create(ctx, draft("C"))
		require.NoError(t, err)
		require.False(t, product.Replayed(ctx))
		_, err = c.Create(ctx, draft("C"))
		require.NoError(t, err)
		require.True(t, product.Replayed(ctx))
		_, err = c.Create(ctx, draft("D"))
		require.ErrorIs(t, err, product.ErrKeyReused)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = c.Get(ended, p.ID)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestListsAreTheSameNearAndFar(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, c catalogue) {
		for _, sku := range []string{"A", "B", "C", "D", "E"} {
			d := draft(sku)
			d.Vendor, d.Stock = "Ä & Co", new(int64(1))
			_, err := c.Create(t.Context(), d)
			require.NoError(t, err)
		}
		q := product.Query{Vendor: "Ä & Co", Status: product.StatusDraft, Currency: "EUR", PriceMin: new(int64(1)), PriceMax: new(int64(5000)),
			InStock: new(true), Published: new(false), SKUPrefix: "", UpdatedSince: time.Unix(1, 0), Sort: product.SortNameDesc, Limit: 2}
		page, err := c.List(t.Context(), q)
		require.NoError(t, err)
		require.Len(t, page.Items, 2)
		require.Equal(t, "E", page.Items[0].SKU)
		q.Cursor = page.Next
		page, err = c.List(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, "C", page.Items[0].SKU)
		count, err := c.Count(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, product.Count{Value: 5, Exact: true}, count)
	})
}

func TestWhatAMergePatchCannotSayIsRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	c := serve(t, newService(t), nil, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	})
	var invalid *product.InvalidError
	_, err := c.Update(t.Context(), uuid.New(), product.Patch{Attributes: &product.AttributesPatch{Clear: true, Merge: []byte(`{}`)}}, product.Expect{})
	require.ErrorAs(t, err, &invalid)
	_, _, err = c.Upsert(t.Context(), draft("A"), product.IfVersion(1))
	require.ErrorAs(t, err, &invalid)
	_, err = c.Create(t.Context(), product.Draft{Product: product.Product{Attributes: []byte("{")}})
	require.ErrorAs(t, err, &invalid)
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "shop.example/v1", "ftp://shop.example", "https://shop.example/v1?x=1", "https://shop.example/%zz"} {
		_, err := client.New(base, nil)
		require.Error(t, err, base)
	}
	_, err := client.New("https://shop.example", &client.Options{HTTP: &http.Client{Timeout: time.Second}})
	require.ErrorContains(t, err, "leave it zero")
}

func TestAnAnswerOfSomethingBetweenIsAProblemToo(t *testing.T) {
	t.Parallel()
	c := serve(t, newService(t), &client.Options{Tries: -1}, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte("<html>"))
		})
	})
	_, err := c.Get(t.Context(), uuid.New())
	var p *client.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, 502, p.Status)
	require.ErrorIs(t, err, product.ErrUnavailable)
	_, err = c.Create(t.Context(), draft("A"))
	require.ErrorIs(t, err, product.ErrOutcomeUnknown)
	require.False(t, errors.Is(err, product.ErrUnavailable))
}
