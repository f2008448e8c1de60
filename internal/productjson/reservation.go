package productjson

import (
	"time"

	"github.com/productkit-go/productkit/product"
)

// Reservation is the body that asks for one.
type Reservation struct {
	Items  []product.ReservationItem
	Expiry time.Duration // 0: the default
}

// DecodeReservation reads {"items":[{"sku":"A","quantity":2}],"expires_in_seconds":900}. The expiry
// may be left out. When the error is a [*product.InvalidError], the reservation holds what is in
// order.
func DecodeReservation(data []byte) (Reservation, error) {
	var v Reservation
	r, err := newReader(data)
	if err != nil {
		return v, err
	}
	r.object("", func(field, name string) {
		switch name {
		case "items":
			r.array(field, func(field string) { v.Items = append(v.Items, r.reservationItem(field)) })
		case "expires_in_seconds":
			v.Expiry = r.expiry(field)
		default:
			r.unknown(field)
		}
	})
	return v, r.err()
}

func (r *reader) reservationItem(field string) product.ReservationItem {
	var item product.ReservationItem
	given := false
	ok := r.object(field, func(field, name string) {
		switch name {
		case "sku":
			item.SKU = value(r.text(field))
		case "quantity":
			given = true
			item.Quantity = value(required(r, field, r.integer))
		default:
			r.unknown(field)
		}
	})
	if ok && !given {
		r.fault(within(field, "quantity"), "required", "is missing; give how many to hold")
	}
	return item
}

// expiry reads seconds. Zero is not what an absent expiry is.
func (r *reader) expiry(field string) time.Duration {
	if r.null() {
		return 0
	}
	const most = int64(product.MaxExpiry / time.Second)
	seconds := r.integer(field)
	if seconds == nil {
		return 0
	}
	if *seconds < 1 || *seconds > most {
		r.fault(field, "range", "is %d; it must be 1 to %d, or left out for %d", *seconds, most, int64(product.DefaultExpiry/time.Second))
		return 0
	}
	return time.Duration(*seconds) * time.Second
}
