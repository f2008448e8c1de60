package httpapi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
)

// spoolMemory is what a spool keeps in memory before it goes to disk: a catalogue of some thousand
// products.
const spoolMemory = 1 << 20

// spool holds an answer of any length, so that its making need not wait for whoever takes it. It is
// written, then rewound, then read, and closed.
type spool struct {
	memory bytes.Buffer
	file   *os.File // nil while all fits into memory
	out    *bufio.Writer
	size   int64
}

func (s *spool) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	if s.file == nil && s.memory.Len()+len(p) <= spoolMemory {
		return s.memory.Write(p)
	}
	if s.file == nil {
		file, err := os.CreateTemp("", "productkit-*")
		if err != nil {
			return 0, err
		}
		_ = os.Remove(file.Name()) // nothing stays behind if we are killed; where this fails, Close does it
		s.file, s.out = file, bufio.NewWriterSize(file, 64<<10)
		if _, err := s.memory.WriteTo(s.out); err != nil {
			return 0, err
		}
	}
	return s.out.Write(p)
}

// rewind returns what reads it all.
func (s *spool) rewind() (io.Reader, error) {
	if s.file == nil {
		return &s.memory, nil
	}
	if err := s.out.Flush(); err != nil {
		return nil, err
	}
	_, err := s.file.Seek(0, io.SeekStart)
	return s.file, err
}

func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if gone := os.Remove(s.file.Name()); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
