package console

import (
	"bytes"
	"compress/gzip"
	"embed"
	"html/template"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/productkit-go/productkit/product"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pages holds every file of templates within the layout, by the file's name.
var pages = sync.OnceValue(func() map[string]*template.Template {
	layout := template.Must(template.New("layout.html").Funcs(template.FuncMap{
		"asset":   func(file string) string { files, _ := assets(); return files[file].name },
		"integer": func(n int) string { return grouped(strconv.Itoa(n)) },
		"count":   func(n int64) string { return grouped(strconv.FormatInt(n, 10)) },
		"decimal": func(m product.Money) string { return grouped(m.Decimal()) },
		"moment":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
		"instant": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
		"rfc3339": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"next":    func(i int) int { return i + 1 },
	}).ParseFS(templateFiles, "templates/layout.html", "templates/field.html", "templates/plot.html"))
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		panic(err) // they are embedded
	}
	all := make(map[string]*template.Template)
	for _, f := range files {
		if f.Name() == "layout.html" || f.Name() == "field.html" || f.Name() == "plot.html" {
			continue
		}
		all[f.Name()] = template.Must(template.Must(layout.Clone()).ParseFS(templateFiles, path.Join("templates", f.Name())))
	}
	return all
})

// page is what templates see. What a page shows by itself is its Data.
type page struct {
	Title   string
	Mount   string // what addresses begin with
	Here    string // the path below Mount
	Nav     []destination
	Keyed   bool // somebody can sign out
	Partial bool // htmx replaces a part of the page
	Data    any
}

// render answers with the page of a file in templates, or with what htmx wants of it: where the file
// defines "#results" and htmx replaces the element with this ID, that definition alone.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, status int, file, title string, data any) error {
	p := page{Title: title, Mount: h.mount(r), Nav: destinations(), Data: data}
	p.Here, _ = h.prefix.Below(r.URL.EscapedPath())
	if c, err := r.Cookie(keyCookie); h.opts.SignIn && err == nil && c.Value != "" {
		p.Keyed = true
	}
	t, part := pages()[file], "layout.html"
	if target := "#" + r.Header.Get("HX-Target"); r.Header.Get("HX-Request") == "true" && t.Lookup(target) != nil {
		part, p.Partial = target, true
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, part, p); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Vary", "Accept-Encoding, HX-Request, HX-Target")
	body := b.Bytes()
	if takesGzip(r) {
		// Nothing in a page is secret and nothing that is sent comes back beside a secret, so its
		// length gives nothing away (BREACH).
		header.Set("Content-Encoding", "gzip")
		body = pack(body, gzip.DefaultCompression)
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
	return nil
}

// grouped sets the thousands of a decimal number apart: 1,234,567.89.
func grouped(decimal string) string {
	sign := ""
	if strings.HasPrefix(decimal, "-") {
		sign, decimal = "−", decimal[1:]
	}
	whole, fraction, point := strings.Cut(decimal, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if point {
		b.WriteString("." + fraction)
	}
	return b.String()
}
