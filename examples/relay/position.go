package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/productkit-go/productkit/product"
)

// position is the file that keeps how far a relay has come. A consumer with a database of its own
// keeps it there, in the transaction of what it does with the change: then each counts once.
type position string

// errPosition: the file cannot be read or written.
var errPosition = errors.New("the stored position cannot be used")

// load returns the stored position, and the beginning if there is none.
func (p position) load() (product.Seq, error) {
	text, err := os.ReadFile(string(p))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errPosition, err)
	}
	seq, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %s holds no number: %w; remove it to begin anew", errPosition, string(p), err)
	}
	return product.Seq(seq), nil
}

// store replaces the file as a whole, so that a crash leaves the old position or the new one.
func (p position) store(seq product.Seq) error {
	next := string(p) + ".next"
	f, err := os.Create(next)
	if err == nil {
		_, err = fmt.Fprintln(f, int64(seq))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(next, string(p))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errPosition, err)
	}
	return nil
}
