package console

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/productkit-go/productkit/product/feed"
)

// settings say how a file is read.
type settings struct {
	format, currency, encoding, imageBase string
	fields                                map[string]string // of products, by the columns' names; empty: left out
	columns                               []string          // those that fields is of
}

var settingNames = []string{"format", "currency", "encoding", "image_base"}

// config is what an import takes. A file whose columns all have our names needs no map, and is read more
// strictly than one that has one.
func (s settings) config() feed.Config {
	cfg := feed.Config{Format: feed.Format(s.format), Currency: s.currency, Encoding: s.encoding}
	if cfg.Format != feed.Native {
		return cfg
	}
	cfg.ImageBase = s.imageBase
	own, mapped := true, make(feed.Map, 0, len(s.columns))
	for _, name := range s.columns {
		field := s.fields[name]
		own = own && field == ownField(name)
		if field != "" {
			mapped = append(mapped, feed.Mapping{Header: name, Field: field})
		}
	}
	if !own {
		cfg.Map = mapped
	}
	return cfg
}

// guess looks at a new file.
func (j *importJob) guess() error {
	start := make([]byte, 64<<10)
	n, err := io.ReadFull(j.text(), start)
	if err != nil && n == 0 {
		return err
	}
	j.settings = guessed(j.name, start[:n])
	j.settings.findColumns(j.text())
	return nil
}

// guessed are the settings that a file's name and beginning suggest.
func guessed(name string, start []byte) settings {
	s := settings{format: string(feed.Native)}
	whole := start[:bytes.LastIndexByte(start, '\n')+1] // no character is cut in it
	if len(whole) > 0 && !utf8.Valid(whole) && bytes.IndexByte(whole, 0) < 0 {
		s.encoding = "windows-1252"
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(start, []byte("\ufeff")))
	ending := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	if ending == "ndjson" || ending == "jsonl" || bytes.HasPrefix(text, []byte("{")) {
		s.format, s.encoding = string(feed.NDJSON), ""
		return s
	}
	head, err := feed.Peek(bytes.NewReader(start), feed.Config{Encoding: s.encoding}, 0)
	if err != nil {
		return s
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(head.Columns, func(c string) bool { return slices.Contains(names, strings.ToLower(c)) })
	}
	if has("handle", "url handle") && has("title") && has("variant price", "price") {
		s.format = string(feed.Shopify)
	}
	return s
}

// findColumns reads the columns' names, and guesses what those mean that are new.
func (s *settings) findColumns(text io.Reader) {
	s.columns = nil
	if s.format != string(feed.Native) || text == nil {
		return
	}
	head, err := feed.Peek(text, s.config(), 0)
	if err != nil {
		return // the sample tells why
	}
	for _, name := range head.Columns {
		if name != "" && len(s.columns) < mostColumns {
			s.columns = append(s.columns, name)
		}
	}
	known := s.fields
	s.fields = make(map[string]string, len(s.columns))
	taken := make(map[string]bool)
	for _, name := range s.columns {
		field, chosen := known[name]
		if !chosen {
			if field = meaning(name, s.columns); taken[field] && field != "tags" && field != "images" {
				field = ""
			}
		}
		s.fields[name], taken[field] = field, true
	}
}

// mostColumns is how many can be mapped.
const mostColumns = 300

// ownField is the field that a column of this name is without a map; empty: none.
func ownField(name string) string {
	single := strings.HasPrefix(name, "options.") && name != "options." || strings.HasPrefix(name, "attributes.") && name != "attributes."
	if single || slices.Contains(feed.Fields(), name) {
		return name
	}
	return ""
}

// meanings are what columns are called elsewhere, WooCommerce's and Magento's exports among them, in small
// letters with underscores.
var meanings = map[string]string{
	"title": "name", "product": "name", "product_name": "name", "article_number": "sku", "item_number": "sku",
	"qty": "stock", "quantity": "stock", "stock_quantity": "stock", "on_hand": "stock", "inventory": "stock",
	"brand": "vendor", "manufacturer": "vendor", "supplier": "vendor", "ean": "barcode", "gtin": "barcode", "upc": "barcode", "isbn": "barcode",
	"categories": "category", "tag": "tags", "image": "images", "base_image": "images", "additional_images": "images", "image_url": "images",
	"published": "status", "product_online": "status", "backorders_allowed?": "backorder", "allow_backorders": "backorder", "parent": "group",
	"sale_price": "price", "special_price": "price", "weight_(kg)": "weight_kg", "weight_(lbs)": "weight_lb", "weight_(g)": "weight_grams",
	"additional_attributes": "attribute_pairs", "currency_code": "currency", "old_price": "compare_at", "rrp": "compare_at",
}

var numberedAttribute = regexp.MustCompile(`^attribute_(\d+)_(name|value\(s\))$`)

// meaning is what a column's name suggests among the others.
func meaning(name string, all []string) string {
	if field := ownField(name); field != "" && field != "price" {
		return field
	}
	plain := plainName(name)
	others := make(map[string]bool, len(all))
	for _, other := range all {
		others[plainName(other)] = true
	}
	switch {
	case plain == "price" && others["special_price"], plain == "regular_price" && others["sale_price"]:
		return "compare_at" // what it is while there is no sale; see the package feed
	case plain == "regular_price":
		return "price"
	}
	if m := numberedAttribute.FindStringSubmatch(plain); m != nil {
		if m[2] == "name" && others["attribute_"+m[1]+"_value(s)"] {
			return "option_name." + m[1]
		} else if others["attribute_"+m[1]+"_name"] {
			return "option_value." + m[1]
		}
	}
	if field := ownField(plain); field != "" {
		return field
	}
	return meanings[plain]
}

func plainName(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "_") }

// fill takes what a form has sent.
func (s *settings) fill(values url.Values) {
	s.format, s.currency = values.Get("format"), strings.ToUpper(strings.TrimSpace(values.Get("currency")))
	s.encoding, s.imageBase = values.Get("encoding"), strings.TrimSpace(values.Get("image_base"))
	fields := make(map[string]string, len(s.columns))
	for i, name := range s.columns {
		if key := columnField(i); values.Has(key) {
			fields[name] = values.Get(key)
		}
	}
	s.fields = fields
}

func columnField(i int) string { return fmt.Sprintf("column-%d", i) }

// values are those of a form.
func (s settings) values() url.Values {
	v := url.Values{"format": {s.format}, "currency": {s.currency}, "encoding": {s.encoding}, "image_base": {s.imageBase}}
	for i, name := range s.columns {
		v.Set(columnField(i), s.fields[name])
	}
	return v
}

// choices are what a column can be read as.
func fieldChoices(name, now string) []option {
	all := []option{{"", "Left out"}}
	for _, field := range feed.Fields() {
		all = append(all, option{field, field})
	}
	all = append(all, option{"options." + name, "the option " + name}, option{"attributes." + name, "the attribute " + name})
	if !slices.ContainsFunc(all, func(o option) bool { return o.Value == now }) {
		all = append(all, option{now, now})
	}
	return all
}
