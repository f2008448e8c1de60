package client

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// expecting returns the header fields of what a write expects (RFC 9110, section 13.1). A revision
// without an ID is one of the product that the call names; by SKU it names none.
func expecting(e product.Expect, id uuid.UUID, tag func(product.Revision) string) (http.Header, error) {
	h := make(http.Header)
	list := func(name string, any bool, revisions []product.Revision) error {
		var tags []string
		for _, r := range revisions {
			if r.ID == uuid.Nil {
				r.ID = id
			}
			if r.ID == uuid.Nil {
				return &product.InvalidError{Faults: []product.Fault{{Field: "expect", Code: "required",
					Message: "has a version without the product's ID; over HTTP a product that is named by its SKU needs Revision as a read returned it"}}}
			}
			tags = append(tags, tag(r))
		}
		switch {
		case any:
			h[name] = []string{"*"}
		case tags != nil:
			h[name] = []string{strings.Join(tags, ", ")}
		case revisions != nil:
			h[name] = []string{`"none"`} // is never met
		}
		return nil
	}
	if err := list("If-Match", e.Exists && e.Match == nil, e.Match); err != nil {
		return nil, err
	}
	return h, list("If-None-Match", e.Absent, e.NoneMatch)
}

func productTag(r product.Revision) string { return fmt.Sprintf(`"%s.%d"`, r.ID, r.Version) }
func stockTag(r product.Revision) string   { return fmt.Sprintf(`"%s.s%d"`, r.ID, r.Version) }

// stockVersion reads the ETag of a stock.
func stockVersion(etag string) int64 {
	_, version, _ := strings.Cut(strings.Trim(etag, `"`), ".s")
	n, _ := strconv.ParseInt(version, 10, 64)
	return n
}
