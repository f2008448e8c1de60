package httpapi

import (
	"bytes"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonNode is a JSON value that remembers the order of its members.
type jsonNode struct {
	Text    string // of a string, a number, true, false or null
	Items   []jsonNode
	Members []jsonMember
}

type jsonMember struct {
	Name  string
	Value jsonNode
}

// Get returns the member at the end of a path, or an empty node.
func (n jsonNode) Get(path ...string) jsonNode {
	for _, name := range path {
		var next jsonNode
		for _, m := range n.Members {
			if m.Name == name {
				next = m.Value
			}
		}
		n = next
	}
	return n
}

// Has reports whether an array has a string.
func (n jsonNode) Has(text string) bool {
	for _, item := range n.Items {
		if item.Text == text {
			return true
		}
	}
	return false
}

// Ref is the last part of a reference, and empty if n is none.
func (n jsonNode) Ref() string {
	ref := n.Get("$ref").Text
	return ref[strings.LastIndexByte(ref, '/')+1:]
}

// jsonTree is a document within which references lead.
type jsonTree struct{ root jsonNode }

// contractTree is the contract, read once.
var contractTree = sync.OnceValue(func() jsonTree {
	d := jsontext.NewDecoder(bytes.NewReader(openAPI))
	return jsonTree{readNode(d)}
})

// readNode reads a value of a document that the tests have found valid.
func readNode(d *jsontext.Decoder) jsonNode {
	token, err := d.ReadToken()
	if err != nil {
		panic("httpapi: the embedded contract is no JSON: " + err.Error())
	}
	var n jsonNode
	switch token.Kind() {
	case '{':
		for d.PeekKind() != '}' {
			name := readNode(d).Text
			n.Members = append(n.Members, jsonMember{name, readNode(d)})
		}
		_, _ = d.ReadToken()
	case '[':
		n.Items = []jsonNode{}
		for d.PeekKind() != ']' {
			n.Items = append(n.Items, readNode(d))
		}
		_, _ = d.ReadToken()
	default:
		n.Text = token.String()
	}
	return n
}

// resolve follows a reference.
func (t jsonTree) resolve(n jsonNode) jsonNode {
	if ref := n.Get("$ref").Text; ref != "" {
		return t.root.Get(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	return n
}
