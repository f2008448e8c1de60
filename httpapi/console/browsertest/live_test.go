package browsertest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi/console"
	"github.com/productkit-go/productkit/product"
)

// server serves a console at one address, and may be stopped and started again there.
type server struct {
	address string
	stop    func()
}

// start serves a console of the site's catalogue at the server's address.
func (s *server) start(t *testing.T, of *site, opts console.Options) {
	t.Helper()
	if s.address == "" {
		s.address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", s.address)
	require.NoError(t, err)
	s.address = listener.Addr().String()
	opts.Prefix = "/console"
	h, err := console.NewHandler(of.svc, &opts)
	require.NoError(t, err)
	serving := &http.Server{Handler: h}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = serving.Serve(listener)
	}()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		require.NoError(t, h.Close(ctx))
		_ = serving.Shutdown(ctx)
		_ = serving.Close()
		<-ended
	}
	t.Cleanup(s.stop)
}

// at is the site as that server shows it.
func (s *site) at(served *server) *site {
	other := *s
	other.url = "http://" + served.address + "/console"
	return &other
}

func TestChanges(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(t *testing.T, s *site) {
		stock := int64(5)
		s.create(t, product.Draft{Stock: &stock, Product: product.Product{SKU: "POT", Name: "Teapot", Status: product.StatusActive, Price: product.Money{Amount: 4900, Currency: "EUR"}}})
		pot, err := s.svc.GetBySKU(t.Context(), "POT")
		require.NoError(t, err)
		rename := func(name string) {
			t.Helper()
			_, err := s.svc.Update(product.WithActor(t.Context(), "ann"), pot.ID, product.Patch{Name: &name}, product.Expect{})
			require.NoError(t, err)
		}
		var served server
		served.start(t, s, console.Options{})
		ann, ben := s.at(&served).open(t, "/changes"), s.at(&served).open(t, "/changes")
		ann.reads("Changes are shown as they happen")
		ben.reads("Changes are shown as they happen")
		rename("Teapot of glass")
		for _, b := range []*tab{ann, ben} {
			b.reads("Teapot of glass")
			b.until(`document.querySelector("#changes tr").innerText.includes("Teapot of glass")`)
			b.until(`document.getElementById("live").textContent === "1 new change"`)
		}
		ann.accessible()

		ann.click("#pause")
		ann.reads("Paused")
		rename("Teapot of clay")
		ann.reads("1 change waits")
		ben.reads("Teapot of clay")
		require.Equal(t, 3, eval[int](ann, `document.querySelectorAll("#changes tr").length`))
		ann.click("#pause")
		ann.reads("Teapot of clay")

		// The server is away for a while, and nothing is lost.
		for _, b := range []*tab{ann, ben} {
			b.expects("ERR_")
		}
		served.stop()
		ann.reads("The server does not answer")
		for i := range 3 {
			rename(fmt.Sprintf("Teapot no. %d", i))
		}
		served.start(t, s, console.Options{})
		for _, b := range []*tab{ann, ben} {
			b.reads("Changes are shown as they happen")
			b.until(`document.querySelectorAll("#changes tr").length === 7`)
			require.True(t, eval[bool](b, `document.querySelector("#changes tr").innerText.includes("Teapot no. 2")`))
		}

		ben.scriptless()
		rename("Teapot of iron")
		ben.run(chromedp.Click(chromedp.CSS(".actions a"), chromedp.NodeVisible))
		ben.reads("Teapot of iron")
		ben.click("#changes a")
		ben.until(`document.querySelector("h1").innerText === "Teapot of iron"`)
	})
}

func TestSample(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(t *testing.T, s *site) {
		b := s.open(t, "/products")
		b.click(".sample button")
		b.reads("42 products")
		b.shoot()
	})
}
