package httpapi

import (
	"net/http"

	"github.com/productkit-go/productkit/product"
)

const headerIdempotencyKey = "Idempotency-Key"

// once hands the request's Idempotency-Key to the write that it makes. Reads may be repeated
// anyway and do not look at it.
func (op *operation) once(r *http.Request) (*http.Request, error) {
	keys := r.Header[headerIdempotencyKey]
	switch {
	case op.lane == laneImport && keys != nil:
		return r, &problem{kind: errBadHeader, detail: "An import may be repeated as it is; leave Idempotency-Key out."}
	case op.lane != laneWrite || keys == nil:
		return r, nil
	case len(keys) > 1 || !product.ValidIdempotencyKey(keys[0]):
		return r, &problem{kind: errBadHeader, detail: "Idempotency-Key must be given once and have 1 to 255 characters of UTF-8."}
	}
	return r.WithContext(product.WithIdempotencyKey(r.Context(), keys[0])), nil
}

// replayed tells a client that what follows is the answer to an earlier request.
func replayed(w http.ResponseWriter, r *http.Request) {
	if product.Replayed(r.Context()) {
		w.Header().Set("Idempotency-Replayed", "true")
	}
}

// repeatable reports whether a request that failed may be sent again without harm. The key of a
// reservation is as good as an Idempotency-Key, which its operations do not look at.
func repeatable(r *http.Request) bool {
	return r.Header[headerIdempotencyKey] != nil || r.PathValue("key") != ""
}
