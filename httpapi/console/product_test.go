package console_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi/console"
	"github.com/productkit-go/productkit/product"
)

// whole is a product with every member, some of them hard to write in a line.
func whole(t testing.TB, svc *product.Service) product.Product {
	t.Helper()
	p, err := svc.Create(t.Context(), product.Draft{Stock: new(int64(7)), Product: product.Product{
		SKU: "TEE-M", Name: "T-shirt <heavy> & \"fine\"", Description: "\nOf cotton.\r\n\r\n  Washed. ", Status: product.StatusActive,
		PublishAt: time.Date(2026, 1, 31, 10, 0, 5, 123456000, time.UTC), UnpublishAt: time.Date(2027, 1, 31, 10, 0, 0, 0, time.UTC),
		Price: product.Money{Amount: 199900, Currency: "KWD"}, CompareAt: &product.Money{Amount: 299900, Currency: "KWD"}, Backorder: true,
		Group: "tee", Options: map[string]string{"Size": "M: wide", "Fit: \"cut\"": "a, b", `"q`: "x"}, Category: "apparel/shirts", Tags: []string{"men, boys", "été"},
		Vendor: "Acme", Barcode: "4006381333931", WeightGrams: 180, Images: []product.Image{{URL: "https://shop.example/a b.jpg", Alt: "The front"}, {URL: "https://shop.example/c.jpg"}},
		Attributes: json.RawMessage(`{"care":{"wash":30},"n":1.10,"none":null}`),
	}})
	require.NoError(t, err)
	return p
}

// fields are what the form on a page would send.
func fields(p seen) url.Values {
	values := url.Values{}
	get := func(tag, name string) string {
		m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
		if m == nil {
			return ""
		}
		return html.UnescapeString(m[1])
	}
	form := regexp.MustCompile(`(?s)<form id="product".*?</form>`).FindString(p.body)
	for _, tag := range regexp.MustCompile(`<input [^>]*>`).FindAllString(form, -1) {
		if kind := get(tag, "type"); kind == "checkbox" || kind == "radio" {
			if !strings.Contains(tag, " checked") {
				continue
			}
		}
		values.Set(get(tag, "name"), get(tag, "value"))
	}
	for _, m := range regexp.MustCompile(`(?s)<textarea id="[^"]*" name="([^"]*)"[^>]*>\n(.*?)</textarea>`).FindAllStringSubmatch(form, -1) {
		values.Set(m[1], strings.ReplaceAll(html.UnescapeString(m[2]), "\n", "\r\n"))
	}
	for _, m := range regexp.MustCompile(`(?s)<select id="[^"]*" name="([^"]*)".*?<option value="([^"]*)" selected`).FindAllStringSubmatch(form, -1) {
		values.Set(m[1], m[2])
	}
	return values
}

func TestAFormThatIsSentAsItCameChangesNothing(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	p := whole(t, svc)
	v := visit(t, newHandler(t, svc, &console.Options{Prefix: "/console"}))
	page := "/console/products/" + p.ID.String()
	form := fields(v.get(page + "/edit"))
	require.Equal(t, "199.900", form.Get("price"))
	s := v.post(page+"/edit", form)
	require.Equal(t, 303, s.status)
	same, err := svc.Get(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, p, same)

	// And what is read from it makes the same product, but for what a form cannot hold.
	form.Set("sku", "TEE-L")
	form.Set("barcode", "")
	form.Set("group", "")
	form.Set("stock", "3")
	s = v.post("/console/products/new", form)
	require.Equal(t, 303, s.status, s.body)
	page, _, _ = strings.Cut(s.header.Get("Location"), "?")
	other, err := svc.GetBySKU(t.Context(), "TEE-L")
	require.NoError(t, err)
	require.Equal(t, "/console/products/"+other.ID.String(), page)
	require.Equal(t, "\nOf cotton.\n\n  Washed. ", other.Description)
	p.ID, p.SKU, p.Barcode, p.Group, p.Description, p.PublishAt = other.ID, other.SKU, "", "", other.Description, p.PublishAt.Truncate(time.Second)
	p.CreatedAt, p.UpdatedAt = other.CreatedAt, other.UpdatedAt
	require.Equal(t, p, other)
	again := v.post("/console/products/new", form)
	require.Equal(t, s.header.Get("Location"), again.header.Get("Location"), "sent twice, made once")

	shown := v.get(page)
	for _, want := range []string{"199.900 <span class=\"unit\">KWD", "T-shirt &lt;heavy&gt;", "men, boys", "2026-01-31 10:00", "The front", "&#34;wash&#34;: 30"} {
		require.Contains(t, shown.body, want)
	}
}

func TestEveryMemberIsChangedAndTakenAway(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	p := whole(t, svc)
	v := visit(t, newHandler(t, svc, nil))
	page := "/products/" + p.ID.String()
	form := fields(v.get(page + "/edit"))
	for name, value := range map[string]string{
		"sku": " TEE-XL ", "name": "Shirt", "description": "x", "status": "archived", "publish_at": "2026-02-01 09:30", "unpublish_at": "2028-01-01T00:00",
		"price": "1999", "price.currency": "jpy", "compare_at": "2999", "group": "shirt", "options": "Size: XL\r\nFit: slim", "category": "apparel", "tags": "a\r\n\r\n b ",
		"vendor": "Other", "barcode": "96385074", "weight_grams": "200", "images": "https://shop.example/x.jpg  Back ", "attributes": "{\r\n\"b\": 1, \"a\": [2]}",
	} {
		form.Set(name, value)
	}
	form.Del("backorder")
	s := v.post(page+"/edit", form)
	require.Equal(t, 303, s.status, s.body)
	q, err := svc.Get(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, product.Product{ID: p.ID, SKU: "TEE-XL", Name: "Shirt", Description: "x", Status: product.StatusArchived,
		PublishAt: time.Date(2026, 2, 1, 9, 30, 0, 0, time.UTC), UnpublishAt: time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC),
		Price: product.Money{Amount: 1999, Currency: "JPY"}, CompareAt: &product.Money{Amount: 2999, Currency: "JPY"}, Group: "shirt",
		Options: map[string]string{"Size": "XL", "Fit": "slim"}, Category: "apparel", Tags: []string{"a", "b"}, Vendor: "Other", Barcode: "96385074", WeightGrams: 200,
		Images: []product.Image{{URL: "https://shop.example/x.jpg", Alt: "Back"}}, Attributes: json.RawMessage(`{"a":[2],"b":1}`), Version: 2, CreatedAt: p.CreatedAt, UpdatedAt: q.UpdatedAt}, q)

	form = fields(v.get(page + "/edit"))
	for _, name := range []string{"description", "publish_at", "unpublish_at", "compare_at", "group", "options", "category", "tags", "vendor", "barcode", "weight_grams", "images", "attributes"} {
		form.Set(name, "")
	}
	require.Equal(t, 303, v.post(page+"/edit", form).status)
	q, err = svc.Get(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, product.Product{ID: p.ID, SKU: "TEE-XL", Name: "Shirt", Status: product.StatusArchived, Price: product.Money{Amount: 1999, Currency: "JPY"}, Version: 3, CreatedAt: p.CreatedAt, UpdatedAt: q.UpdatedAt}, q)

	history := v.get(page + "/history")
	for _, want := range []string{"199.900 KWD", "1,999 JPY", "TEE-M", "TEE-XL", "Size: XL", "On hand"} {
		require.Contains(t, history.body, want)
	}
}

func TestFaultsStandAtTheirFields(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	p := whole(t, svc)
	v := visit(t, newHandler(t, svc, nil))
	form := url.Values{"sku": {"a b"}, "name": {""}, "price": {"19.999"}, "price.currency": {"EUR"}, "compare_at": {"x"}, "status": {"odd"}, "publish_at": {"soon"},
		"options": {"Size: M\nSize: L"}, "tags": {"a\nb\na"}, "weight_grams": {"1.5"}, "images": {"https://shop.example/a.jpg\nnowhere"}, "attributes": {"{\n\"a\": 1,\n}"}, "barcode": {"123"}, "category": {"/a"}, "stock": {"-1"}}
	s := v.post("/products/new", form)
	require.Equal(t, 422, s.status)
	text := html.UnescapeString(s.body)
	for name, want := range map[string]string{
		"sku": "SKU must be", "name": "Name is missing", "price": `Price "19.999" has more than the 2 decimal digits of EUR`, "compare_at": `Price before "x" is no decimal number`,
		"status": "Status is", "publish_at": "Publish from is no time", "options": `Options have "Size" twice`, "tags": "Tags in line 3 is there already", "weight_grams": "Weight, g must be a whole number",
		"images": "Images in line 2 is no absolute", "attributes": "Attributes are no JSON: line 2, column 7", "barcode": "Barcode is no GTIN", "category": "Category is", "stock": "Stock ",
	} {
		require.Contains(t, text, `id="`+name+`-fault">`+want, name)
		require.Contains(t, text, `<a href="#`+name+`">`+want, name)
	}
	require.Contains(t, text, "https://shop.example/a.jpg\nnowhere", "what was typed is there")
	require.Equal(t, 1, strings.Count(text, " autofocus"))

	taken := v.post("/products/new", url.Values{"sku": {"TEE-M"}, "name": {"x"}, "price": {"1"}, "price.currency": {"EUR"}, "status": {"draft"}})
	require.Equal(t, 422, taken.status)
	require.Contains(t, taken.body, `id="sku-fault">SKU is taken`)
	require.Contains(t, taken.body, `href="/products/`+p.ID.String()+`"`)
	unknown := v.post("/products/new", url.Values{"sku": {"U"}, "name": {"x"}, "price": {"1"}, "price.currency": {"EURO"}, "compare_at": {"2"}, "status": {"draft"}})
	require.Contains(t, unknown.body, `id="price.currency-fault">Currency is`)
	require.NotContains(t, unknown.body, `id="compare_at-fault">P`)

	// As one leaves a field, of what has been typed alone.
	part := v.post("/products/check", url.Values{"sku": {"TEE-M"}, "name": {""}, "price": {"1.5"}, "price.currency": {"JPY"}}, "HX-Request", "true", "HX-Target", "checked")
	require.Equal(t, 200, part.status)
	for _, want := range []string{`<p id="sku-fault" hx-swap-oob="innerHTML">SKU is taken`, `<p id="name-fault" hx-swap-oob="innerHTML"></p>`, `<p id="price-fault" hx-swap-oob="innerHTML">Price &#34;1.5&#34; has more`, "JPY has no decimals"} {
		require.Contains(t, part.body, want)
	}
}

// Two edit the same product: whoever is later sees both versions, chooses, and loses nothing.
func TestBothVersionsStandSideBySide(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	p := whole(t, svc)
	v := visit(t, newHandler(t, svc, nil))
	edit := "/products/" + p.ID.String() + "/edit"
	ann, bob := fields(v.get(edit)), fields(v.get(edit))
	bob.Set("name", "Bob's shirt")
	bob.Set("vendor", "Bob")
	require.Equal(t, 303, v.post(edit, bob).status)
	require.Equal(t, 303, v.post(edit, bob).status, "sent twice: it was saved")

	ann.Set("name", "Ann's shirt")
	ann.Set("price", "150")
	s := v.post(edit, ann)
	require.Equal(t, 409, s.status)
	require.Contains(t, s.body, "2 fields differ")
	form := fields(s)
	require.Equal(t, "mine", form.Get("take.name"))
	require.Equal(t, "theirs", form.Get("take.vendor"), "which Ann has not touched")
	require.Equal(t, "", form.Get("take.price"), "which Bob has not touched")
	require.Equal(t, "Ann's shirt", form.Get("name"))
	require.Equal(t, "Acme", form.Get("vendor"))
	require.Contains(t, html.UnescapeString(s.body), `<p class="theirs">Bob's shirt</p>`)

	// Wrong besides, and changed a second time: the choices stay.
	wrong := fields(s)
	wrong.Set("price", "x")
	w := v.post(edit, wrong)
	require.Equal(t, 422, w.status)
	require.Equal(t, "theirs", fields(w).Get("take.vendor"))
	_, err := svc.Update(t.Context(), p.ID, product.Patch{Name: new("Carol's shirt"), Vendor: new("Carol")}, product.Expect{})
	require.NoError(t, err)
	s = v.post(edit, form)
	require.Equal(t, 409, s.status)
	form = fields(s)
	require.Equal(t, "Ann's shirt", form.Get("name"))
	require.Equal(t, "theirs", form.Get("take.vendor"))

	require.Equal(t, 303, v.post(edit, form).status)
	q, err := svc.Get(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"Ann's shirt", "Carol", "150.000 KWD"}, []string{q.Name, q.Vendor, q.Price.String()})
	require.Equal(t, p.PublishAt, q.PublishAt, "what nobody touched is exact")

	// Deleted meanwhile.
	form = fields(v.get(edit))
	form.Set("name", "Ann's last shirt")
	require.NoError(t, svc.Delete(t.Context(), p.ID, product.Expect{}))
	s = v.post(edit, form)
	require.Equal(t, 409, s.status)
	form = fields(s)
	require.Equal(t, "Ann's last shirt", form.Get("name"))
	form.Set("restore", "true")
	s = v.post(edit, form)
	require.Equal(t, 409, s.status)
	require.Equal(t, 303, v.post(edit, fields(s)).status)
	q, err = svc.Get(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, "Ann's last shirt", q.Name)
}

func TestStockIsChangedByADifference(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	p, err := svc.Create(t.Context(), product.Draft{Stock: new(int64(7)), Product: product.Product{SKU: "A", Name: "A", Price: product.Money{Currency: "EUR"}}})
	require.NoError(t, err)
	_, _, err = svc.Reserve(t.Context(), "cart", []product.ReservationItem{{SKU: "A", Quantity: 2}}, 0)
	require.NoError(t, err)
	v := visit(t, newHandler(t, svc, nil))
	page := "/products/" + p.ID.String()
	once := func() string {
		return regexp.MustCompile(`name="once" value="([^"]+)"`).FindStringSubmatch(v.get(page).body)[1]
	}
	form := url.Values{"delta": {"-3"}, "reason": {"broken"}, "once": {once()}}
	require.Equal(t, 303, v.post(page+"/stock", form).status)
	require.Equal(t, 303, v.post(page+"/stock", form).status, "sent twice, done once")
	form.Set("delta", "-1")
	require.Equal(t, 422, v.post(page+"/stock", form).status, "back in the browser")
	for delta, want := range map[string]string{"-3": "takes 3, and 2 are available", "0": "would change nothing", "": "would change nothing", "x": "must be a whole number", "1.5": "must be", "99999999999999999": "is 99999999999999999"} {
		s := v.post(page+"/stock", url.Values{"delta": {delta}, "once": {once()}})
		require.Equal(t, 422, s.status)
		require.Contains(t, s.body, `id="delta-fault">Change by `+want, delta)
	}
	require.Equal(t, 303, v.post(page+"/stock", url.Values{"delta": {"+5"}, "once": {once()}}).status)
	stock, err := svc.Stock(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, int64(9), stock.OnHand)
	require.Contains(t, v.get(page+"/history").body, "broken")
}

func TestDeletingAndRestoring(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	fill(t, svc, 1)
	list, err := svc.List(t.Context(), product.Query{})
	require.NoError(t, err)
	p := list.Items[0]
	v := visit(t, newHandler(t, svc, nil))
	page := "/products/" + p.ID.String()
	require.Equal(t, 409, v.post(page+"/delete", url.Values{"version": {"7"}}).status)
	require.Equal(t, 303, v.post(page+"/delete", url.Values{"version": {"1"}}).status)
	s := v.get(page + "?done=deleted")
	require.Equal(t, 200, s.status)
	require.Contains(t, s.body, "Restore it")
	require.Contains(t, s.body, "The product was deleted.")
	require.Equal(t, 303, v.get(page+"/edit").status)
	require.Equal(t, 409, v.post(page+"/stock", url.Values{"delta": {"1"}}).status)
	require.Contains(t, v.get("/products?deleted=true").body, page)

	other, err := svc.Create(t.Context(), product.Draft{Product: product.Product{SKU: p.SKU, Name: "x", Price: p.Price}})
	require.NoError(t, err)
	s = v.post(page+"/restore", nil)
	require.Equal(t, 409, s.status)
	require.Contains(t, s.body, "/products/"+other.ID.String())
	require.NoError(t, svc.Delete(t.Context(), other.ID, product.Expect{}))
	require.Equal(t, 303, v.post(page+"/restore", nil).status)
	require.Contains(t, v.get(page).body, "Change the stock")
	for _, path := range []string{"", "/edit", "/history"} {
		require.Equal(t, 404, v.get("/products/00000000-0000-7000-8000-000000000000"+path).status)
	}
}

func TestHistoryIsPaged(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	fill(t, svc, 1)
	list, err := svc.List(t.Context(), product.Query{})
	require.NoError(t, err)
	p := list.Items[0]
	for i := range 5 {
		_, err := svc.Update(product.WithActor(t.Context(), "ann"), p.ID, product.Patch{Name: new(fmt.Sprint("Mug ", i)), Description: new(strings.Repeat("ä", 3000+i))}, product.Expect{})
		require.NoError(t, err)
	}
	v := visit(t, newHandler(t, svc, &console.Options{PageSize: 4}))
	one := v.get("/products/" + p.ID.String() + "/history")
	require.Contains(t, one.body, "Mug 0")
	require.NotContains(t, one.body, ">Mug 4</td>")
	next := html.UnescapeString(regexp.MustCompile(`id="next"[^>]*href="([^"]+)"`).FindStringSubmatch(one.body)[1])
	two := v.get("/products/" + p.ID.String() + "/history" + next)
	require.Contains(t, two.body, ">Mug 4</td>")
	require.Contains(t, two.body, "ann")
	require.NotContains(t, two.body, `id="next"`)
	require.Equal(t, 400, v.get("/products/"+p.ID.String()+"/history?cursor=x").status)
}

// No form that somebody sends is too much: it is saved, told to be wrong, or set beside what is there.
func FuzzForm(f *testing.F) {
	svc := newService(f)
	p := whole(f, svc)
	h := newHandler(f, svc, nil)
	f.Add("name=x&sku=a&price=1&price.currency=EUR&status=draft&version=1")
	f.Add("version=1&was=a.b&take.name=theirs&options=%22a%3A%22%3A+b&images=%22a+b%22+c&attributes={}&tags=a%0Ab&publish_at=2026-01-31+10:00&stock=1&once=x")
	f.Fuzz(func(t *testing.T, form string) {
		for _, path := range []string{"/products/" + p.ID.String() + "/edit", "/products/new", "/products/check", "/products/" + p.ID.String() + "/stock"} {
			r := httptest.NewRequest("POST", path, strings.NewReader(form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Contains(t, []int{http.StatusOK, http.StatusSeeOther, http.StatusConflict, http.StatusUnprocessableEntity}, w.Code, "%s: %s", path, w.Body)
		}
	})
}
