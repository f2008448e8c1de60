package browsertest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// axe-core is under the MPL 2.0 and half a megabyte: it is fetched for tests and not kept here.
const (
	axeVersion = "4.14.1"
	axeSHA256  = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c" // of axe.min.js
)

var axeOnce = sync.OnceValues(loadAxe)

// axe is the script of axe-core.
func axe(t *testing.T) string {
	t.Helper()
	script, err := axeOnce()
	require.NoError(t, err, "axe-core %s is needed: it is fetched by npm, once, into .cache", axeVersion)
	return script
}

func loadAxe() (string, error) {
	dir, err := filepath.Abs("../../../.cache/axe")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "axe-"+axeVersion+".js")
	script, err := os.ReadFile(file)
	if err != nil || !genuine(script) {
		if script, err = fetchAxe(dir); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, script, 0o600); err != nil {
			return "", err
		}
	}
	return string(script), nil
}

func genuine(script []byte) bool {
	sum := sha256.Sum256(script)
	return hex.EncodeToString(sum[:]) == axeSHA256
}

// fetchAxe takes the script out of the package that npm brings.
func fetchAxe(dir string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	npm := exec.Command("npm", "pack", "--silent", "axe-core@"+axeVersion)
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return nil, &fetchError{string(out), err}
	}
	archive, err := os.ReadFile(filepath.Join(dir, "axe-core-"+axeVersion+".tgz"))
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	for files := tar.NewReader(z); ; {
		header, err := files.Next()
		if err != nil {
			return nil, err
		}
		if header.Name != "package/axe.min.js" {
			continue
		}
		script, err := io.ReadAll(files)
		if err == nil && !genuine(script) {
			err = &fetchError{"axe.min.js has another checksum than " + axeSHA256, io.ErrUnexpectedEOF}
		}
		return script, err
	}
}

// fetchError says what npm said.
type fetchError struct {
	said string
	err  error
}

func (e *fetchError) Error() string { return e.err.Error() + ": " + e.said }

func (e *fetchError) Unwrap() error { return e.err }
