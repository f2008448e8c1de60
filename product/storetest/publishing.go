package storetest

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/productkit-go/productkit/product"
)

// publishing moves the Service's clock through the windows of several products.
func (s *suite) publishing() {
	start := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	var now atomic.Int64
	now.Store(start.UnixMicro())
	clock := func() time.Time { return time.UnixMicro(now.Load()) }
	s.Service = NewService(s, s.store, &product.Options{Now: clock})

	open, closed := start.Add(time.Hour), start.Add(2*time.Hour)
	for _, d := range []struct {
		sku       string
		status    product.Status
		from, til time.Time
	}{
		{"always", product.StatusActive, time.Time{}, time.Time{}},
		{"from", product.StatusActive, open, time.Time{}},
		{"til", product.StatusActive, time.Time{}, closed},
		{"window", product.StatusActive, open, closed},
		{"draft", product.StatusDraft, time.Time{}, time.Time{}},
		{"archived", product.StatusArchived, open, closed},
	} {
		p := draft(d.sku)
		p.Status, p.PublishAt, p.UnpublishAt = d.status, d.from, d.til
		s.create(p)
	}
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{start, "always til"},
		{open.Add(-time.Microsecond), "always til"},
		{open, "always from til window"},
		{closed.Add(-time.Microsecond), "always from til window"},
		{closed, "always from"},
	} {
		now.Store(test.at.UnixMicro())
		var yes, no []string
		for p, err := range s.All(s.ctx(), product.Query{}) {
			s.ok(err, "list")
			if p.Published(test.at) {
				yes = append(yes, p.SKU)
			} else {
				no = append(no, p.SKU)
			}
		}
		slices.Sort(yes)
		slices.Sort(no)
		s.equal(strings.Join(yes, " "), test.want, "published at %v", test.at)
		for published, want := range map[bool][]string{true: yes, false: no} {
			var skus []string
			for p, err := range s.All(s.ctx(), product.Query{Published: &published, Limit: 1}) {
				s.ok(err, "list")
				skus = append(skus, p.SKU)
			}
			slices.Sort(skus)
			s.equal(skus, want, "listed as published=%v at %v", published, test.at)
		}
	}

	window, err := s.GetBySKU(s.ctx(), "window")
	s.ok(err, "get")
	s.equal(window.Version, int64(1), "version after its window came and went")
	_, err = s.Update(s.ctx(), window.ID, product.Patch{UnpublishAt: &open}, product.Expect{})
	s.fails(err, product.ErrInvalid, "a window that ends where it begins")
	window, err = s.Update(s.ctx(), window.ID, product.Patch{UnpublishAt: new(time.Time)}, product.Expect{})
	s.ok(err, "removing its end")
	s.equal([]bool{window.UnpublishAt.IsZero(), window.PublishAt.Equal(open), window.Published(closed)}, []bool{true, true, true}, "window")
	changes := s.changes(window.ID)
	s.equal(string(changes[1].Fields[0].Before), `"2026-06-01T02:00:00.000000Z"`, "before in the history")
}
