package httpapi

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/productkit-go/productkit/product"
)

func listParams() []string {
	return []string{"status", "published", "category", "tag", "vendor", "group", "sku_prefix", "price_min", "price_max", "currency",
		"in_stock", "updated_since", "deleted", "q", "sort", "limit", "cursor", "count", "include", "fields"}
}

// parseQuery reads the filter of a list, and whether it is to be counted, from parameters that
// have been checked by name. What their values mean the Service decides.
func parseQuery(values url.Values) (q product.Query, count bool, err error) {
	v := paramReader{values: values}
	q = product.Query{
		Status:       product.Status(values.Get("status")),
		Published:    v.flag("published"),
		Category:     values.Get("category"),
		Tag:          values.Get("tag"),
		Vendor:       values.Get("vendor"),
		Group:        values.Get("group"),
		SKUPrefix:    values.Get("sku_prefix"),
		Currency:     values.Get("currency"),
		PriceMin:     v.integer("price_min"),
		PriceMax:     v.integer("price_max"),
		InStock:      v.flag("in_stock"),
		UpdatedSince: v.time("updated_since"),
		Text:         values.Get("q"),
		Sort:         product.Sort(values.Get("sort")),
		Limit:        v.limit(product.MaxLimit),
		Cursor:       values.Get("cursor"),
	}
	if deleted := v.flag("deleted"); deleted != nil {
		q.Deleted = *deleted
	}
	wanted := v.flag("count")
	return q, wanted != nil && *wanted, badParameters(v.faults)
}

// paramReader reads typed parameters and collects what is wrong with them.
type paramReader struct {
	values url.Values
	faults []product.Fault
}

func (v *paramReader) fault(name, code, message string) {
	v.faults = append(v.faults, product.Fault{Field: name, Code: code, Message: message})
}

// add adds what is invalid about a parameter's value.
func (v *paramReader) add(err error) {
	var invalid *product.InvalidError
	if errors.As(err, &invalid) {
		v.faults = append(v.faults, invalid.Faults...)
	}
}

func (v *paramReader) integer(name string) *int64 {
	s := v.values.Get(name)
	if s == "" {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		v.fault(name, "format", "must be an integer in minor units of the currency, such as 1999")
		return nil
	}
	return &n
}

func (v *paramReader) flag(name string) *bool {
	switch v.values.Get(name) {
	case "":
		return nil
	case "true":
		return new(true)
	case "false":
		return new(false)
	}
	v.fault(name, "format", "must be true or false")
	return nil
}

func (v *paramReader) time(name string) time.Time {
	s := v.values.Get(name)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.IsZero() {
		message := "must be an RFC 3339 time such as 2026-01-02T03:04:05Z"
		if strings.Contains(s, " ") {
			message += "; write its plus sign as %2B"
		}
		v.fault(name, "format", message)
	}
	return t
}

func (v *paramReader) limit(most int) int { return v.number("limit", most) }

// number clamps what is above most, however far above.
func (v *paramReader) number(name string, most int) int {
	s := v.values.Get(name)
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	switch {
	case errors.Is(err, strconv.ErrRange) && n > 0:
		return most
	case err != nil || n < 1:
		v.fault(name, "range", "must be an integer from 1 to "+strconv.Itoa(most))
		return 0
	}
	return min(n, most)
}

// seq reads a position in the change feed.
func (v *paramReader) seq(name string) product.Seq {
	s := v.values.Get(name)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		v.fault(name, "format", "must be 0, for the beginning, or the seq of a change")
	}
	return product.Seq(n)
}

func (v *paramReader) duration(name string) time.Duration {
	s := v.values.Get(name)
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		v.fault(name, "format", "must be a duration such as 30s")
	}
	return d
}

// badParameters returns the faults in the order of their names; nil if there are none.
func badParameters(faults []product.Fault) error {
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, func(a, b product.Fault) int { return strings.Compare(a.Field, b.Field) })
	const most = 100
	return &problem{kind: errBadParameter, faults: faults[:min(len(faults), most)]}
}

// short keeps what a client sent short enough to be shown back.
func short(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
