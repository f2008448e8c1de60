// Package bench measures the handler against one that was written by hand and one that was made with
// danielgtaylor/huma, side by side in one run: "make bench-httpapi". It is a module of its own, so
// that nobody who imports the handler pays for huma.
package bench

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

const id = "0190a5d2-7c1e-7000-8000-000000000001"

// item is a product as one would declare it by hand.
type item struct {
	ID        uuid.UUID         `json:"id"`
	SKU       string            `json:"sku"`
	Name      string            `json:"name"`
	Status    string            `json:"status"`
	Price     price             `json:"price"`
	Backorder bool              `json:"backorder"`
	Group     string            `json:"group,omitempty"`
	Options   map[string]string `json:"options,omitempty"`
	Category  string            `json:"category,omitempty"`
	Tags      []string          `json:"tags,omitempty"`
	Vendor    string            `json:"vendor,omitempty"`
	Version   int64             `json:"version"`
	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
}

type price struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

func (i *item) tag() string {
	return `"` + i.ID.String() + "." + strconv.FormatInt(i.Version, 10) + `"`
}

var (
	at     = time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC)
	stored = item{
		ID: uuid.MustParse(id), SKU: "TSHIRT-RED-M", Name: "T-shirt", Status: "active", Price: price{1999, "EUR"},
		Group: "tshirt", Options: map[string]string{"Color": "Red", "Size": "M"}, Category: "apparel/shirts",
		Tags: []string{"men"}, Vendor: "Acme", Version: 3, CreatedAt: at, UpdatedAt: at,
	}
)

// memory is a store that costs nothing.
type memory struct {
	product.Store
	found []product.Product
}

func (m memory) Find(context.Context, []product.Key) ([]product.Product, error) { return m.found, nil }

// getter is where the handlers by hand and with huma have their product from.
type getter func(ctx context.Context, id uuid.UUID) (*item, error)

// catalogue returns a Service of one product, and the handler of it.
func catalogue(t testing.TB) (*product.Service, http.Handler) {
	svc := product.NewService(memory{found: []product.Product{{
		ID: stored.ID, SKU: stored.SKU, Name: stored.Name, Status: product.Status(stored.Status),
		Price: product.Money{Amount: stored.Price.Amount, Currency: stored.Price.Currency}, Group: stored.Group,
		Options: stored.Options, Category: stored.Category, Tags: stored.Tags, Vendor: stored.Vendor,
		Version: stored.Version, CreatedAt: at, UpdatedAt: at,
	}}}, nil)
	t.Cleanup(func() { require.NoError(t, svc.Close(context.Background())) })
	h, err := httpapi.NewHandler(svc, nil)
	require.NoError(t, err)
	return svc, h
}

// direct costs nothing.
func direct(context.Context, uuid.UUID) (*item, error) { return &stored, nil }

// through asks the Service as the handler does, which folds concurrent reads into one query.
func through(svc *product.Service) getter {
	return func(ctx context.Context, id uuid.UUID) (*item, error) {
		_, err := svc.Get(ctx, id)
		return &stored, err
	}
}

func byHand(get getter) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /products/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := uuid.Parse(r.PathValue("id"))
		if err != nil {
			http.Error(w, "bad id", http.StatusBadRequest)
			return
		}
		found, err := get(r.Context(), id)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		body, err := json.Marshal(found)
		if err != nil {
			http.Error(w, "cannot encode", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", found.tag())
		_, _ = w.Write(body)
	})
	return mux
}

func withHuma(get getter) http.Handler {
	type input struct {
		ID string `path:"id" format:"uuid"`
	}
	type output struct {
		ETag string `header:"ETag"`
		Body *item
	}
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Catalogue", "1.0.0")
	config.CreateHooks = nil // adds a link to a schema to every answer, and time
	huma.Get(humago.New(mux, config), "/products/{id}", func(ctx context.Context, in *input) (*output, error) {
		id, err := uuid.Parse(in.ID)
		if err != nil {
			return nil, huma.Error400BadRequest("bad id")
		}
		found, err := get(ctx, id)
		if err != nil {
			return nil, huma.Error404NotFound("not found")
		}
		return &output{ETag: found.tag(), Body: found}, nil
	})
	return mux
}

func request(t testing.TB) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), "GET", "/products/"+id, nil)
	require.NoError(t, err)
	return r
}

func TestTheContendersAnswerAlike(t *testing.T) {
	t.Parallel()
	svc, ours := catalogue(t)
	answer := func(h http.Handler) []string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(t))
		require.Equal(t, http.StatusOK, w.Code)
		return []string{w.Header().Get("Content-Type"), w.Header().Get("ETag"), strings.TrimSuffix(w.Body.String(), "\n")}
	}
	for _, get := range []getter{direct, through(svc)} {
		require.Equal(t, answer(ours), answer(byHand(get)))
		require.Equal(t, answer(ours), answer(withHuma(get)))
	}
}
