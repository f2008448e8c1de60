package product_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	svc := newService(t, nil)
	tags := make([]string, product.MaxTags+1)
	for i := range tags {
		tags[i] = fmt.Sprint(i)
	}
	for name, test := range map[string]struct {
		change func(*product.Draft)
		want   string // field code, sorted as reported
	}{
		"nothing given": {func(d *product.Draft) { *d = product.Draft{} }, "sku required, name required, price.currency required"},
		"everything wrong": {func(d *product.Draft) {
			d.SKU, d.Name, d.Description = "a b", strings.Repeat("n", 256), "\x00"
			d.Status, d.Price = "new", product.Money{Amount: -1, Currency: "XXX"}
			d.CompareAt = &product.Money{Amount: product.MaxQuantity + 1, Currency: "EUR"}
			d.Group, d.Category, d.Vendor = " g", "a//b", "v\n"
			d.Options = map[string]string{"Size": ""}
			d.Tags = []string{"", "x", "x"}
			d.Barcode, d.WeightGrams = "4006381333932", -1
			d.Images = []product.Image{{URL: "ftp://x/y"}, {}, {URL: "/relative"}}
			d.Attributes = json.RawMessage(`[1]`)
			d.Stock = ptr(int64(-1))
			d.ID, d.Version = uuid.New(), 3
			d.CreatedAt = time.Now()
		}, "id read_only, version read_only, created_at read_only, sku format, name too_long, description format, status unknown, " +
			"price.amount range, price.currency unknown, compare_at.amount range, compare_at.currency mismatch, group format, options.Size required, " +
			"category format, tags[0] required, tags[2] duplicate, vendor format, barcode check_digit, weight_grams range, " +
			"images[0].url format, images[1].url required, images[2].url format, attributes format, stock range"},
		"too many":               {func(d *product.Draft) { d.Tags = tags }, "tags too_many"},
		"SKU of a dot":           {func(d *product.Draft) { d.SKU = "." }, "sku format"},
		"SKU of a slash":         {func(d *product.Draft) { d.SKU = "/" }, "sku format"},
		"SKU with umlaut":        {func(d *product.Draft) { d.SKU = "Ä" }, "sku format"},
		"SKU too long":           {func(d *product.Draft) { d.SKU = strings.Repeat("s", 65) }, "sku format"},
		"invalid UTF-8":          {func(d *product.Draft) { d.Name, d.Description = "\xff", "\xff" }, "name encoding, description encoding"},
		"description too long":   {func(d *product.Draft) { d.Description = strings.Repeat("d", 64<<10+1) }, "description too_long"},
		"attributes too long":    {func(d *product.Draft) { d.Attributes = json.RawMessage(`{"a":"` + strings.Repeat("a", 64<<10) + `"}`) }, "attributes too_long"},
		"attributes too great":   {func(d *product.Draft) { d.Attributes = json.RawMessage(`{"a":[{"b":1},{"c":1e309}],"d":1e-400}`) }, "attributes range"},
		"attributes twice":       {func(d *product.Draft) { d.Attributes = json.RawMessage(`{} {}`) }, "attributes format"},
		"barcode of nine digits": {func(d *product.Draft) { d.Barcode = "123456789" }, "barcode format"},
		"barcode with a letter":  {func(d *product.Draft) { d.Barcode = "4006381333X31" }, "barcode format"},
		"option without a name":  {func(d *product.Draft) { d.Options = map[string]string{"": "x"} }, "options format"},
		"category with a slash":  {func(d *product.Draft) { d.Category = "/a" }, "category format"},
		"category with spaces":   {func(d *product.Draft) { d.Category = "a /b" }, "category format"},
		"currency in small caps": {func(d *product.Draft) { d.Price.Currency = "eur" }, "price.currency unknown"},
		"right":                  {func(d *product.Draft) { d.Barcode, d.Category = "96385074", "a/b" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := draft("V-" + fmt.Sprint(len(name)) + name[:1])
			test.change(&d)
			_, err := svc.Create(t.Context(), d)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			var invalid *product.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.ErrorIs(t, err, product.ErrInvalid)
			var got []string
			for _, f := range invalid.Faults {
				got = append(got, f.Field+" "+f.Code)
				require.NotEmpty(t, f.Message)
				require.Contains(t, err.Error(), f.Message)
				require.Less(t, len(f.Message), 300, "messages stay short whatever is sent")
			}
			require.Equal(t, test.want, strings.Join(got, ", "))
		})
	}
}

func TestAPatchReportsEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	svc := newService(t, nil)
	p, err := svc.Create(t.Context(), draft("A"))
	require.NoError(t, err)
	_, err = svc.Update(t.Context(), p.ID, product.Patch{
		Name:   ptr(""),
		Price:  &product.MoneyPatch{Clear: true},
		Assert: product.Assert{Version: ptr(int64(7)), Available: ptr(int64(3))},
	}, product.Expect{})
	var invalid *product.InvalidError
	require.True(t, errors.As(err, &invalid))
	var fields []string
	for _, f := range invalid.Faults {
		fields = append(fields, f.Field+" "+f.Code)
	}
	require.Equal(t, []string{"version read_only", "stock read_only", "name required", "price.currency required"}, fields)
}

func TestTheCallersDraftIsLeftAlone(t *testing.T) {
	t.Parallel()
	svc := newService(t, nil)
	d := draft("A")
	d.Options = map[string]string{"Size": "M"}
	d.Attributes = json.RawMessage(`{ "b":1, "a":2 }`)
	p, err := svc.Create(t.Context(), d)
	require.NoError(t, err)
	require.JSONEq(t, `{"a":2,"b":1}`, string(p.Attributes))
	require.Equal(t, `{ "b":1, "a":2 }`, string(d.Attributes))
	d.Options["Size"] = "L"
	got, err := svc.Get(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, "M", got.Options["Size"])
	require.Empty(t, d.Status)
}
