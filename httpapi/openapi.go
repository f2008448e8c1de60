package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"

	"github.com/productkit-go/productkit/internal/productjson"
)

// openAPI is the contract, written by hand. The tests hold it against what the handlers do, both
// ways.
//
//go:embed openapi.json
var openAPI []byte

// getContract answers with the contract, whose server is where the client finds this handler.
func (h *Handler) getContract(w http.ResponseWriter, r *http.Request) error {
	before, after, _ := bytes.Cut(openAPI, []byte(`{ "url": "/" }`))
	doc := productjson.AppendString(append(bytes.Clone(before), `{ "url": `...), h.mount(r))
	doc = append(append(doc, ` }`...), after...)
	buf := getBuffer()
	defer putBuffer(buf)
	buf.b = appendHashTag(buf.b, doc)
	return h.show(w, r, buf, h.headers.json, func(b []byte) []byte { return append(b, doc...) })
}

// appendHashTag appends the quoted tag of a text that has no version but its content.
func appendHashTag(b, text []byte) []byte {
	sum := sha256.Sum256(text)
	return append(base64.RawURLEncoding.AppendEncode(append(b, '"'), sum[:16]), '"')
}
