package product

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// fingerprint stands for what a write asks for, and for nothing that belongs to this attempt:
// neither its time nor the ID that a new product would get.
//
// Records outlive releases, so a write must have the same fingerprint in the next one. It is a
// digest of the members that are set, by name: a member that is added later and not set does not
// show. Members must not be renamed, nor operations renumbered; a test pins this.
func (w Write) fingerprint() [sha256.Size]byte {
	w.Actor, w.At, w.Record, w.Fingerprint = "", time.Time{}, nil, [sha256.Size]byte{}
	if w.Draft != nil {
		w.ID = uuid.Nil
	}
	return sha256.Sum256(appendCanonical(nil, reflect.ValueOf(w)))
}

// appendCanonical appends a text that tells every two different values of one type apart: of
// structs the members that are not zero by name, of maps all members by key, and of the rest its
// content. A pointer is what it points to, so that one to a zero value is not a nil one.
func appendCanonical(b []byte, v reflect.Value) []byte {
	switch x := v.Interface().(type) {
	case uuid.UUID:
		return appendID(b, x)
	case time.Time:
		return x.UTC().AppendFormat(b, time.RFC3339Nano)
	case json.RawMessage:
		return strconv.AppendQuote(b, canonicalText(x))
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, "nil"...)
		}
		return appendCanonical(b, v.Elem())
	case reflect.Struct:
		return appendCanonicalStruct(b, v)
	case reflect.Map:
		b = append(b, '{')
		for _, key := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) }) {
			b = append(strconv.AppendQuote(b, key.String()), ':')
			b = append(appendCanonical(b, v.MapIndex(key)), ',')
		}
		return append(b, '}')
	case reflect.Slice:
		b = append(b, '[')
		for i := range v.Len() {
			b = append(appendCanonical(b, v.Index(i)), ',')
		}
		return append(b, ']')
	case reflect.String:
		return strconv.AppendQuote(b, v.String())
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case reflect.Uint8:
		return strconv.AppendUint(b, v.Uint(), 10)
	}
	panic("product: a write has a member of type " + v.Type().String() + ", which has no canonical form")
}

func appendCanonicalStruct(b []byte, v reflect.Value) []byte {
	set := make(map[string]reflect.Value)
	for field, value := range v.Fields() {
		if !value.IsZero() {
			set[field.Name] = value
		}
	}
	b = append(b, '{')
	for _, name := range slices.Sorted(maps.Keys(set)) {
		b = append(append(b, name...), ':')
		b = append(appendCanonical(b, set[name]), ',')
	}
	return append(b, '}')
}

// canonicalText is a JSON object without its spaces and with its members in order, or what is no
// object as it stands.
func canonicalText(raw json.RawMessage) string {
	if object, err := decodeObject(raw); err == nil {
		if text, err := encodeCanonical(object); err == nil {
			return string(text)
		}
	}
	return string(raw)
}
