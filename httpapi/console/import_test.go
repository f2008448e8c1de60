package console_test

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/httpapi/console"
	"github.com/productkit-go/productkit/product"
)

// upload sends a file as a browser does.
func (v *visitor) upload(name, content string) seen {
	v.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	part, err := m.CreateFormFile("file", name)
	require.NoError(v.t, err)
	_, _ = part.Write([]byte(content))
	require.NoError(v.t, m.Close())
	r := httptest.NewRequest("POST", "/import", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.do(r)
}

// uploaded is the page to which a file that was taken leads.
func (v *visitor) uploaded(name, content string) string {
	v.t.Helper()
	s := v.upload(name, content)
	require.Equal(v.t, 303, s.status, s.body)
	require.Regexp(v.t, `^/import/[A-Z2-7]{26}$`, s.header.Get("Location"))
	return s.header.Get("Location")
}

// ended waits until a run has ended.
func (v *visitor) ended(page string) seen {
	v.t.Helper()
	for range 1000 {
		if s := v.get(page); !strings.Contains(s.body, "data-stream") {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	v.t.Fatal("the import does not end")
	return seen{}
}

func TestAFileIsReadTriedAndImported(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	v := visit(t, newHandler(t, svc, nil))
	page := v.uploaded("prices.csv", "Article number,Title,Price,Colour\nA-1,Mug,12.50,red\nA-2,,3,blue\n=A-3,Pot,x,\n")
	p := v.get(page)
	require.Equal(t, 200, p.status)
	require.Contains(t, p.body, "no column names the currency")
	require.Contains(t, p.body, `<option value="sku" selected>`)
	require.Contains(t, p.body, `<option value="name" selected>`)

	form := url.Values{"format": {"native"}, "currency": {"eur"}, "column-0": {"sku"}, "column-1": {"name"}, "column-2": {"price"}, "column-3": {"options.Colour"}, "do": {"try"}}
	require.Equal(t, 303, v.post(page, form).status)
	dry := v.ended(page)
	require.Contains(t, dry.body, "The dry run has ended")
	require.Contains(t, dry.body, `<dd id="refused">2</dd>`)
	list, err := svc.List(t.Context(), product.Query{})
	require.NoError(t, err)
	require.Empty(t, list.Items)

	form.Set("do", "import")
	v.post(page, form)
	over := v.ended(page)
	require.Contains(t, over.body, "The import has ended")
	require.NotContains(t, over.body, "How the file is read")
	got, err := svc.GetBySKU(t.Context(), "A-1")
	require.NoError(t, err)
	require.Equal(t, product.Money{Amount: 1250, Currency: "EUR"}, got.Price)
	require.Equal(t, "red", got.Options["Colour"])
	report := v.get(page + "/refused.csv").body
	require.True(t, strings.HasPrefix(report, "event,line,sku,field,code,message\n"), report)
	require.Contains(t, report, "refused,3,A-2,name,required")
	require.Contains(t, report, "refused,4,'=A-3,")
}

func TestWhatAFileIsReadAsIsGuessed(t *testing.T) {
	t.Parallel()
	v := visit(t, newHandler(t, newService(t), nil))
	for name, wants := range map[string][]string{
		"woocommerce.csv": {`value="native" selected`, `value="compare_at" selected`, `value="option_name.1" selected`},
		"magento.csv":     {`value="native" selected`, `value="attribute_pairs" selected`},
		"apparel.csv":     {`value="shopify" selected`, "Currency is missing"},
	} {
		file, err := os.ReadFile(filepath.Join("../../product/feed/testdata", name))
		require.NoError(t, err)
		page := v.uploaded(name, string(file))
		p := v.get(page)
		for _, want := range wants {
			require.Contains(t, p.body, want, name)
		}
		require.Equal(t, 303, v.post(page+"/cancel", nil).status)
		require.Equal(t, 404, v.get(page).status)
	}
	page := v.uploaded("x.csv", "sku,name,price,currency,gr\xf6\xdfe\n1,Gr\xfcn,1,EUR,XL\n")
	require.Contains(t, v.get(page).body, "größe")
	page = v.uploaded("x", `{"sku":"1","name":"One","price":{"amount":100,"currency":"EUR"}}`)
	require.Contains(t, v.get(page).body, `value="ndjson" selected`)
	require.Contains(t, v.get(page).body, "One")
}

func TestFilesThatCannotBeReadAreToldWhere(t *testing.T) {
	t.Parallel()
	v := visit(t, newHandler(t, newService(t), nil))
	require.Equal(t, 422, v.upload("empty.csv", "").status)
	require.Equal(t, 422, v.post("/import", nil).status)
	page := v.uploaded("x.csv", "sku;name;price\n1;One;2\n")
	require.Contains(t, v.get(page).body, "not separated by commas")
	p := v.post(page, url.Values{"format": {"native"}, "encoding": {"latin"}, "currency": {"EURO"}, "image_base": {"x"}, "do": {"import"}})
	require.Equal(t, 422, p.status)
	for _, name := range []string{"encoding", "currency", "image_base"} {
		require.Regexp(t, `id="`+name+`-fault">[A-Z][^<]* is `, p.body)
	}
	v.post(page, url.Values{"format": {"native"}, "do": {"import"}})
	require.NotContains(t, v.get(page).body, "has ended")
}

func TestImportsAreTheirUsersAlone(t *testing.T) {
	t.Parallel()
	authorize := func(r *http.Request, _ httpapi.Operation) (string, error) { return r.Header.Get("X-User"), nil }
	h := newHandler(t, newService(t), &console.Options{Authorize: authorize})
	v := visit(t, h)
	page := v.uploaded("x.csv", "sku,name,price,currency\n1,One,1,EUR\n") // by nobody
	require.Equal(t, 200, v.get(page).status)
	for _, s := range []seen{v.get(page, "X-User", "eve"), v.get(page+"/events", "X-User", "eve"), v.get(page+"/refused.csv", "X-User", "eve"), v.post(page+"/cancel", nil, "X-User", "eve"), v.post(page, nil, "X-User", "eve")} {
		require.Equal(t, 404, s.status)
		require.Contains(t, s.body, "not here any more")
	}
	gone := v.get(page, "X-User", "eve", "HX-Request", "true", "HX-Target", "progress")
	require.Equal(t, "true", gone.header.Get("HX-Refresh"))
	require.Equal(t, 200, v.get(page).status)
}

func TestFilesAreBounded(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	h, err := console.NewHandler(svc, &console.Options{MaxImports: 1, MaxImportBytes: 1000, KeepImports: 200 * time.Millisecond})
	require.NoError(t, err)
	v := visit(t, h)
	require.Equal(t, 413, v.upload("x.csv", strings.Repeat("x", 200_000)).status)
	var kept []string
	for i := range 4 {
		kept = append(kept, v.uploaded("x.csv", fmt.Sprintf("sku,name,price,currency\n%d,One,1,EUR\n", i)))
	}
	require.Equal(t, 404, v.get(kept[0]).status, "the first gave way to the fourth")
	require.Equal(t, 200, v.get(kept[3]).status)
	require.Eventually(t, func() bool { return v.get(kept[1]).status == 404 }, 10*time.Second, 300*time.Millisecond)

	last := v.uploaded("x.csv", "sku,name,price,currency\n1,One,1,EUR\n")
	require.NoError(t, h.Close(context.Background()))
	require.Equal(t, 404, v.get(last).status)
	require.Equal(t, 503, v.upload("x.csv", "x").status)
}

// A run goes on without a browser, is told as events, and ends between batches when it is cancelled or the
// server stops.
func TestAnImportIsWatchedAndCancelled(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	h, err := console.NewHandler(svc, &console.Options{MaxImports: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, h.Close(context.Background())) }()
	var file strings.Builder
	file.WriteString("sku,name,price,currency\n")
	for i := range 200_000 {
		fmt.Fprintf(&file, "S-%d,One,1,EUR\n", i)
	}
	v := visit(t, h)
	page := v.uploaded("many.csv", file.String())
	other := v.uploaded("other.csv", "sku,name,price,currency\n1,One,1,EUR\n")
	begin := url.Values{"format": {"native"}, "column-0": {"sku"}, "column-1": {"name"}, "column-2": {"price"}, "column-3": {"currency"}, "do": {"import"}}
	require.Equal(t, 303, v.post(page, begin).status)
	require.Equal(t, 429, v.post(other, begin).status, "one runs at once")
	part := v.get(page, "HX-Request", "true", "HX-Target", "progress")
	require.True(t, strings.HasPrefix(strings.TrimSpace(part.body), `<div id="progress">`), part.body)
	require.Contains(t, v.get(page).body, `<noscript><meta http-equiv="refresh"`)

	server := httptest.NewServer(h)
	defer server.Close()
	events, err := http.Get(server.URL + page + "/events")
	require.NoError(t, err)
	defer events.Body.Close()
	require.Equal(t, "text/event-stream", events.Header.Get("Content-Type"))
	first := make([]byte, 12)
	_, err = events.Body.Read(first)
	require.NoError(t, err)
	require.Equal(t, "event: part\n", string(first))
	require.Equal(t, 303, v.post(page+"/cancel", nil).status)
	var rest bytes.Buffer
	_, _ = rest.ReadFrom(events.Body)
	require.Contains(t, rest.String(), "event: end\n")

	over := v.ended(page)
	require.Contains(t, over.body, "The import was cancelled")
	require.Contains(t, over.body, "What was written stays")
	created := strings.ReplaceAll(regexp.MustCompile(`Created</dt><dd>([\d,]+)`).FindStringSubmatch(over.body)[1], ",", "")
	count, err := svc.Count(t.Context(), product.Query{})
	require.NoError(t, err)
	if count.Exact {
		require.Equal(t, created, fmt.Sprint(count.Value))
	}

	require.Equal(t, 303, v.post(other, begin).status)
	require.Contains(t, v.ended(other).body, "The import has ended")
}
