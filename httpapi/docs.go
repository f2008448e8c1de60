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
			"style":   func() template.CSS { return template.CSS(docsStyle) },
			"prose":   prose,
			"ref":     func(n jsonNode) jsonNode { return contractTree().resolve(n) },
			"type":    schemaType,
			"bounds":  schemaBounds,
			"inline":  inlineObjects,
			"choice":  isChoice,
			"slugs":   problemSlugs,
			"headers": ownHeaders,
			"upper":   strings.ToUpper,
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
	code := func(text string) string { return "<code>" + template.HTMLEscapeString(text) + "</code>" }
	if name := n.Ref(); name != "" {
		return template.HTML(`<a href="#` + template.HTMLEscapeString(name) + `">` + template.HTMLEscapeString(name) + `</a>`)
	}
	if options := n.Get("enum"); options.Items != nil {
		var names []string
		for _, item := range options.Items {
			names = append(names, code(item.Text))
		}
		return template.HTML(strings.Join(names, " | "))
	}
	kind := n.Get("type").Text
	if names := n.Get("type").Items; names != nil {
		kind = names[0].Text + " or null"
	}
	either := n.Get("oneOf")
	switch {
	case kind == "" && either.Items != nil && len(inlineObjects(n)) == len(either.Items):
		return "one of these objects"
	case kind == "" && either.Items != nil:
		var names []string
		for _, item := range either.Items {
			names = append(names, string(schemaType(item)))
		}
		return template.HTML(strings.Join(names, " or "))
	case n.Text == "true":
		return "anything"
	case n.Get("const").Text != "":
		return template.HTML(code(n.Get("const").Text))
	case strings.HasPrefix(kind, "array"):
		return "list of " + schemaType(n.Get("items"))
	case n.Get("additionalProperties").Members != nil:
		return template.HTML(kind) + " of names, each with " + schemaType(n.Get("additionalProperties"))
	case n.Get("format").Text != "":
		kind += ", " + n.Get("format").Text
	}
	return template.HTML(template.HTMLEscapeString(kind))
}

// schemaBounds says how long, how large and how many, and what is taken where nothing is given.
func schemaBounds(n jsonNode) string {
	var said []string
	for _, bound := range []struct{ least, most, unit string }{
		{"minLength", "maxLength", " characters"}, {"minItems", "maxItems", " of them"}, {"minimum", "maximum", ""},
	} {
		switch least, most := n.Get(bound.least).Text, n.Get(bound.most).Text; {
		case least != "" && most != "":
			said = append(said, least+" to "+most+bound.unit)
		case least != "":
			said = append(said, "at least "+least+bound.unit)
		case most != "":
			said = append(said, "at most "+most+bound.unit)
		}
	}
	if preset := n.Get("default").Text; preset != "" {
		said = append(said, "default "+preset)
	}
	return strings.Join(said, ", ")
}

// inlineObjects are the objects within a schema that have no name under which they are explained.
func inlineObjects(n jsonNode) []jsonNode {
	switch {
	case n.Ref() != "":
		return nil
	case n.Get("properties").Members != nil:
		return []jsonNode{n}
	case n.Get("items").Members != nil:
		return inlineObjects(n.Get("items"))
	}
	var found []jsonNode
	for _, item := range n.Get("oneOf").Items {
		found = append(found, inlineObjects(item)...)
	}
	return found
}

// isChoice reports whether a member is one of those of which an object has exactly one.
func isChoice(object jsonNode, member string) bool {
	for _, alternative := range object.Get("oneOf").Items {
		if alternative.Get("required").Has(member) {
			return true
		}
	}
	return false
}

// problemSlugs are the types of problems that an answer may be of.
func problemSlugs(schema jsonNode) []string {
	pattern, found := strings.CutPrefix(schema.Get("properties", "type", "pattern").Text, "(")
	if !found {
		return nil
	}
	return strings.Split(strings.TrimSuffix(pattern, ")$"), "|")
}

// ownHeaders are the headers of an answer less those that stand in nearly every one.
func ownHeaders(answer jsonNode) []string {
	var names []string
	for _, h := range answer.Get("headers").Members {
		if h.Name != headerRequestID && h.Name != "Cache-Control" {
			names = append(names, h.Name)
		}
	}
	return names
}
