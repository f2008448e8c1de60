package main

import (
	"bytes"
	"fmt"
	"go/format"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/internal/readmehost"
	"github.com/productkit-go/productkit/pool"
)

// section returns a section of the README.
func section(t *testing.T, title string) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(readme), "\n## "+title+"\n")
	require.True(t, found)
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// step is a block of commands, and what the README promises of it after an arrow: statuses, and
// in backquotes what the answers hold.
var step = regexp.MustCompile("(?s)```sh\n(.*?)```\n\n→ ([^\n]*(?:\n[^\n]+)*)")

func TestTheReadmesWalkThroughIsTrue(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl; the other tests walk the same way without it")
	}
	p := start(t)
	text := section(t, "A walk through")
	steps := step.FindAllStringSubmatch(text, -1)
	require.Len(t, steps, strings.Count(text, "```sh"), "each block is followed by an arrow")

	// curl tells the status, and not where its output is taken for a variable.
	script := "set -eu\ncurl() { command curl -w '\\nstatus=%{http_code}\\n' \"$@\"; }\n"
	for i, s := range steps {
		script += fmt.Sprintf("echo 'step=%d'\n%s\n", i, strings.ReplaceAll(s[1], "id=$(curl", "id=$(command curl"))
	}
	require.Contains(t, script, "http://127.0.0.1:8001")
	sh := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(script, "http://127.0.0.1:8001", p.url))
	sh.Dir = filepath.Join("..", "..")
	out, err := sh.CombinedOutput()
	require.NoError(t, err, "%s", out)

	outputs := regexp.MustCompile(`(?m)^step=\d+\n`).Split(string(out), -1)[1:]
	require.Len(t, outputs, len(steps))
	for i, s := range steps {
		require.Equal(t, regexp.MustCompile(`\b[2-5]\d\d\b`).FindAllString(strings.SplitN(s[2], ":", 2)[0], -1), statuses(outputs[i]), "%s\n%s", s[1], outputs[i])
		for _, quoted := range regexp.MustCompile("`(\"[^`]*)`").FindAllStringSubmatch(s[2], -1) {
			require.Contains(t, outputs[i], quoted[1], "%s", s[1])
		}
	}
	p.stop(t)
}

func statuses(output string) []string {
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^status=(\d+)$`).FindAllStringSubmatch(output, -1) {
		found = append(found, m[1])
	}
	return found
}

func TestTheReadmesProgramWorks(t *testing.T) {
	t.Parallel()
	program, err := readmehost.Program("../..")
	require.NoError(t, err)
	formatted, err := format.Source([]byte(program))
	require.NoError(t, err)
	require.Equal(t, string(formatted), program)
	executable, err := readmehost.Build(t.TempDir(), "../..", program, nil)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), executable)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	cmd.Env = append(os.Environ(), "DATABASE_URL="+mysqltest.New(t).DSN(), "LISTEN="+address, "SHOP_KEY=s3cret", "STAFF_KEY=m0re")
	var log bytes.Buffer
	cmd.Stderr = &log
	require.NoError(t, free.Close())
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		return err == nil && conn.Close() == nil
	}, 30*time.Second, 20*time.Millisecond)

	p := &process{url: "http://" + address}
	const products, lamp = "/catalogue/v1/products", `{"sku":"LAMP","name":"Lamp","price":{"amount":1999,"currency":"EUR"}}`
	shop, staff := "Authorization: Bearer s3cret", "Authorization: Bearer m0re"
	require.Equal(t, 401, p.call(t, "GET", products, "").status)
	require.Equal(t, 401, p.call(t, "GET", products, "", "Authorization: Bearer ").status)
	require.Equal(t, 200, p.call(t, "GET", products, "", shop).status)
	require.Equal(t, 403, p.call(t, "POST", products, lamp, shop, "Content-Type: application/json").status)
	created := p.call(t, "POST", products, lamp, staff, "Content-Type: application/json")
	require.Equal(t, 201, created.status, created.body)
	history := p.call(t, "GET", created.header.Get("Location")+"/history", "", shop)
	require.Contains(t, history.body, `"actor":"staff"`)
	require.Equal(t, "Lamp 19.99 EUR\n", p.call(t, "GET", "/price/LAMP", "").body)
	require.Equal(t, 404, p.call(t, "GET", "/price/SOFA", "").status)

	// Who follows the changes does not keep it from stopping.
	req, err := http.NewRequestWithContext(t.Context(), "GET", p.url+"/catalogue/v1/changes", nil)
	require.NoError(t, err)
	req.Header = http.Header{"Authorization": {"Bearer s3cret"}, "Accept": {"text/event-stream"}}
	stream, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = stream.Body.Close() }()
	require.Equal(t, 200, stream.StatusCode)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_, err = io.Copy(io.Discard, stream.Body)
	require.NoError(t, err)
	require.NoError(t, <-ended, "%s", &log)
	for _, pattern := range []string{"POST " + products + " ", "GET " + products + "/{id}/history ", "GET /price/{sku} "} {
		require.Contains(t, log.String(), pattern)
	}
}

func TestTheReadmeNamesEveryVariable(t *testing.T) {
	t.Parallel()
	text := section(t, "Configuration of the server")
	names := []string{"DATA_DIR", "POOL_PRESET"}
	for field := range reflect.TypeFor[config]().Fields() {
		if field.IsExported() {
			names = append(names, field.Tag.Get("env"))
		}
	}
	for field := range reflect.TypeFor[pool.Config]().Fields() {
		switch field.Name {
		case "DSN", "Connector", "OnConnect", "Wrap", "Logger":
		default:
			names = append(names, "POOL_"+strings.ToUpper(regexp.MustCompile("([a-z])([A-Z])").ReplaceAllString(field.Name, "${1}_$2")))
		}
	}
	for _, name := range names {
		require.Contains(t, text, "`"+name)
	}
}
