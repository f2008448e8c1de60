package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/productkit-go/productkit/product"
)

//go:embed static/*.css static/*.js static/*.svg
var staticFiles embed.FS

// asset is an embedded file under a name that changes with it, so that browsers keep it for ever.
type asset struct {
	name          string // console.0a1b2c3d.css
	kind          string // its Content-Type
	plain, packed []byte
}

// assets are all, by their names in the folder and by those in addresses. They are packed once, at the
// first request.
var assets = sync.OnceValues(func() (byFile, byName map[string]asset) {
	byFile, byName = make(map[string]asset), make(map[string]asset)
	files, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // they are embedded
	}
	for _, f := range files {
		plain, err := staticFiles.ReadFile("static/" + f.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(plain)
		ext := path.Ext(f.Name())
		a := asset{
			name:   strings.TrimSuffix(f.Name(), ext) + "." + hex.EncodeToString(sum[:4]) + ext,
			kind:   mime.TypeByExtension(ext),
			plain:  plain,
			packed: pack(plain, gzip.BestCompression),
		}
		byFile[f.Name()], byName[a.name] = a, a
	}
	return byFile, byName
})

func pack(plain []byte, level int) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		panic(err) // the level is ours
	}
	_, _ = z.Write(plain) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// static serves an embedded file.
func (h *Handler) static(w http.ResponseWriter, r *http.Request) error {
	_, byName := assets()
	a, ok := byName[r.PathValue("file")]
	if !ok {
		return product.ErrNotFound
	}
	header := w.Header()
	header.Set("Content-Type", a.kind)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Vary", "Accept-Encoding")
	b := a.plain
	if takesGzip(r) {
		header.Set("Content-Encoding", "gzip")
		b = a.packed
	}
	_, _ = w.Write(b) // the client may have gone
	return nil
}

func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.Trim(q, " q=0.") != "" || !strings.Contains(q, "0")
		}
	}
	return false
}
