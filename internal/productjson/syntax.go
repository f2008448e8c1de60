package productjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep arrays and objects may be nested. A product needs three levels; the rest
// is room for attributes. It bounds the recursion of everything that reads them later.
const MaxDepth = 32

// SyntaxError says that a text is no JSON, or JSON that readers would understand differently:
// with duplicate member names (RFC 8259, section 4), invalid UTF-8, or something behind it.
type SyntaxError struct {
	Line   int // from 1
	Column int // in bytes, from 1
	Reason string
}

// Error gives the position and the reason.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

func syntaxError(data []byte, offset int64, reason string) *SyntaxError {
	before := data[:min(max(offset, 0), int64(len(data)))]
	return &SyntaxError{
		Line:   1 + bytes.Count(before, []byte("\n")),
		Column: len(before) - bytes.LastIndexByte(before, '\n'),
		Reason: reason,
	}
}

// check reads data once as a whole, so that what reads it afterwards meets no error.
func check(d *jsontext.Decoder, data []byte) error {
	d.Reset(bytes.NewBuffer(data))
	for first := true; first || d.StackDepth() > 0; first = false {
		_, err := d.ReadToken()
		switch {
		case err != nil:
			return explain(data, d, err)
		case d.StackDepth() > MaxDepth:
			return syntaxError(data, d.InputOffset()-1, fmt.Sprintf("is nested more than %d levels deep", MaxDepth))
		}
	}
	end := d.InputOffset()
	if rest := bytes.TrimLeft(data[end:], " \t\r\n"); len(rest) > 0 {
		return syntaxError(data, int64(len(data)-len(rest)), "something follows the JSON value; send exactly one")
	}
	return nil
}

func explain(data []byte, d *jsontext.Decoder, err error) error {
	var syntactic *jsontext.SyntacticError
	switch {
	case !errors.As(err, &syntactic): // io.EOF before any value
		return syntaxError(data, int64(len(data)), "the JSON text is empty")
	case errors.Is(err, jsontext.ErrDuplicateName):
		return syntaxError(data, syntactic.ByteOffset, fmt.Sprintf("member %q is given twice", short(syntactic.JSONPointer.LastToken())))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return syntaxError(data, int64(len(data)), "the JSON text ends too early")
	}
	return syntaxError(data, syntactic.ByteOffset, short(syntactic.Err.Error()))
}
