package feed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/productkit-go/productkit/product"
)

// encodings are those that files come in besides UTF-8. A decoder for UTF-16 drops the byte order
// mark, and believes it more than the name.
var encodings = map[string]encoding.Encoding{
	"windows-1252": charmap.Windows1252,
	"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
}

func checkEncoding(name string) []product.Fault {
	if _, ok := encodings[name]; ok || name == "" || name == "utf-8" {
		return nil
	}
	return []product.Fault{{Field: "encoding", Code: "unknown", Message: fmt.Sprintf("is %q; use utf-8, windows-1252, utf-16le or utf-16be", short(name))}}
}

// sniffed is how much of a file is looked at to recognise its encoding.
const sniffed = 4 << 10

// decodeText returns r's text in UTF-8, without a byte order mark, with line feeds at its lines'
// ends even where an old Mac wrote carriage returns. Bytes that the encoding cannot mean become
// U+FFFD; those that are no UTF-8 stay, so that only their rows are refused.
func decodeText(r io.Reader, name string) (io.Reader, error) {
	in := bufio.NewReaderSize(r, sniffed)
	start, err := peek(in)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = recognise(start)
	}
	if e, ok := encodings[name]; ok {
		in = bufio.NewReaderSize(transform.NewReader(in, e.NewDecoder()), sniffed)
		if start, err = peek(in); err != nil {
			return nil, err
		}
	}
	if mark := []byte("\ufeff"); bytes.HasPrefix(start, mark) {
		start = start[len(mark):]
		_, _ = in.Discard(len(mark)) // it has been peeked at
	}
	// The last byte may be a carriage return whose line feed is still to come.
	if before := start[:max(0, len(start)-1)]; bytes.IndexByte(before, '\r') >= 0 && bytes.IndexByte(start, '\n') < 0 {
		return transform.NewReader(in, carriageReturns{}), nil
	}
	return in, nil
}

// peek returns what the file begins with. An error that comes after that is left to whoever reads.
func peek(in *bufio.Reader) ([]byte, error) {
	start, err := in.Peek(sniffed)
	if len(start) > 0 || errors.Is(err, io.EOF) {
		err = nil
	}
	return start, err
}

// recognise tells UTF-16 by its byte order mark, or by its letters of ASCII: every other byte of the
// column names, or of a brace and a quote, is zero. It is empty for everything else.
func recognise(start []byte) string {
	switch {
	case bytes.HasPrefix(start, []byte("\xff\xfe")):
		return "utf-16le"
	case bytes.HasPrefix(start, []byte("\xfe\xff")):
		return "utf-16be"
	}
	line := start[:min(len(start), 16)&^1]
	var zeros [2]int
	for i, c := range line {
		if c == 0 {
			zeros[i%2]++
		}
	}
	switch half := len(line) / 2; {
	case half < 2:
		return ""
	case zeros[0] == 0 && zeros[1] == half:
		return "utf-16le"
	case zeros[1] == 0 && zeros[0] == half:
		return "utf-16be"
	}
	return ""
}

// carriageReturns turns each carriage return into a line feed.
type carriageReturns struct{ transform.NopResetter }

// Transform implements [transform.Transformer].
func (carriageReturns) Transform(dst, src []byte, _ bool) (nDst, nSrc int, err error) {
	n := copy(dst, src)
	for i, c := range dst[:n] {
		if c == '\r' {
			dst[i] = '\n'
		}
	}
	if n < len(src) {
		err = transform.ErrShortDst
	}
	return n, n, err
}
