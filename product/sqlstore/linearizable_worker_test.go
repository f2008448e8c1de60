package sqlstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

const (
	recordClient  = "SQLSTORE_TEST_RECORD" // names a process that works and records what it did, by number
	recordFor     = "SQLSTORE_TEST_RECORD_FOR"
	recordAtLeast = "SQLSTORE_TEST_RECORD_AT_LEAST" // operations of each worker
	recordFault   = "SQLSTORE_TEST_RECORD_FAULT"
)

const recordWorkers = 8 // of a process

// record is the life of a child process: its workers call one Service until the time is over, and
// it prints what they did.
func record() error {
	client, err := strconv.Atoi(os.Getenv(recordClient))
	if err != nil {
		return err
	}
	atLeast, err := strconv.Atoi(os.Getenv(recordAtLeast))
	if err != nil {
		return err
	}
	period, err := time.ParseDuration(os.Getenv(recordFor))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), period+2*time.Minute)
	defer cancel()
	store, err := openGiven(ctx)
	if err != nil {
		return err
	}
	svc := product.NewService(storeFaults[os.Getenv(recordFault)](store), nil)
	known := &acquaintances{}
	end := time.Now().Add(period)
	var all sync.WaitGroup
	var operations [recordWorkers][]operation
	var failures [recordWorkers]error
	for i := range recordWorkers {
		all.Go(func() {
			w := worker{svc: svc, known: known, client: client*recordWorkers + i}
			w.random = rand.New(rand.NewPCG(uint64(w.client), 1))
			for n := 0; failures[i] == nil && (n < atLeast || time.Now().Before(end)); n++ {
				op, err := w.do(ctx, n)
				operations[i] = append(operations[i], op)
				failures[i] = err
			}
		})
	}
	all.Wait()
	if err := errors.Join(append(failures[:], svc.Close(ctx))...); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(operations)
}

// acquaintance is a product as a process saw it last, and so as it may not be any more.
type acquaintance struct {
	id                    uuid.UUID
	mark                  string
	version, stockVersion int64
}

// acquaintances are the products of each SKU that a process has seen, the newest at the end.
type acquaintances struct {
	mu    sync.Mutex
	bySKU map[string][]*acquaintance
}

// pick returns one, more often than not the newest.
func (a *acquaintances) pick(sku string, random *rand.Rand) (acquaintance, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	of := a.bySKU[sku]
	if len(of) == 0 {
		return acquaintance{}, false
	}
	if random.IntN(4) == 0 {
		return *of[random.IntN(len(of))], true
	}
	return *of[len(of)-1], true
}

// see remembers the versions that are given.
func (a *acquaintances) see(sku string, seen acquaintance) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, of := range a.bySKU[sku] {
		if of.id == seen.id {
			of.version = max(of.version, seen.version)
			of.stockVersion = max(of.stockVersion, seen.stockVersion)
			return
		}
	}
	if a.bySKU == nil {
		a.bySKU = map[string][]*acquaintance{}
	}
	a.bySKU[sku] = append(a.bySKU[sku], &seen)
}

// worker calls the Service, one operation after the other.
type worker struct {
	svc    *product.Service
	random *rand.Rand
	client int
	known  *acquaintances
}

const recordSKUs = 20

// recordKinds are the kinds of operation, and how often each is tried.
var recordKinds = []struct {
	name    string
	percent int
}{{"get", 30}, {"stock", 12}, {"create", 5}, {"patch", 20}, {"adjust", 12}, {"set", 10}, {"delete", 5}, {"restore", 6}}

func (w *worker) kind() string {
	n := w.random.IntN(100)
	i := 0
	for ; n >= recordKinds[i].percent; i++ {
		n -= recordKinds[i].percent
	}
	return recordKinds[i].name
}

// do makes an operation and returns what there is to say about it. An error is one that no
// operation may have.
func (w *worker) do(ctx context.Context, n int) (operation, error) {
	op := operation{Actor: fmt.Sprintf("%d-%d", w.client, n), Client: w.client, Kind: w.kind(), SKU: fmt.Sprint("P-", w.random.IntN(recordSKUs))}
	target, known := w.known.pick(op.SKU, w.random)
	switch {
	case !known && op.Kind != "create":
		op.Kind = "get"
	case op.Kind != "create" && (op.Kind != "get" || w.random.IntN(2) == 0):
		op.Mark = target.mark
	}
	switch op.Kind {
	case "create", "patch":
		op.Title = op.Actor
	case "adjust":
		op.Amount = int64(w.random.IntN(9) - 4)
	case "set":
		op.Amount = int64(w.random.IntN(20))
	}
	switch op.Kind {
	case "patch", "delete":
		op.Expect = target.version
	case "set":
		op.Expect = max(target.stockVersion, 1)
	}
	ctx = product.WithActor(ctx, op.Actor)
	if w.random.IntN(20) == 0 { // a caller who does not wait for the outcome
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(w.random.IntN(3000))*time.Microsecond)
		defer cancel()
	}
	op.Call = monotonic()
	var err error
	op.Answer, err = w.call(ctx, op, target.id)
	op.Return = monotonic()
	return op, op.settle(err)
}

// call makes the call and returns its answer, if there is no error.
func (w *worker) call(ctx context.Context, op operation, id uuid.UUID) (answer, error) {
	var p product.Product
	var stock product.Stock
	var err error
	switch op.Kind {
	case "get":
		if op.Mark == "" {
			p, err = w.svc.GetBySKU(ctx, op.SKU)
		} else {
			p, err = w.svc.Get(ctx, id)
		}
	case "create":
		d := draft(op.SKU)
		d.Name, d.Vendor, d.Stock = op.Title, op.Actor, nil
		p, err = w.svc.Create(ctx, d)
	case "patch":
		p, err = w.svc.Update(ctx, id, product.Patch{Name: &op.Title}, product.IfVersion(op.Expect))
	case "restore":
		p, err = w.svc.Restore(ctx, id, product.Expect{})
	case "delete":
		return answer{Version: op.Expect + 1}, w.svc.Delete(ctx, id, product.IfVersion(op.Expect))
	case "stock":
		stock, err = w.svc.Stock(ctx, id)
	case "adjust":
		stock, err = w.svc.AdjustStock(ctx, id, op.Amount, "", product.Expect{})
	case "set":
		stock, err = w.svc.SetStock(ctx, id, op.Amount, product.IfVersion(op.Expect))
	}
	switch {
	case err != nil:
		return answer{}, err
	case p.ID != uuid.Nil:
		w.known.see(op.SKU, acquaintance{id: p.ID, mark: p.Vendor, version: p.Version})
		return answer{Mark: p.Vendor, Title: p.Name, Version: p.Version}, nil
	}
	w.known.see(op.SKU, acquaintance{id: stock.ProductID, stockVersion: stock.Version})
	return answer{Mark: op.Mark, Version: stock.Version, OnHand: stock.OnHand}, nil
}

// settle says what an error means.
func (o *operation) settle(err error) error {
	o.Fate = answered
	if err == nil {
		return nil
	}
	o.Answer = answer{}
	for _, rule := range rules {
		if errors.Is(err, rule) {
			o.Answer = refuse(rule)
			return nil
		}
	}
	switch {
	case errors.Is(err, product.ErrOutcomeUnknown):
		o.Fate = unknown
	case errors.Is(err, product.ErrBusy), errors.Is(err, product.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		o.Fate = refused
	default:
		return fmt.Errorf("%s %s: %w", o.Kind, o.SKU, err)
	}
	return nil
}
