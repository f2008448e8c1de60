package sqlstore_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/productkit-go/productkit/product"
)

// operation is one call of a process to its Service, and what came of it.
type operation struct {
	Actor        string // its own name
	Client       int
	Call, Return int64 // by the clock monotonic; a Return that never came is the end of time

	Kind   string
	SKU    string
	Mark   string // which product: the actor that created it; a get without one is by SKU
	Title  string // of a create and a patch
	Expect int64  // the version of a patch and a delete, and of a set that of the stock
	Amount int64  // of an adjust and a set

	Fate   fate
	Answer answer
}

// fate is how much of an operation's outcome is known.
type fate string

const (
	answered fate = "answered"
	refused  fate = "refused"  // with the promise that nothing happened; a read also without
	unknown  fate = "unknown"  // it may happen at any time until the end
	happened fate = "happened" // it was unknown, and the history tells of it
)

// answer is what a caller learns.
type answer struct {
	Refusal string // by a rule; then the rest is empty
	Mark    string
	Title   string
	Version int64 // of the product, or of the stock
	OnHand  int64
}

// rules are the refusals that depend on the state of the catalogue.
var rules = []error{product.ErrNotFound, product.ErrTaken, product.ErrPreconditionFailed, product.ErrInsufficientStock}

func refuse(rule error) answer { return answer{Refusal: rule.Error()} }

// kept is a product as the catalogue should keep it.
type kept struct {
	mark, title          string
	version              int64
	deleted              bool
	onHand, stockVersion int64
}

func (k kept) product() answer { return answer{Mark: k.mark, Title: k.title, Version: k.version} }
func (k kept) stock() answer   { return answer{Mark: k.mark, Version: k.stockVersion, OnHand: k.onHand} }

// catalogue is the sequential model: what one SKU's products are, deleted ones too, and what each
// operation makes of them when nothing else goes on. SKUs know nothing of each other.
var catalogue = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		bySKU := map[string][]porcupine.Operation{}
		for _, op := range history {
			sku := op.Input.(operation).SKU
			bySKU[sku] = append(bySKU[sku], op)
		}
		return slices.Collect(maps.Values(bySKU))
	},
	Init: func() any { return []kept(nil) },
	Step: func(state, input, _ any) (bool, any) {
		op := input.(operation)
		next, want := op.apply(state.([]kept))
		if op.Fate == happened { // its caller did not hear of it; the history knows the version
			return want.Refusal == "" && want.Version == op.Answer.Version, next
		}
		return want == op.Answer, next
	},
	Equal: func(a, b any) bool { return slices.Equal(a.([]kept), b.([]kept)) },
	DescribeOperation: func(input, _ any) string {
		op := input.(operation)
		return fmt.Sprintf("%s %s %s title %q expect %d amount %d → %s %+v", op.Actor, op.Kind, op.Mark, op.Title, op.Expect, op.Amount, op.Fate, op.Answer)
	},
}

// apply returns the products after the operation, and its answer.
func (o operation) apply(products []kept) ([]kept, answer) {
	live := slices.IndexFunc(products, func(k kept) bool { return !k.deleted })
	at := live
	if o.Mark != "" {
		at = slices.IndexFunc(products, func(k kept) bool { return k.mark == o.Mark })
	}
	switch {
	case o.Kind == "create" && live >= 0:
		return products, refuse(product.ErrTaken)
	case o.Kind == "create":
		k := kept{mark: o.Actor, title: o.Title, version: 1, stockVersion: 1}
		return append(slices.Clip(products), k), k.product()
	case at < 0, products[at].deleted && o.Kind != "restore":
		return products, refuse(product.ErrNotFound)
	}

	k := products[at]
	switch o.Kind {
	case "get":
		return products, k.product()
	case "stock":
		return products, k.stock()
	case "patch", "delete":
		if o.Expect != k.version {
			return products, refuse(product.ErrPreconditionFailed)
		}
		k.version++
		if o.Kind == "delete" {
			k.deleted = true
			return with(products, at, k), answer{Version: k.version}
		}
		k.title = o.Title
		return with(products, at, k), k.product()
	case "restore":
		switch {
		case live == at:
			return products, k.product()
		case live >= 0:
			return products, refuse(product.ErrTaken)
		}
		k.version++
		k.deleted = false
		return with(products, at, k), k.product()
	case "set":
		if o.Expect != k.stockVersion {
			return products, refuse(product.ErrPreconditionFailed)
		}
		return restocked(products, at, o.Amount)
	case "adjust":
		if o.Amount < 0 && k.onHand+o.Amount < 0 {
			return products, refuse(product.ErrInsufficientStock)
		}
		return restocked(products, at, k.onHand+o.Amount)
	}
	panic("no operation is called " + o.Kind)
}

func restocked(products []kept, at int, onHand int64) ([]kept, answer) {
	k := products[at]
	if onHand == k.onHand {
		return products, k.stock()
	}
	k.onHand = onHand
	k.stockVersion++
	return with(products, at, k), k.stock()
}

// with returns a copy in which k stands at the index.
func with(products []kept, at int, k kept) []kept {
	products = slices.Clone(products)
	products[at] = k
	return products
}
