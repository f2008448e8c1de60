// Package product is the catalogue: what a product is, which rules hold for it, and a
// [Service] that applies them for many callers at once.
//
//	svc := product.NewService(store, nil) // a sqlstore.Store, for one
//	defer svc.Close(ctx)
//	p, err := svc.Create(ctx, product.Draft{Product: product.Product{
//		SKU: "TSHIRT-RED-M", Name: "T-shirt", Price: product.Money{Amount: 1999, Currency: "EUR"},
//	}})
//
// # Batches
//
// A [Store] speaks in batches and the Service folds callers into them: while one query is in
// flight, whoever asks meanwhile shares the next one, and so do writers one transaction. A
// caller notices nothing of it but the speed. It gets its own answer or its own error; what it
// reads is never older than its question; and when its context ends it is answered at once
// while the batch goes on.
//
// # Rules
//
// Every rule is decided in Go, by a [Decision], over rows that the Store holds locked, in the
// order of arrival. So the rules are the same on every engine, a wrong write fails alone, and
// a [Patch] is merged with what is there, not with what the caller last saw. A caller who
// wants to be sure of what it saw says so by [Expect].
//
// # Reservations
//
// [Service.Reserve] holds stock of several products for a cart, all or nothing, under a key of the
// caller's; [Service.Commit] takes it out of the stock, [Service.Release] gives it back, and when
// it expires it counts as given back from that instant, for whoever reads or writes. Each of them
// may be repeated.
//
// # Change feed
//
// Every change of every product stands in one feed, written in the transaction of the change.
// [Service.Changes] reads on from a position, [Service.Follow] waits for more. Nothing ever
// appears behind a position that was delivered, so a consumer that stores the last one it has
// dealt with misses nothing, whatever it, the writers or their transactions went through.
//
// # Publishing
//
// A product is shown to shoppers while it is active and within its window, from PublishAt to
// UnpublishAt: [Product.Published], and [Query] with Published. Whoever reads evaluates it; there
// is no job that could come late, and nothing is written when a window opens.
//
// # Unknown outcomes
//
// A connection can die while a COMMIT is under way. A Store then finds out what became of it;
// only when it cannot do so in time is the caller told [ErrOutcomeUnknown]. Every other error
// means that nothing was changed. A write made with [WithIdempotencyKey] may be repeated in
// either case: it happens once.
package product
