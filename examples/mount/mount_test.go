// Package mount holds services that the catalogue is mounted in. Its test runs them.
package mount

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheServicesRun(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./...").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, name := range []string{"nethttp", "chi", "gin", "echo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), filepath.Join(bin, name), "-listen", "127.0.0.1:0", "-file", filepath.Join(t.TempDir(), "shop.db"))
			var log bytes.Buffer
			cmd.Stderr = &log
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			lines := bufio.NewScanner(stdout)
			require.True(t, lines.Scan(), &log)
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			call := func(user, method, path, body string) (int, string) {
				t.Helper()
				req, err := http.NewRequestWithContext(t.Context(), method, lines.Text()+path, strings.NewReader(body))
				require.NoError(t, err)
				req.Header.Set("Content-Type", "application/json")
				if user != "" {
					req.SetBasicAuth(user, "secret")
				}
				res, err := client.Do(req)
				require.NoError(t, err)
				defer func() { _ = res.Body.Close() }()
				b, err := io.ReadAll(res.Body)
				require.NoError(t, err)
				return res.StatusCode, string(b)
			}
			is := func(want, status int, body string) {
				t.Helper()
				require.Equal(t, want, status, body)
			}
			status, body := call("", "GET", "/hello/bob", "")
			is(200, status, body)
			require.Equal(t, "hello bob\n", body)
			const draft = `{"name":"Lamp","price":{"amount":1999,"currency":"EUR"}}`
			status, body = call("", "PUT", "/catalogue/v1/skus/a%2Fb", draft)
			is(401, status, body)
			status, body = call("bob", "PUT", "/catalogue/v1/skus/a%2Fb", draft)
			is(403, status, body)
			status, body = call("ann", "PUT", "/catalogue/v1/skus/a%2Fb", draft)
			is(201, status, body)
			status, body = call("bob", "GET", "/catalogue/v1/skus/a%2Fb", "")
			is(200, status, body)
			require.Contains(t, body, `"sku":"a/b"`)
			status, body = call("bob", "GET", "/catalogue/v1/nothing", "")
			is(404, status, body)
			require.Contains(t, body, "#unknown-path")

			require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
			require.NoError(t, cmd.Wait(), &log)
			require.Contains(t, log.String(), "PUT /catalogue/v1/skus/{sku}")
		})
	}
}
