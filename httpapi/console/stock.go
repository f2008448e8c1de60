package console

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// stockForm changes a stock by a difference. Once is an idempotency key: what is sent twice happens once.
type stockForm struct {
	form
	Once string
}

func newStockForm() *stockForm { return &stockForm{Once: uuid.NewString()} }

// Delta and Reason are its fields.
func (f *stockForm) Delta() field {
	return f.field(field{Name: "delta", Label: "Change by", Type: "text", Hint: "Such as 12, or -3"})
}

// Reason is what the history will tell.
func (f *stockForm) Reason() field {
	return f.field(field{Name: "reason", Label: "Reason", Type: "text", Hint: "Stands in the history"})
}

// changeStock adds to the quantity on hand.
func (h *Handler) changeStock(w http.ResponseWriter, r *http.Request) error {
	p, err := h.find(r)
	if err != nil {
		return err
	}
	f := &stockForm{form: form{values: r.PostForm}, Once: r.PostForm.Get("once")}
	if p.Deleted() {
		return h.renderProduct(w, r, http.StatusConflict, &p, productPage{Wrong: "The product was deleted meanwhile; its stock was not changed."})
	}
	if delta := f.read(); !f.Wrong() {
		ctx := r.Context()
		if product.ValidIdempotencyKey(f.Once) {
			ctx = product.WithIdempotencyKey(ctx, f.Once)
		}
		_, err := h.svc.AdjustStock(ctx, p.ID, delta, f.values.Get("reason"), product.Expect{})
		var short *product.StockError
		switch {
		case err == nil:
			return h.redirect(w, r, "/products/"+p.ID.String()+"?done=stock")
		case errors.As(err, &short):
			f.fault("delta", fmt.Sprintf("takes %d, and %d are available; take fewer, or let the product sell below zero", short.Wanted, short.Available))
		case errors.Is(err, product.ErrKeyReused):
			f.fault("delta", "was sent from this page before, with another number; look at the stock as it is now, and send it again")
		case !f.add(err, []string{"delta", "reason"}):
			return err
		}
	}
	f.Once = uuid.NewString()
	return h.renderProduct(w, r, http.StatusUnprocessableEntity, &p, productPage{Change: f})
}

func (f *stockForm) read() int64 {
	m := member{}
	for _, name := range []string{"delta", "reason"} {
		f.values.Set(name, m.clean(f.values.Get(name)))
	}
	delta, fault := readWhole(plus(f.values.Get("delta")))
	switch {
	case fault != "":
		f.fault("delta", "must be a whole number, such as 12 or -3")
	case delta == 0:
		f.fault("delta", "would change nothing; write how many come, or how many go with a minus sign")
	}
	return delta
}

// plus takes the sign off that a number may begin with.
func plus(s string) string {
	if len(s) > 1 && s[0] == '+' && s[1] >= '0' && s[1] <= '9' {
		return s[1:]
	}
	return s
}
