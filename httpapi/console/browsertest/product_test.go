package browsertest

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

// kettle is a product with something of everything.
func kettle(t *testing.T, s *site) product.Product {
	t.Helper()
	s.create(t, product.Draft{Stock: new(int64(3)), Product: product.Product{SKU: "KETTLE", Name: "Kettle of copper", Description: "Holds 1.5 litres.\nFor every hob.",
		Status: product.StatusActive, Price: product.Money{Amount: 12900, Currency: "EUR"}, CompareAt: &product.Money{Amount: 14900, Currency: "EUR"}, Category: "kitchen/kettles",
		Vendor: "Acme", Tags: []string{"copper", "gift"}, Options: map[string]string{"Size": "1.5 l"}, Group: "kettle", WeightGrams: 1450, Barcode: "4006381333931",
		Images: []product.Image{{URL: "https://shop.example/kettle.jpg", Alt: "From the side"}}, Attributes: []byte(`{"care":["no dishwasher"]}`)}})
	p, err := s.svc.GetBySKU(t.Context(), "KETTLE")
	require.NoError(t, err)
	return p
}

// A product's life, from an empty form to its deletion and back, by keys and by clicks.
func TestOneProduct(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(t *testing.T, s *site) {
		kettle(t, s)
		b := s.open(t, "/products")
		b.click(".head a.button")
		b.until(`document.activeElement.id === "name"`)
		require.Equal(t, "EUR", eval[string](b, `document.querySelector("[name='price.currency']").value`))

		// The server checks what is typed, field by field, and nothing that is not typed yet.
		b.run(chromedp.KeyEvent("Jug" + kb.Tab + "KETTLE" + kb.Tab))
		b.until(`document.querySelector("#sku[aria-invalid]") && document.getElementById("sku-fault").innerText.includes("is taken")`)
		require.Empty(t, eval[string](b, `document.getElementById("price-fault").innerText`))
		b.fill("[name='price.currency']", "jpy")
		b.fill("#price", "19.5")
		b.run(chromedp.KeyEvent(kb.Tab))
		b.until(`document.getElementById("price-fault").innerText.includes("0 decimal digits of JPY") && document.getElementById("price-hint").innerText.includes("JPY has no decimals")`)
		b.accessible()
		b.expects("422")
		b.click("#save")
		b.until(`document.activeElement.id === "sku"`) // the first that is wrong
		b.reads("Nothing was saved")
		b.accessible()
		b.fill("#sku", "JUG")
		b.fill("#price", "1950")
		b.fill("#stock", "2")
		b.run(chromedp.KeyEvent(kb.Enter))
		b.reads("The product was added")
		b.reads("1,950 JPY")

		// Stock.
		b.fill("#delta", "-5")
		b.fill("#reason", "broken")
		b.run(chromedp.KeyEvent(kb.Enter))
		b.until(`document.querySelector("#delta[aria-invalid]")`)
		b.reads("takes 5, and 2 are available")
		b.fill("#delta", "-1")
		b.click("#change button")
		b.reads("The stock was changed")
		require.Equal(t, "1", eval[string](b, `document.getElementById("on-hand").innerText`))

		// Deleting and restoring.
		b.click(".danger summary")
		b.accessible()
		b.click(".danger button")
		b.reads("The product was deleted")
		b.accessible()
		b.click("#restore")
		b.reads("The product is back")

		b.click("a[href$='/history']")
		b.reads("broken")
		b.accessible()
	})
}

// Two people edit one product: who saves later sees both versions, chooses, and loses nothing. So it is
// without script, too.
func TestTwoEditOneProduct(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(t *testing.T, s *site) {
		p := kettle(t, s)
		edit := "/products/" + p.ID.String() + "/edit"
		ann, bob := s.open(t, edit), s.open(t, edit)
		bob.scriptless()
		bob.fill("#name", "Kettle of steel")
		bob.fill("#vendor", "Other")
		bob.click("#save")
		bob.reads("Saved.")

		ann.expects("409")
		ann.fill("#name", "Kettle of brass")
		ann.fill("#price", "99")
		ann.click("#save")
		ann.reads("2 fields differ")
		ann.reads("Kettle of steel")
		require.Equal(t, []string{"Kettle of brass", "99"}, eval[[]string](ann, `[document.getElementById("name").value, document.getElementById("price").value]`))
		require.Equal(t, []string{"mine", "theirs"}, eval[[]string](ann, `[...document.querySelectorAll("[type=radio]:checked")].map(r => r.value)`))
		ann.accessible()

		// Meanwhile Bob once more, and then Ann prefers a third vendor.
		bob.click(".acts a.primary")
		bob.until(`document.getElementById("sku")`)
		bob.fill("#sku", "KETTLE-2")
		bob.click("#save")
		bob.reads("Saved.")
		ann.fill("#vendor", "Third")
		require.Equal(t, "mine", eval[string](ann, `document.querySelector("[name='take.vendor']:checked").value`), "who types means that")
		ann.click("#save")
		ann.reads("3 fields differ")
		ann.click("#save")
		ann.reads("Saved.")
		q, err := s.svc.Get(t.Context(), p.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"Kettle of brass", "KETTLE-2", "Third", "99.00 EUR"}, []string{q.Name, q.SKU, q.Vendor, q.Price.String()})

		// Bob, who has no script, takes theirs.
		bob.visit(edit)
		bob.fill("#name", "Kettle")
		ann.click(".acts a.primary")
		ann.until(`document.getElementById("sku")`)
		ann.fill("#name", "Brass kettle")
		ann.click("#save")
		ann.reads("Saved.")
		bob.expects("409")
		bob.click("#save")
		bob.reads("One field differs")
		bob.click("[name='take.name'][value=theirs]")
		bob.click("#save")
		bob.reads("Brass kettle")
	})
}

// A form that is open while the server is replaced is saved by the next one.
func TestASessionOutlivesTheServer(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(t *testing.T, s *site) {
		p := kettle(t, s)
		b := s.open(t, "/products/"+p.ID.String()+"/edit")
		b.expects("ERR_CONNECTION") // what is checked while nobody listens
		b.expects("htmx:sendError")
		b.expects("409")
		s.stop()
		b.fill("#name", "Kettle of brass")
		b.run(chromedp.KeyEvent(kb.Tab))
		b.reads("The server does not answer")
		s.start(t)
		b.click("#save")
		b.reads("Saved.")
		q, err := s.svc.Get(t.Context(), p.ID)
		require.NoError(t, err)
		require.Equal(t, "Kettle of brass", q.Name)
		require.Equal(t, int64(2), q.Version)
	})
}
