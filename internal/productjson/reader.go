package productjson

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// maxFaults bounds how many faults one answer lists: a body of nothing but mistakes must not
// be answered by a bigger one.
const maxFaults = 100

// reader reads the values of a text that has passed check, and collects what is wrong with
// their types. Each read method consumes exactly one value. It returns nil for one that was
// faulty, and a pointer to the zero value for null, as [product.Patch] has it. Err ends it.
type reader struct {
	d      *jsontext.Decoder
	faults []product.Fault
	more   int // faults beyond maxFaults
}

// decoders are kept for the memory that they have: half of what a small text takes to be read.
var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

func newReader(data []byte) (*reader, error) {
	d := decoders.Get().(*jsontext.Decoder)
	if err := check(d, data); err != nil {
		putDecoder(d)
		return nil, err
	}
	d.Reset(bytes.NewBuffer(data))
	return &reader{d: d}, nil
}

func putDecoder(d *jsontext.Decoder) {
	d.Reset(bytes.NewBuffer(nil)) // it would keep the text
	decoders.Put(d)
}

func (r *reader) fault(field, code, format string, args ...any) {
	if len(r.faults) == maxFaults {
		r.more++
		return
	}
	r.faults = append(r.faults, product.Fault{Field: field, Code: code, Message: fmt.Sprintf(format, args...)})
}

// err returns the faults as a [product.InvalidError], or nil. Nothing is read afterwards.
func (r *reader) err() error {
	putDecoder(r.d)
	r.d = nil
	if len(r.faults) == 0 {
		return nil
	}
	faults := r.faults
	if r.more > 0 {
		faults = append(faults, product.Fault{Code: "more", Message: fmt.Sprintf("%d more faults are not listed", r.more)})
	}
	return &product.InvalidError{Faults: faults}
}

// object calls member for each member of an object, with its path and name; member must read
// the value. It reports whether the value was an object.
func (r *reader) object(field string, member func(field, name string)) bool {
	if !r.expect(field, jsontext.KindBeginObject, "an object") {
		return false
	}
	r.token()
	for r.d.PeekKind() != jsontext.KindEndObject {
		t := r.token()
		name := t.String()
		member(within(field, short(name)), name)
	}
	r.token()
	return true
}

// within returns the path of an object's member.
func within(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}

// array calls element for each element of an array, with its path; element must read it.
func (r *reader) array(field string, element func(field string)) bool {
	if !r.expect(field, jsontext.KindBeginArray, "an array") {
		return false
	}
	r.token()
	for i := 0; r.d.PeekKind() != jsontext.KindEndArray; i++ {
		element(field + "[" + strconv.Itoa(i) + "]")
	}
	r.token()
	return true
}

// unknown refuses a member that nobody knows.
func (r *reader) unknown(field string) {
	r.skip()
	r.fault(field, "unknown", "is not a known member; remove it or correct its name")
}

func (r *reader) text(field string) *string {
	switch {
	case r.null():
		return new(string)
	case !r.expect(field, jsontext.KindString, "a string"):
		return nil
	}
	t := r.token()
	return new(t.String())
}

func (r *reader) flag(field string) *bool {
	switch {
	case r.null():
		return new(bool)
	case r.d.PeekKind() == jsontext.KindTrue || r.d.PeekKind() == jsontext.KindFalse:
		t := r.token()
		return new(t.Bool())
	}
	r.expect(field, jsontext.KindTrue, "true or false")
	return nil
}

// integer reads an integer that JSON carries exactly everywhere (RFC 8259, section 6).
func (r *reader) integer(field string) *int64 {
	switch {
	case r.null():
		return new(int64)
	case !r.expect(field, jsontext.KindNumber, "an integer"):
		return nil
	}
	t := r.token()
	digits := t.String()
	if strings.ContainsAny(digits, ".eE") {
		r.fault(field, "type", "is %s; it must be an integer, written without fraction and exponent", short(digits))
		return nil
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > product.MaxQuantity || n < -product.MaxQuantity {
		r.fault(field, "range", "is %s; it must be within %d", short(digits), int64(product.MaxQuantity))
		return nil
	}
	return &n
}

// raw returns the value's bytes.
func (r *reader) raw() []byte {
	v, err := r.d.ReadValue()
	must(err)
	return bytes.Clone(v)
}

func (r *reader) id(field string) *uuid.UUID {
	if !r.expect(field, jsontext.KindString, "a UUID") {
		return nil
	}
	t := r.token()
	id, ok := ParseID(t.String())
	if !ok || id == uuid.Nil {
		r.fault(field, "format", "is no UUID such as 0190a5d2-7c1e-7000-8000-000000000000")
		return nil
	}
	return &id
}

// moment reads a time that may be absent.
func (r *reader) moment(field string) *time.Time {
	if r.null() {
		return new(time.Time)
	}
	return r.time(field)
}

func (r *reader) time(field string) *time.Time {
	if !r.expect(field, jsontext.KindString, "a time") {
		return nil
	}
	tok := r.token()
	t, err := time.Parse(time.RFC3339Nano, tok.String())
	t = t.UTC()
	if err != nil || t.IsZero() || t.Year() < 1 || t.Year() > 9999 {
		r.fault(field, "format", "is no RFC 3339 time such as 2026-01-02T03:04:05.123456Z")
		return nil
	}
	return &t
}

// null consumes a null.
func (r *reader) null() bool {
	if r.d.PeekKind() != jsontext.KindNull {
		return false
	}
	r.token()
	return true
}

// expect consumes and refuses a value of another kind.
func (r *reader) expect(field string, kind jsontext.Kind, what string) bool {
	is := r.d.PeekKind()
	if is == kind {
		return true
	}
	r.skip()
	r.fault(field, "type", "is %s; it must be %s", kinds[is], what)
	return false
}

var kinds = map[jsontext.Kind]string{
	jsontext.KindNull:        "null",
	jsontext.KindFalse:       "false",
	jsontext.KindTrue:        "true",
	jsontext.KindString:      "a string",
	jsontext.KindNumber:      "a number",
	jsontext.KindBeginObject: "an object",
	jsontext.KindBeginArray:  "an array",
}

func (r *reader) token() jsontext.Token {
	t, err := r.d.ReadToken()
	must(err)
	return t
}

func (r *reader) skip() { must(r.d.SkipValue()) }

// must holds what check has made sure of.
func must(err error) {
	if err != nil {
		panic("productjson: checked JSON cannot be read: " + err.Error())
	}
}

// ParseID reads a UUID in its usual form of 36 characters and in no other.
func ParseID(s string) (uuid.UUID, bool) {
	if len(s) != 36 {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(s)
	return id, err == nil
}

// short keeps what a caller sent short enough to be shown back.
func short(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
