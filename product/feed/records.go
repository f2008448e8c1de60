package feed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// errTooLong is a record longer than the limit. Its rest has been skipped.
var errTooLong = errors.New("feed: record too long")

// records cuts a CSV stream (RFC 4180), or lines, into records, so that encoding/csv, which reads a
// record whatever its length, only ever sees one of bounded size.
type records struct {
	r     *bufio.Reader
	limit int
	whole bool // each line is a record, whatever quotes it holds
	line  int  // on which the next record begins
	buf   []byte
}

func newRecords(r io.Reader, limit int) *records {
	return &records{r: bufio.NewReaderSize(r, 32<<10), limit: limit, line: 1}
}

// next returns the next record that is not blank, and the line on which it begins. The record
// is valid until the next call. At the end of the stream the error is [io.EOF].
func (s *records) next() (record []byte, line int, err error) {
	for {
		record, line, err = s.scan()
		if err != nil || len(bytes.TrimRight(record, "\r\n")) > 0 {
			return record, line, err
		}
	}
}

func (s *records) scan() ([]byte, int, error) {
	s.buf = s.buf[:0]
	line, tooLong := s.line, false
	var at place
	for {
		chunk, err := s.r.ReadSlice('\n')
		if tooLong = tooLong || len(s.buf)+len(chunk) > s.limit; !tooLong {
			s.buf = append(s.buf, chunk...)
		}
		if !s.whole {
			at = at.after(chunk)
		}
		ended := errors.Is(err, io.EOF) && (tooLong || len(s.buf) > 0)
		if err == nil {
			s.line++
			ended = at != quoted
		}
		switch {
		case ended && tooLong:
			return nil, line, errTooLong
		case ended:
			return s.buf, line, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, line, err
		}
	}
}

// place is where in a record a byte stands.
type place uint8

const (
	fieldStart place = iota
	plain
	quoted
	quoteInQuoted // the field's end, or the first of two quotes that stand for one
)

// after is the place behind chunk, which holds a line break at its end only, if at all.
func (p place) after(chunk []byte) place {
	for len(chunk) > 0 {
		c := chunk[0]
		switch {
		case p == quoted:
			i := bytes.IndexByte(chunk, '"')
			if i < 0 {
				return quoted
			}
			p, chunk = quoteInQuoted, chunk[i:]
		case c == '"' && p == fieldStart, c == '"' && p == quoteInQuoted:
			p = quoted
		case c == ',':
			p = fieldStart
		default:
			i := bytes.IndexByte(chunk, ',')
			if i < 0 {
				return plain
			}
			p, chunk = plain, chunk[i-1:]
		}
		chunk = chunk[1:]
	}
	return p
}
