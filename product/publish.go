package product

import "time"

// Published reports whether shoppers see the product at the time t: it is not deleted, its
// status is [StatusActive], and t lies in its window, which begins with PublishAt and ends just
// before UnpublishAt.
//
// No job opens or closes a window. It is evaluated by whoever reads: here, and in a [Query] with
// Published, at the time of the [Service]'s clock. So it changes neither version nor history,
// and the ETag of a product stays when its window opens.
func (p *Product) Published(t time.Time) bool {
	return p.Status == StatusActive && !p.Deleted() &&
		(p.PublishAt.IsZero() || !t.Before(p.PublishAt)) &&
		(p.UnpublishAt.IsZero() || t.Before(p.UnpublishAt))
}

// window brings the times into the form in which they are kept and checks them.
func (f *faults) window(p *Product) {
	for _, at := range []struct {
		field string
		time  *time.Time
	}{{"publish_at", &p.PublishAt}, {"unpublish_at", &p.UnpublishAt}} {
		*at.time = at.time.UTC().Truncate(time.Microsecond)
		if year := at.time.Year(); year < 1 || year > 9999 {
			f.add(at.field, "range", "is in the year %d; it must be 1 to 9999", year)
		}
	}
	if !p.PublishAt.IsZero() && !p.UnpublishAt.IsZero() && !p.UnpublishAt.After(p.PublishAt) {
		f.add("unpublish_at", "range", "is not after publish_at, so the product would never be published; give a later time, or leave one out")
	}
}
