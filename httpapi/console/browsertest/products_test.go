package browsertest

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/httpapi/console"
	"github.com/productkit-go/productkit/product"
)

// shelf is a catalogue with a bit of everything.
func shelf(t *testing.T, s *site) {
	t.Helper()
	var drafts []product.Draft
	add := func(name, sku string, amount, stock int64, change func(p *product.Product)) {
		d := product.Draft{Stock: &stock, Product: product.Product{SKU: sku, Name: name, Status: product.StatusActive,
			Price: product.Money{Amount: amount, Currency: "EUR"}, Category: "kitchen/mugs", Vendor: "Acme"}}
		if change != nil {
			change(&d.Product)
		}
		drafts = append(drafts, d)
	}
	for i := range 30 {
		add(fmt.Sprintf("Enamel mug no. %02d", i), fmt.Sprintf("MUG-%02d", i), int64(1200+10*i), int64(i), nil)
	}
	for _, size := range []string{"S", "M", "L"} {
		add("T-shirt, heavy cotton", "TEE-"+size, 2400, 12, func(p *product.Product) {
			p.Group, p.Options, p.Category = "tee", map[string]string{"Size": size}, "apparel/shirts"
		})
	}
	add("Kettle of copper", "KETTLE", 123456, 3, func(p *product.Product) { p.Status = product.StatusDraft })
	add("Teapot", "POT", 4900, 0, func(p *product.Product) { p.Backorder = true; p.Price.Currency = "JPY" })
	s.create(t, drafts...)
}

func TestProducts(t *testing.T) {
	t.Parallel()
	eachEngine(t, &console.Options{PageSize: 20}, func(t *testing.T, s *site) {
		shelf(t, s)
		b := s.open(t, "/")
		b.reads("35 products")
		b.accessible()

		// As one types, without a load of the page.
		eval[bool](b, "window.same = true")
		b.run(chromedp.SendKeys(chromedp.CSS("#q"), "kettl"))
		b.reads("1 product")
		b.until(`document.getElementById("live").textContent.trim() === "1 product"`)
		require.Contains(t, eval[string](b, "location.search"), "q=kettl")
		require.True(t, eval[bool](b, `window.same && document.activeElement.id === "q"`))
		b.visit("/products?sort=name")

		// Both ways, and back by the browser's button.
		first := eval[string](b, `document.querySelector("tbody").innerText`)
		b.click("#next")
		b.until(`document.getElementById("prev")`)
		require.NotEqual(t, first, eval[string](b, `document.querySelector("tbody").innerText`))
		b.click("#prev")
		b.until(`!document.getElementById("prev")`)
		require.Equal(t, first, eval[string](b, `document.querySelector("tbody").innerText`))
		b.run(chromedp.NavigateBack())
		b.until(`document.getElementById("prev")`)

		// Sorting, and variants that unfold.
		b.visit("/products?sort=-name")
		b.until(`document.querySelector("[aria-sort=descending]")`)
		require.Equal(t, 1, eval[int](b, `document.querySelectorAll("a.fold").length`))
		b.click("a.fold")
		b.until(`document.querySelectorAll("tr.variant").length === 3`)
		require.True(t, eval[bool](b, `document.activeElement.classList.contains("fold")`), "the focus stays")
		b.accessible()
		b.click("#by-sku")
		b.until(`document.querySelector("[aria-sort=ascending]")`)

		// A choice beside the products filters too.
		b.choose("#status", "draft")
		b.reads("1 product")
		require.Contains(t, eval[string](b, "location.search"), "sort=sku", "the order stays")

		b.visit("/products")
		b.click("details.columns > summary")
		b.click("input[value=barcode]")
		b.click("details.columns button.primary")
		b.until(`[...document.querySelectorAll("thead th")].some(h => h.innerText === "Barcode")`)

		b.expects("422")
		b.visit("/products?currency=EURO&price_min=1")
		b.until(`document.querySelector("#currency[aria-invalid]")`)
		b.accessible()
		b.fill("#currency", "EUR")
		b.click("form.filter button.primary")
		b.until(`!document.querySelector("#currency[aria-invalid]") && document.querySelector("tbody")`)

		b.visit("/products?sort=name")
		b.click("tbody th a")
		b.reads("Enamel mug no. 00")
		b.accessible()
		b.expects("404")
		b.visit("/nowhere")
		b.reads("Not found")
		b.accessible()
	})
}

func TestAnEmptyCatalogue(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(t *testing.T, s *site) {
		b := s.open(t, "/products")
		b.reads("There are no products yet")
		b.accessible()
	})
}

// Without script every control is a form or a link.
func TestProductsWithoutScript(t *testing.T) {
	t.Parallel()
	eachEngine(t, &console.Options{PageSize: 20}, func(t *testing.T, s *site) {
		shelf(t, s)
		b := s.open(t, "/products")
		b.scriptless()
		b.fill("#q", "enamel")
		b.click("form.filter button.primary")
		b.reads("30 products")
		b.click("#next")
		b.until(`document.getElementById("prev")`)
		b.visit("/products?sort=-name")
		b.click("a.fold")
		b.until(`document.querySelectorAll("tr.variant").length === 3`)
	})
}

const key = "a-key-of-more-than-20-characters"

func TestSignIn(t *testing.T) {
	t.Parallel()
	authorize := func(r *http.Request, op httpapi.Operation) (string, error) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			return "", httpapi.ErrUnauthenticated
		}
		return "ann", nil
	}
	eachEngine(t, &console.Options{Authorize: authorize, SignIn: true}, func(t *testing.T, s *site) {
		b := s.open(t, "/products?q=mug")
		b.reads("Sign in")
		b.accessible()
		b.expects("422")
		b.fill("#key", "wrong")
		b.click("main button")
		b.until(`document.querySelector("#key[aria-invalid]")`)
		b.accessible()
		b.fill("#key", key)
		b.click("main button")
		b.reads("Nothing matches this filter")
		require.Empty(t, eval[string](b, "document.cookie"), "scripts see no key")
		require.Contains(t, eval[string](b, "location.search"), "q=mug")
		b.click("header button")
		b.reads("Sign in")
	})
}
