package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// putReservation holds stock of several products, all or nothing: 201, and 200 when the same had
// been asked for before.
func (h *Handler) putReservation(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	want, err := decode(h, w, r, reservationOf(key), mediaJSON)
	if err != nil {
		return err
	}
	reservation, result, err := h.svc.Reserve(r.Context(), key, want.Items, want.Expiry)
	switch {
	case errors.Is(err, product.ErrKeyReused):
		return errReservationDiffers
	case err != nil:
		return contentError(err)
	}
	status := http.StatusOK
	if result == product.Created {
		status = http.StatusCreated
	}
	h.writeReservation(w, status, &reservation)
	return nil
}

// reservationOf decodes the reservation of a key, and reports what is wrong with the JSON and what
// is wrong with the reservation together.
func reservationOf(key string) func([]byte) (productjson.Reservation, error) {
	return func(data []byte) (productjson.Reservation, error) {
		v, err := productjson.DecodeReservation(data)
		var invalid *product.InvalidError
		if errors.As(err, &invalid) {
			err = productjson.Join(err, product.ValidateReservation(key, v.Items, v.Expiry))
		}
		return v, err
	}
}

func (h *Handler) getReservation(w http.ResponseWriter, r *http.Request) error {
	return h.answerReservation(w, r, h.svc.Reservation)
}

func (h *Handler) commitReservation(w http.ResponseWriter, r *http.Request) error {
	return h.answerReservation(w, r, h.svc.Commit)
}

// releaseReservation answers with the reservation, for it stays there to be read.
func (h *Handler) releaseReservation(w http.ResponseWriter, r *http.Request) error {
	return h.answerReservation(w, r, h.svc.Release)
}

// answerReservation answers with what a method of the Service makes of the path's reservation.
func (h *Handler) answerReservation(w http.ResponseWriter, r *http.Request, method func(ctx context.Context, key string) (product.Reservation, error)) error {
	reservation, err := method(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	h.writeReservation(w, http.StatusOK, &reservation)
	return nil
}

func (h *Handler) writeReservation(w http.ResponseWriter, status int, reservation *product.Reservation) {
	buf := getBuffer()
	defer putBuffer(buf)
	buf.b = reservation.AppendJSON(buf.b)
	w.Header()["Cache-Control"] = h.headers.revalidate
	h.write(w, status, h.headers.json, buf.b)
}
