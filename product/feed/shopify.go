package feed

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"slices"
	"strconv"

	"github.com/productkit-go/productkit/product"
)

// What the rows of one handle may come to: Shopify allows 2,048 variants and 250 images. They
// are held in memory until the handle changes, because images of all variants may stand in the
// last row.
const (
	maxHandleRows  = 4000
	maxHandleBytes = 8 << 20
)

// item is what a format makes of the file, in its order: an entry, or why a row was refused. Both
// may carry warnings.
type item struct {
	line     int
	sku      string
	entry    product.Entry
	faults   []Fault // not empty: the row is refused
	warnings []Fault
}

// shopify reads a file of Shopify's.
type shopify struct {
	table      *table
	currency   string
	attributes []attributeColumn

	claims claims

	// Of the handle at hand:
	handle   string
	first    row
	variants []row
	images   []picture
	rows     int
	bytes    int
}

type picture struct {
	product.Image
	position int
}

func openShopify(r io.Reader, cfg Config) (*shopify, error) {
	t, err := openTable(r, cfg.MaxRecordBytes, shopifyColumn, colHandle, colTitle, colPrice)
	if err != nil {
		return nil, err
	}
	return &shopify{
		table: t, currency: cfg.Currency, attributes: shopifyAttributes(t.header),
		claims: newClaims(),
	}, nil
}

func (s *shopify) read() int64       { return s.table.rows }
func (s *shopify) leftOut() []string { return nil }

// items yields what the rows come to. It ends early, with the reader's error, where the stream
// breaks off; the handle at hand is then left out, for its last rows may be missing.
func (s *shopify) items() iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for {
			r, fault, err := s.table.next()
			switch {
			case errors.Is(err, io.EOF):
				s.finish(yield)
				return
			case err != nil:
				yield(item{line: r.line}, err)
				return
			}
			if fault == nil {
				if handle := r.get(colHandle); handle != s.handle || s.rows == 0 {
					if !s.finish(yield) {
						return
					}
					s.begin(handle, r)
				}
				fault = s.add(r)
			}
			if fault != nil && !yield(item{line: r.line, sku: r.get(colSKU), faults: []Fault{*fault}}, nil) {
				return
			}
		}
	}
}

func (s *shopify) begin(handle string, r row) {
	s.handle, s.first, s.variants, s.images, s.rows, s.bytes = handle, r, nil, nil, 0, 0
}

// add takes a row of the handle at hand, or says why not.
func (s *shopify) add(r row) *Fault {
	s.rows++
	s.bytes += r.size
	switch {
	case s.handle == "":
		return &Fault{"group", "required", "has no Handle; every row needs the one of its product"}
	case s.rows > maxHandleRows:
		return &Fault{"group", "too_many", fmt.Sprintf("is beyond the %d rows that one Handle may have; give the rest another one", maxHandleRows)}
	case s.bytes > maxHandleBytes:
		return &Fault{"group", "too_long", fmt.Sprintf("is beyond the %d MiB that the rows of one Handle may have; shorten their texts", maxHandleBytes>>20)}
	}
	image, fault := s.image(r)
	if fault != nil {
		return fault
	}
	switch {
	case !addsImageOnly(r) || r.line == s.first.line:
		s.variants = append(s.variants, r)
	case s.first.get(colTitle) == "":
		return &Fault{"name", "required", "belongs to no product: the rows of its Handle must stand together and begin with one that has a Title"}
	}
	if image.URL != "" {
		s.images = append(s.images, image)
	}
	return nil
}

func addsImageOnly(r row) bool {
	for _, option := range optionColumns {
		if r.get(option.value) != "" {
			return false
		}
	}
	return r.get(colPrice) == "" && r.get(colSKU) == ""
}

func (s *shopify) image(r row) (picture, *Fault) {
	image := picture{product.Image{URL: r.get(colImage), Alt: oneLine(r.get(colAlt))}, maxHandleRows}
	if image.URL == "" {
		return image, nil
	}
	if fault := checkURL(colImage, image.URL); fault != nil {
		return image, fault
	}
	if position := r.get(colPosition); position != "" {
		n, err := strconv.Atoi(position)
		if err != nil || n < 0 {
			return image, &Fault{"images", "format", fmt.Sprintf("Image Position is %q; write a whole number such as 1", short(position))}
		}
		image.position = n
	}
	return image, nil
}

func checkURL(column, s string) *Fault {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(s) > product.MaxURLLen {
		return &Fault{"images", "format", fmt.Sprintf("%s is %q; it must be a complete http or https URL of at most %d bytes", column, short(s), product.MaxURLLen)}
	}
	return nil
}

// finish yields the products of the handle at hand.
func (s *shopify) finish(yield func(item, error) bool) bool {
	slices.SortStableFunc(s.images, func(a, b picture) int { return cmp.Compare(a.position, b.position) })
	images := make([]product.Image, 0, len(s.images))
	for _, p := range s.images {
		images = addImage(images, p.Image)
	}
	for _, r := range s.variants {
		it := s.variant(r, images)
		if it.faults == nil && it.sku != "" {
			it.faults = s.claims.claim(it.sku, it.line)
		}
		if !yield(it, nil) {
			return false
		}
	}
	s.begin("", row{})
	return true
}

func addImage(images []product.Image, image product.Image) []product.Image {
	if slices.ContainsFunc(images, func(i product.Image) bool { return i.URL == image.URL }) {
		return images
	}
	return append(images, image)
}
