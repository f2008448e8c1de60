package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// batchProducts applies a batch and answers 200 with what each operation would have been answered
// by itself. A body that is not understood is refused as a whole.
func (h *Handler) batchProducts(w http.ResponseWriter, r *http.Request) error {
	params := paramReader{values: r.URL.Query()}
	apply := h.svc.Batch
	if atomic := params.flag("atomic"); atomic != nil && *atomic {
		apply = h.svc.AtomicBatch
	}
	if err := badParameters(params.faults); err != nil {
		return err
	}
	items, err := decode(h, w, r, decodeBatch, mediaJSON)
	if err != nil {
		return err
	}
	ops, err := h.batchOperations(items)
	if err != nil {
		return err
	}
	if err := h.authorizeBatch(r, ops); err != nil {
		return err
	}
	outcomes, err := apply(r.Context(), ops)
	if outcomes == nil && err != nil {
		return contentError(err)
	}
	replayed(w, r)
	h.writeOutcomes(w, r, items, outcomes)
	return nil
}

// decodeBatch reports what is wrong with the JSON and what is wrong with the products together.
func decodeBatch(data []byte) ([]productjson.BatchItem, error) {
	items, err := productjson.DecodeBatch(data)
	var invalid *product.InvalidError
	if !errors.As(err, &invalid) {
		return items, err
	}
	for i := range items {
		if items[i].Op == "create" || items[i].Op == "upsert" {
			err = productjson.Join(err, faultsWithin(fmt.Sprintf("items[%d].product", i), items[i].Draft.Validate()))
		}
	}
	return items, err
}

// faultsWithin gives the faults of a part their paths in the whole.
func faultsWithin(field string, err error) error {
	faults := faultsOf(err)
	if faults == nil {
		return err
	}
	moved := make([]product.Fault, len(faults))
	for i, f := range faults {
		f.Field = field + "." + f.Field
		moved[i] = f
	}
	return &product.InvalidError{Faults: moved}
}

// batchOperations makes operations of the items, which have been checked for their members.
func (h *Handler) batchOperations(items []productjson.BatchItem) ([]product.Operation, error) {
	ops := make([]product.Operation, len(items))
	var malformed, lacking []product.Fault
	for i := range items {
		item := &items[i]
		parse := productRevision
		if item.Op == "stock" {
			parse = stockRevision
		}
		tags := func(member string, value *string) *tagList {
			if value == nil {
				return nil
			}
			list, ok := parseTags([]string{*value})
			if !ok {
				malformed = append(malformed, product.Fault{Field: fmt.Sprintf("items[%d].%s", i, member), Code: "format",
					Message: "is malformed; give * or an etag as an answer has it, with its quotes"})
			}
			return list
		}
		match, none := tags("if_match", item.IfMatch), tags("if_none_match", item.IfNoneMatch)
		if match == nil && none == nil && h.opts.RequirePrecondition && overwrites(item) {
			lacking = append(lacking, product.Fault{Field: fmt.Sprintf("items[%d].if_match", i), Code: "required",
				Message: "is missing; give the etag that you have seen, or if_none_match: * to create"})
		}
		ops[i] = batchOperation(item, expectation(match, none, parse))
	}
	switch {
	case malformed != nil:
		return nil, &product.InvalidError{Faults: malformed}
	case lacking != nil:
		return nil, &problem{kind: errPreconditionRequired, faults: lacking}
	}
	return ops, nil
}

// overwrites reports whether the item does what would be a PUT, PATCH or DELETE.
func overwrites(item *productjson.BatchItem) bool {
	return item.Op == "upsert" || item.Op == "patch" || item.Op == "delete" || item.OnHand != nil
}

func batchOperation(item *productjson.BatchItem, e product.Expect) product.Operation {
	switch {
	case item.Op == "create":
		return product.Create{Draft: item.Draft}
	case item.Op == "upsert":
		return product.Upsert{Draft: item.Draft, Expect: e}
	case item.Op == "patch":
		return product.Update{Key: item.Key(), Patch: item.Patch, Expect: e}
	case item.Op == "delete":
		return product.Delete{Key: item.Key(), Expect: e}
	case item.Op == "restore":
		return product.Restore{ID: item.ID, Expect: e}
	case item.OnHand != nil:
		return product.SetStock{Key: item.Key(), OnHand: *item.OnHand, Expect: e}
	}
	return product.AdjustStock{Key: item.Key(), Delta: item.Delta, Reason: item.Reason, Expect: e}
}

// writeOutcomes answers with a result per item, in order, and how many failed.
func (h *Handler) writeOutcomes(w http.ResponseWriter, r *http.Request, items []productjson.BatchItem, outcomes []product.Outcome) {
	buf := getBuffer()
	defer putBuffer(buf)
	b := append(buf.b, `{"items":[`...)
	failed := 0
	var cause error // of the last failure that the operator must learn: one line, not a thousand
	for i := range outcomes {
		if i > 0 {
			b = append(b, ',')
		}
		o := &outcomes[i]
		if o.Err == nil {
			b = appendOutcome(b, items[i].Op, o)
			continue
		}
		failed++
		e := explain(r, contentError(o.Err))
		if e.kind.logged {
			cause = o.Err
		}
		b = strconv.AppendInt(append(b, `{"status":`...), int64(e.kind.status), 10)
		b = e.append(append(b, `,"problem":`...), h.opts.ProblemBase, w.Header().Get(headerRequestID))
		b = append(b, '}')
	}
	if cause != nil {
		h.log(w, r, kindOf(cause), cause)
	}
	buf.b = append(strconv.AppendInt(append(b, `],"failed":`...), int64(failed), 10), '}')
	w.Header()["Cache-Control"] = h.headers.revalidate
	h.write(w, http.StatusOK, h.headers.json, buf.b)
}

func appendOutcome(b []byte, op string, o *product.Outcome) []byte {
	status := http.StatusOK
	switch {
	case o.Result == product.Created:
		status = http.StatusCreated
	case op == "delete":
		status = http.StatusNoContent
	}
	b = strconv.AppendInt(append(b, `{"status":`...), int64(status), 10)
	if op == "stock" {
		b = append(append(append(b, `,"id":"`...), o.Stock.ProductID.String()...), '"')
		b = append(appendStockTag(append(b, `,"etag":"\"`...), o.Stock), `\""`...)
		b = productjson.AppendStock(append(b, `,"stock":`...), o.Stock)
	} else {
		b = append(append(append(b, `,"id":"`...), o.Product.ID.String()...), '"')
		b = append(appendProductTag(append(b, `,"etag":"\"`...), &o.Product), `\""`...)
		b = strconv.AppendInt(append(b, `,"version":`...), o.Product.Version, 10)
	}
	if o.Replayed {
		b = append(b, `,"replayed":true`...)
	}
	return append(b, '}')
}
