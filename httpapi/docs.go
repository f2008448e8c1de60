package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
	"sync"
)

//go:embed docs.html
var docsPage string

//go:embed docs.css
var docsStyle string

// docs renders the contract for people: one page, without scripts and without foreign hosts.
type docs struct {
	page   *template.Template
	policy []string // what the page may load: nothing but its own style
}

var theDocs = sync.OnceValue(func() docs {
	sum := sha256.Sum256([]byte(docsStyle))
	return docs{
		page: template.Must(template.New("docs").Funcs(template.FuncMap{
			"style": func() template.CSS { return template.CSS(docsStyle) },
			"prose": prose,
			"ref":   func(n jsonNode) jsonNode { return contractTree().resolve(n) },
			"type":  schemaType,
			"upper": strings.ToUpper,
		}).Parse(docsPage)),
		policy: []string{"default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
	}
})

// getDocs answers with the page. It is the same for everybody who finds the handler at the same
// place.
func (h *Handler) getDocs(w http.ResponseWriter, r *http.Request) error {
	d := theDocs()
	var page bytes.Buffer
	if err := d.page.Execute(&page, map[string]any{"Doc": contractTree().root, "Mount": h.mount(r)}); err != nil {
		return err
	}
	w.Header()["Content-Security-Policy"] = d.policy
	buf := getBuffer()
	defer putBuffer(buf)
	buf.b = appendHashTag(buf.b, page.Bytes())
	return h.show(w, r, buf, h.headers.html, func(b []byte) []byte { return append(b, page.Bytes()...) })
}

// prose makes HTML of a description: paragraphs, `code` and **strong**, which is all of Markdown
// that the contract uses.
func prose(text string) template.HTML {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		b.WriteString("<p>")
		for i, code := range strings.Split(paragraph, "`") {
			if i%2 == 1 {
				b.WriteString("<code>" + template.HTMLEscapeString(code) + "</code>")
				continue
			}
			for i, strong := range strings.Split(code, "**") {
				b.WriteString([...]string{"", "<strong>"}[i%2] + template.HTMLEscapeString(strong) + [...]string{"", "</strong>"}[i%2])
			}
		}
		b.WriteString("</p>")
	}
	return template.HTML(b.String())
}

// schemaType says in a few words what a schema allows.
func schemaType(n jsonNode) template.HTML {
	if name := n.Ref(); name != "" {
		return template.HTML(`<a href="#` + template.HTMLEscapeString(name) + `">` + template.HTMLEscapeString(name) + `</a>`)
	}
	if options := n.Get("enum"); options.Items != nil {
		var names []string
		for _, item := range options.Items {
			names = append(names, "<code>"+template.HTMLEscapeString(item.Text)+"</code>")
		}
		return template.HTML(strings.Join(names, " | "))
	}
	if either := n.Get("oneOf"); either.Items != nil {
		var names []string
		for _, item := range either.Items {
			names = append(names, string(schemaType(item)))
		}
		return template.HTML(strings.Join(names, " or "))
	}
	kind := n.Get("type").Text
	if names := n.Get("type").Items; names != nil {
		kind = names[0].Text + " or null"
	}
	switch {
	case n.Get("const").Text != "":
		return template.HTML("<code>" + template.HTMLEscapeString(n.Get("const").Text) + "</code>")
	case strings.HasPrefix(kind, "array"):
		return "list of " + schemaType(n.Get("items"))
	case n.Get("format").Text != "":
		kind += ", " + n.Get("format").Text
	}
	return template.HTML(template.HTMLEscapeString(kind))
}
