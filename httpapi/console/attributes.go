package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// indented is JSON for people.
func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if len(raw) == 0 || json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// readAttributes reads an object as the API does, so that both say the same of it.
func readAttributes(s string) (raw json.RawMessage, fault string) {
	if s == "" {
		return nil, ""
	}
	d, err := productjson.DecodeDraft([]byte("{\"attributes\":\n" + s + "\n}"))
	var syntax *productjson.SyntaxError
	var invalid *product.InvalidError
	switch {
	case errors.As(err, &syntax):
		return nil, fmt.Sprintf("are no JSON: line %d, column %d: %s", syntax.Line-1, syntax.Column, syntax.Reason)
	case !json.Valid([]byte(s)):
		return nil, "are no JSON object: something follows it"
	case errors.As(err, &invalid):
		for _, f := range invalid.Faults {
			if f.Field == "attributes" {
				return nil, f.Message
			}
		}
	}
	return d.Attributes, ""
}
