package sqlstore

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

//go:embed migrations
var migrations embed.FS

// Migrations returns the numbered migrations of a dialect, for teams that run them with a tool
// of their own: SQL files in goose's form, one statement each, to be run in the order of their
// names. Of opts only TablePrefix is looked at.
func Migrations(d Dialect, opts *Options) (fs.FS, error) {
	o, err := opts.resolve()
	if err != nil {
		return nil, err
	}
	folder := "mysql"
	values := []string{"{prefix}", o.TablePrefix}
	switch d {
	case MySQL:
		values = append(values, "{name_collation}", "utf8mb4_0900_ai_ci", "{binary_collation}", "utf8mb4_0900_bin")
	case MariaDB:
		values = append(values, "{name_collation}", "utf8mb4_unicode_520_nopad_ci", "{binary_collation}", "utf8mb4_nopad_bin")
	case SQLite:
		folder = "sqlite"
	default:
		return nil, fmt.Errorf("sqlstore: there is no dialect %q; use %q, %q or %q", d, MySQL, MariaDB, SQLite)
	}
	files, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: reading the migrations: %w", err)
	}
	return rendered{files, strings.NewReplacer(values...)}, nil
}

// rendered is a file system whose files have their placeholders filled in.
type rendered struct {
	fs.FS
	replacer *strings.Replacer
}

// Open opens a file with its placeholders filled in, or a folder as it is.
func (r rendered) Open(name string) (fs.File, error) {
	f, err := r.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return f, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	text = []byte(r.replacer.Replace(string(text)))
	return &renderedFile{Reader: bytes.NewReader(text), info: renderedInfo{info, int64(len(text))}}, nil
}

type renderedFile struct {
	*bytes.Reader
	info renderedInfo
}

func (f *renderedFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *renderedFile) Close() error               { return nil }

type renderedInfo struct {
	fs.FileInfo
	size int64
}

func (i renderedInfo) Size() int64 { return i.size }
