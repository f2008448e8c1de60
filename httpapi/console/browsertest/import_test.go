package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi/console"
	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
)

// send gives a file to the page of imports.
func (b *tab) send(name, content string) {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), name)
	require.NoError(b.t, os.WriteFile(file, []byte(content), 0o600))
	b.visit("/import")
	b.run(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{file}))
	b.click("form.upload button")
	b.until(`document.getElementById("read")`)
}

func TestImportAndExport(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(t *testing.T, s *site) {
		var file strings.Builder
		file.WriteString("Article number,Title,Price,Colour,Brand,Internal note\n")
		for i := range 40 {
			fmt.Fprintf(&file, "MUG-%02d,Enamel mug no. %d,%d.50,red,%s,x\n", i, i, 10+i, []string{"Acme", "Zenith"}[i%2])
		}
		file.WriteString("MUG-90,,12,red,Acme,x\nMUG-91,Bad price,twelve,red,Acme,x\n")
		b := s.open(t, "/import")
		b.accessible()
		quoted, err := json.Marshal(file.String())
		require.NoError(t, err)
		eval[bool](b, `(d => { d.items.add(new File([`+string(quoted)+`], "mugs of spring.csv")); return document.dispatchEvent(new DragEvent("drop", {dataTransfer: d, cancelable: true})) })(new DataTransfer())`)
		b.until(`document.getElementById("read")`)

		// The price has no currency, and what the console has guessed is changed.
		b.reads("no column names the currency")
		b.accessible()
		require.Equal(t, "vendor", eval[string](b, `document.getElementById("column-4").value`))
		b.fill("#currency", "EUR")
		b.choose("#column-3", "attributes.Colour")
		b.click("button[value=look]")
		b.reads("What the first rows come to")
		b.reads("10.50 EUR")

		b.click("button[value=try]")
		b.reads("The dry run has ended")
		b.reads("Nothing was written")
		b.reads("Line")
		b.reads("name is missing")
		b.accessible()
		list, err := s.svc.List(t.Context(), product.Query{})
		require.NoError(t, err)
		require.Empty(t, list.Items)

		b.click("button[value=import]")
		b.reads("The import has ended")
		require.Equal(t, "2", eval[string](b, `document.getElementById("refused").innerText`))
		report := eval[string](b, `fetch(document.querySelector("a[download]").href).then(r => r.text())`)
		require.Contains(t, report, "refused,42,MUG-90,name,")
		require.Contains(t, report, "refused,43,MUG-91,price,")
		p, err := s.svc.GetBySKU(t.Context(), "MUG-01")
		require.NoError(t, err)
		require.JSONEq(t, `{"Colour":"red"}`, string(p.Attributes))

		b.visit("/products?vendor=Zenith&sort=name")
		b.reads("20 products")
		for format, begin := range map[string]string{"CSV": "sku,name,", "NDJSON": `{"sku":"MUG-01"`} {
			got := eval[string](b, `fetch([...document.querySelectorAll("a[download]")].find(a => a.innerText === "`+format+`").href).then(r => r.text())`)
			require.True(t, strings.HasPrefix(got, begin), got[:min(len(got), 100)])
			require.Equal(t, 20, strings.Count(got, "MUG-"))
		}
	})
}

// A long import is watched with and without script, and cancelled; and it is told when the server that ran
// one is another now.
func TestALongImport(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	file.WriteString("sku,name,price,currency,description,stock\n")
	words := strings.Repeat("Holds coffee, tea and what else is warm; kitchen. ", 8)
	for i := range testscale.N(20_000, 100_000) {
		fmt.Fprintf(&file, "MUG-%06d,Enamel mug no. %d,12.50,EUR,%q,7\n", i, i, words)
	}
	eachEngine(t, nil, func(t *testing.T, s *site) {
		var serving atomic.Pointer[console.Handler]
		start := func() {
			h, err := console.NewHandler(s.svc, &console.Options{Prefix: "/console"})
			require.NoError(t, err)
			serving.Store(h)
		}
		start()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serving.Load().ServeHTTP(w, r) }))
		t.Cleanup(server.Close)
		t.Cleanup(func() { require.NoError(t, serving.Load().Close(context.Background())) })
		s.url = server.URL + "/console"

		b := s.open(t, "/import")
		b.send("many.csv", file.String())
		b.click("button[value=import]")
		b.until(`parseInt(document.querySelector("#progress div:nth-child(2) dd")?.innerText) > 0`)
		watching := s.open(t, strings.TrimPrefix(eval[string](b, "location.href"), s.url))
		watching.scriptless()
		watching.reads("Importing")
		b.shoot()
		b.click(".run button")
		b.reads("The import was cancelled")
		watching.reads("The import was cancelled") // by itself
		b.accessible()
		written, err := s.svc.Count(t.Context(), product.Query{})
		require.NoError(t, err)
		require.NotZero(t, written.Value)
		if written.Exact {
			require.Less(t, written.Value, testscale.N(20_000, 100_000))
		}

		b.send("many.csv", file.String())
		b.click("button[value=import]")
		b.until(`document.querySelector("#progress progress")?.value > 0`)
		b.expects("404")
		old := serving.Load()
		start()
		require.NoError(t, old.Close(context.Background()))
		b.reads("This import is not here any more")
	})
}
