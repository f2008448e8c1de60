// Package client calls a catalogue over HTTP with the types of package product.
//
//	catalogue, err := client.New("https://shop.example/v1", nil)
//	p, err := catalogue.GetBySKU(ctx, "TSHIRT-RED-M")
//	switch {
//	case errors.Is(err, product.ErrNotFound):
//		…
//	}
//	for change, err := range catalogue.Follow(ctx, position) {
//		…
//	}
//
// A [Client] has the methods of a [product.Service], less GetDeleted, for which the API has no
// operation, so that code can take either by an interface of its own. What a host refuses (401, 403, 429) is a [Problem] with that Status.
//
// # Trying again
//
// Every write is sent with an idempotency key, the context's ([product.WithIdempotencyKey]) or one
// of its own, under which it happens once however often it is asked for. So reads and writes alike
// are sent again when the server could not be reached, when the answer was lost, and when the
// server says after how long to (Retry-After); nothing else is. [Options] bound how often and how
// long. A write whose last answer was lost too is [product.ErrOutcomeUnknown].
package client
