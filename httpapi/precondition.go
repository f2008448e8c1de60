package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// Entity tags are all strong (RFC 9110, section 8.8.3):
//
//	"<id>.<version>"                   a product
//	"<id>.<version>.<stock version>"   a product with ?include=stock
//	"<id>.s<stock version>"            a stock
//
// appendTag appends one of the first two, in its quotes.
func appendTag(b []byte, p *product.Product, s *product.Stock) []byte {
	b = appendProductTag(append(b, '"'), p)
	if s != nil {
		b = strconv.AppendInt(append(b, '.'), s.Version, 10)
	}
	return append(b, '"')
}

func appendProductTag(b []byte, p *product.Product) []byte {
	id, _ := p.ID.MarshalText() // without an allocation, unlike String
	b = append(b, id...)
	return strconv.AppendInt(append(b, '.'), p.Version, 10)
}

func appendStockTag(b []byte, s product.Stock) []byte {
	id, _ := s.ProductID.MarshalText()
	b = append(b, id...)
	return strconv.AppendInt(append(b, ".s"...), s.Version, 10)
}

// productRevision reads the tag of a product. That of a product with its stock will do: only
// the product is being changed.
func productRevision(opaque string) (product.Revision, bool) {
	id, version, _ := strings.Cut(opaque, ".")
	if before, stock, ok := strings.Cut(version, "."); ok {
		if _, ok := parseVersion(stock); !ok {
			return product.Revision{}, false
		}
		version = before
	}
	return revision(id, version)
}

func stockRevision(opaque string) (product.Revision, bool) {
	id, version, _ := strings.Cut(opaque, ".s")
	return revision(id, version)
}

func revision(id, version string) (product.Revision, bool) {
	u, ok := productjson.ParseID(id)
	v, ok2 := parseVersion(version)
	// A zero ID would stand for any product. Tags are compared byte for byte.
	return product.Revision{ID: u, Version: v}, ok && ok2 && u != uuid.Nil && u.String() == id
}

func parseVersion(s string) (int64, bool) {
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil && v > 0 && strconv.FormatInt(v, 10) == s
}

// expect returns the preconditions of a write. They are decided under the row's lock.
//
// A tag that is none of ours stands for no version: in If-Match it is never met. So is a weak
// one, for If-Match compares strongly (RFC 9110, section 13.1.1); If-None-Match compares weakly.
func (h *Handler) expect(r *http.Request, parse func(opaque string) (product.Revision, bool)) (product.Expect, error) {
	match, none, err := preconditions(r)
	if err != nil {
		return product.Expect{}, err
	}
	if match == nil && none == nil && h.opts.RequirePrecondition && r.Method != http.MethodPost {
		return product.Expect{}, errPreconditionRequired
	}
	return expectation(match, none, parse), nil
}

// preconditions reads the request's If-Match and If-None-Match; nil if it has none.
func preconditions(r *http.Request) (match, none *tagList, err error) {
	match, ok := parseTags(r.Header["If-Match"])
	if !ok {
		return nil, nil, badTags("If-Match")
	}
	none, ok = parseTags(r.Header["If-None-Match"])
	if !ok {
		return nil, nil, badTags("If-None-Match")
	}
	return match, none, nil
}

func expectation(match, none *tagList, parse func(opaque string) (product.Revision, bool)) product.Expect {
	var e product.Expect
	if match != nil {
		e.Exists = match.any
		if !match.any {
			e.Match = []product.Revision{}
		}
		for _, t := range match.tags {
			if rev, ok := parse(t.opaque); ok && !t.weak {
				e.Match = append(e.Match, rev)
			}
		}
	}
	if none != nil {
		e.Absent = none.any
		for _, t := range none.tags {
			if rev, ok := parse(t.opaque); ok {
				e.NoneMatch = append(e.NoneMatch, rev)
			}
		}
	}
	return e
}

// evaluate decides the preconditions of a read in the order of RFC 9110, section 13.2.2. It
// returns 200 or 304, or an error.
func evaluate(r *http.Request, opaque []byte) (status int, err error) {
	match, none, err := preconditions(r)
	if err != nil {
		return 0, err
	}
	if match != nil && !match.has(opaque, false) {
		return 0, product.ErrPreconditionFailed
	}
	if none != nil && none.has(opaque, true) {
		return http.StatusNotModified, nil
	}
	return http.StatusOK, nil
}

type tag struct {
	opaque string
	weak   bool
}

// tagList is the value of If-Match or If-None-Match.
type tagList struct {
	any  bool // *
	tags []tag
}

func (l *tagList) has(opaque []byte, weakly bool) bool {
	for _, t := range l.tags {
		if t.opaque == string(opaque) && (weakly || !t.weak) {
			return true
		}
	}
	return l.any
}

// parseTags reads a header field that is "*" or a list of entity tags (RFC 9110, section 8.8.3
// and 5.6.1); nil if it is not there.
func parseTags(lines []string) (list *tagList, ok bool) {
	if len(lines) == 0 {
		return nil, true
	}
	s := strings.Trim(strings.Join(lines, ","), " \t")
	if s == "*" {
		return &tagList{any: true}, true
	}
	var l tagList
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			break
		}
		rest, weak := strings.CutPrefix(s, "W/")
		rest, opened := strings.CutPrefix(rest, `"`)
		opaque, rest, closed := strings.Cut(rest, `"`)
		rest = strings.TrimLeft(rest, " \t")
		if !opened || !closed || !isOpaque(opaque) || rest != "" && rest[0] != ',' {
			return nil, false
		}
		l.tags = append(l.tags, tag{opaque: opaque, weak: weak})
		s = rest
	}
	return &l, len(l.tags) > 0
}

func isOpaque(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func badTags(field string) error {
	return &problem{kind: errBadHeader, detail: fmt.Sprintf(`%s is malformed; send * or entity tags in double quotes, as in %s: "0190a5d2-7c1e-7000-8000-000000000000.3"`, field, field)}
}
