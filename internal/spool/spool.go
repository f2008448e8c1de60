// Package spool keeps what is on its way, so that its making need not wait for whoever takes it.
package spool

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
)

// inMemory is what a Spool keeps in memory before it goes to disk: a catalogue of some thousand
// products.
const inMemory = 1 << 20

// Spool holds bytes of any length: up to 1 MiB in memory, and more in a file of the system's folder
// for temporary ones, under a random name that is taken away at once where the system can. It is
// written, then read, and closed. The zero value is empty and ready.
type Spool struct {
	memory bytes.Buffer
	file   *os.File // nil while all fits into memory
	out    *bufio.Writer
	size   int64
}

// Write implements [io.Writer].
func (s *Spool) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	if s.file == nil && s.memory.Len()+len(p) <= inMemory {
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

// Size is how many bytes were written.
func (s *Spool) Size() int64 { return s.size }

// Rewind returns what reads it all, once.
func (s *Spool) Rewind() (io.Reader, error) {
	if s.file == nil {
		return &s.memory, nil
	}
	if err := s.out.Flush(); err != nil {
		return nil, err
	}
	_, err := s.file.Seek(0, io.SeekStart)
	return s.file, err
}

// Section returns what reads it all, however often and by however many at the same time. Nothing may be
// written any more.
func (s *Spool) Section() (*io.SectionReader, error) {
	if s.file == nil {
		return io.NewSectionReader(bytes.NewReader(s.memory.Bytes()), 0, s.size), nil
	}
	if err := s.out.Flush(); err != nil {
		return nil, err
	}
	return io.NewSectionReader(s.file, 0, s.size), nil
}

// Close forgets everything.
func (s *Spool) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if gone := os.Remove(s.file.Name()); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
