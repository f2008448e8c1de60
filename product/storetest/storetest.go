// Package storetest holds what every [product.Store] must do: the catalogue's promises, shown
// through a real [product.Service] and, where batches matter, through the store itself.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t testing.TB) product.Store { return newEmptyStore(t) })
//	}
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// Run runs the suite, each test in parallel on a store of its own. Open returns an empty store
// that is safe for concurrent use, and sees to its removal by t.Cleanup.
func Run(t *testing.T, open func(t testing.TB) product.Store) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := open(t)
			test.run(&suite{T: t, store: store, Service: NewService(t, store, nil)})
		})
	}
}

var tests = []struct {
	name string
	run  func(*suite)
}{
	{"a product comes back as it was created", (*suite).roundTrip},
	{"a product at every limit is kept whole", (*suite).limits},
	{"a SKU is compared byte for byte", (*suite).bytewiseSKU},
	{"a taken SKU is refused and names who has it", (*suite).takenSKU},
	{"two variants of a group never have equal options", (*suite).variants},
	{"a patch changes what it names and one version", (*suite).patch},
	{"a write that changes nothing records nothing", (*suite).unchanged},
	{"preconditions are decided under the lock", (*suite).preconditions},
	{"of two updates with one expected version one wins", (*suite).lostUpdate},
	{"upsert creates, replaces and leaves alone", (*suite).upsert},
	{"a deleted product is gone, frees its SKU and can be restored", (*suite).deleteRestore},
	{"stock is a resource of its own", (*suite).stock},
	{"200 buyers of 100 pieces", (*suite).oversell},
	{"a write with an idempotency key happens once", (*suite).once},
	{"of racing writes with one idempotency key one happens", (*suite).racingOnce},
	{"reservations hold stock until they are settled, each once", (*suite).reservations},
	{"a reservation takes all or nothing and says what is short", (*suite).shortReservations},
	{"what has expired is released from that instant", (*suite).expiry},
	{"writes tell the stock without what has expired, and again the same", (*suite).expiryInOutcomes},
	{"of racing reservations each is made and settled once", (*suite).racingReservations},
	{"nothing is sold twice by services that sell the same", (*suite).sellTwice},
	{"reservations are decided within a batch, and previewed", (*suite).previewedReservations},
	{"history tells every change in order", (*suite).history},
	{"the feed tells every change once and in order", (*suite).feed},
	{"the feed is read while it is written", (*suite).feedUnderWrites},
	{"the feed forgets what is old and says so", (*suite).pruning},
	{"merging an import twice changes nothing", (*suite).mergeTwice},
	{"a batch decides in order and isolates faults", (*suite).batch},
	{"two SKUs are swapped in one batch", (*suite).swapSKUs},
	{"operations of a batch see what earlier ones did", (*suite).batchInOrder},
	{"a batch longer than a transaction keeps its order", (*suite).batchLongerThanATransaction},
	{"an atomic batch is applied as a whole or leaves nothing", (*suite).atomicBatch},
	{"racing atomic batches lose nothing", (*suite).racingAtomicBatches},
	{"a preview of an atomic batch is all or nothing", (*suite).previewedBatch},
	{"a repeated batch completes what was left undone", (*suite).completedBatch},
	{"a group is patched as one", (*suite).groupAsOne},
	{"a group is patched as a whole or not at all", (*suite).groupOrNone},
	{"a group that is too big is refused", (*suite).groupTooBig},
	{"a group is patched while its variants change", (*suite).groupUnderWrites},
	{"lookup keeps order and names what is missing", (*suite).lookup},
	{"every sort pages over everything once", (*suite).paging},
	{"every category counts what a list of it selects", (*suite).categories},
	{"counting stops where it is told to", (*suite).cappedCount},
	{"a product is published within its window", (*suite).publishing},
	{"every filter selects what it says", (*suite).filters},
	{"a search finds what a shopper means", (*suite).search},
	{"a search ranks names above the rest", (*suite).searchRank},
	{"a search follows what is written", (*suite).searchFollows},
	{"a search pages, counts and combines with filters", (*suite).searchPages},
	{"a search takes whatever is typed", (*suite).searchAnything},
	{"paging sees what stays exactly once while others write", (*suite).pagingUnderWrites},
	{"an export is of one moment, in the order of SKUs, filtered", (*suite).export},
	{"a preview says what a merge does and changes nothing", (*suite).preview},
	{"a cancelled context applies nothing", (*suite).cancelled},
	{"services on one store keep every rule between them", (*suite).services},
}

// suite is one test with its store. Its methods on [product.Service] are the catalogue's own.
type suite struct {
	*testing.T
	*product.Service
	store product.Store
}

// NewService returns a Service on the store that is closed when the test ends.
func NewService(t testing.TB, store product.Store, opts *product.Options) *product.Service {
	s := product.NewService(store, opts)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("closing the service: %v", err)
		}
	})
	return s
}

// ctx bounds each call, so that a store that hangs fails instead.
func (s *suite) ctx() context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	s.T.Cleanup(cancel)
	return ctx
}

// draft returns a small valid product.
func draft(sku string) product.Draft {
	return product.Draft{Product: product.Product{
		SKU: sku, Name: "Name of " + sku, Price: product.Money{Amount: 1999, Currency: "EUR"},
	}}
}

func (s *suite) create(d product.Draft) product.Product {
	s.Helper()
	p, err := s.Service.Create(s.ctx(), d)
	s.ok(err, "create %s", d.SKU)
	return p
}

func (s *suite) createWithStock(sku string, onHand int64) product.Product {
	s.Helper()
	d := draft(sku)
	d.Stock = &onHand
	return s.create(d)
}

func (s *suite) get(id uuid.UUID) product.Product {
	s.Helper()
	p, err := s.Service.Get(s.ctx(), id)
	s.ok(err, "get %s", id)
	return p
}

func (s *suite) stockOf(id uuid.UUID) product.Stock {
	s.Helper()
	stock, err := s.Service.Stock(s.ctx(), id)
	s.ok(err, "stock of %s", id)
	return stock
}

func (s *suite) ok(err error, what string, args ...any) {
	s.Helper()
	if err != nil {
		s.Fatalf(what+": %v", append(args, err)...)
	}
}

// fails wants an error that matches the sentinel.
func (s *suite) fails(err, sentinel error, what string, args ...any) {
	s.Helper()
	if !errors.Is(err, sentinel) {
		s.Fatalf(what+": got %v, want %v", append(args, err, sentinel)...)
	}
}

func (s *suite) equal(got, want any, what string, args ...any) {
	s.Helper()
	if !reflect.DeepEqual(got, want) {
		s.Fatalf("%s:\n got %+v\nwant %+v", fmt.Sprintf(what, args...), got, want)
	}
}

func ptr[T any](v T) *T { return &v }
