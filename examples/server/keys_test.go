package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const tee = `{"sku":"TEE","name":"T-shirt","price":{"amount":1999,"currency":"EUR"}}`

func TestKeysDecideWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	reader := strings.ToLower(key)
	p := start(t, "MODE=production", "API_KEYS=shop:write:"+key+", dashboard:read:"+reader)
	create := func(headers ...string) int {
		return p.call(t, "POST", "/v1/products", tee, append(headers, "Content-Type: application/json")...).status
	}
	r := p.call(t, "GET", "/v1/products", "")
	require.Equal(t, 401, r.status)
	require.Equal(t, "Bearer", r.header.Get("WWW-Authenticate"))
	require.Equal(t, 401, create("X-API-Key: "+key[1:]))
	require.Equal(t, 403, create("X-API-Key: "+reader))
	require.Equal(t, 201, create("Authorization: Bearer "+key))
	r = p.call(t, "GET", "/v1/skus/TEE", "", "X-API-Key: "+reader)
	require.Equal(t, 200, r.status)
	id, _ := r.json(t)["id"].(string)
	require.Contains(t, p.call(t, "GET", "/v1/products/"+id+"/history", "", "X-API-Key: "+reader).body, `"actor":"shop"`)
	for _, open := range []string{"/", "/health", "/livez", "/readyz"} {
		require.Equal(t, 200, p.call(t, "GET", open, "").status, open)
	}
	p.stop(t)

	// Production logs are JSON, a line a request, and never hold a key.
	require.NotContains(t, strings.ToLower(p.stderr.String()), reader)
	var created map[string]any
	for line := range strings.Lines(p.stderr.String()) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
		if entry["status"] == 201.0 {
			created = entry
		}
	}
	require.Equal(t, "POST /v1/products", created["route"])
	require.NotEmpty(t, created["request_id"])
	require.NotZero(t, created["bytes"])
	require.NotZero(t, created["wait"])
}

func TestAFileOfKeysIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "keys")
	made := func(who string) (secret, line string) {
		p, stdout := launching{args: []string{"-new-key", who}}.launch(t)
		require.Zero(t, p.exit(t))
		out, err := io.ReadAll(stdout)
		require.NoError(t, err)
		lines := strings.Split(string(out), "\n")
		require.Len(t, lines, 5)
		return lines[1], lines[3]
	}
	old, oldLine := made("shop:write")
	next, nextLine := made("shop-2026:write")
	write := func(text string) {
		require.NoError(t, os.WriteFile(file+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(file+".new", file))
	}
	write("# who may\n" + oldLine + " # until May\n")
	p := start(t, "API_KEYS_FILE="+file)
	status := func(key string) int { return p.call(t, "GET", "/v1/products", "", "X-API-Key: "+key).status }
	require.Equal(t, 200, status(old))
	require.Equal(t, 401, status(next))

	reload := func(says string) {
		before := strings.Count(p.stderr.String(), says)
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
		require.Eventually(t, func() bool { return strings.Count(p.stderr.String(), says) > before }, 10*time.Second, 5*time.Millisecond)
	}
	write(oldLine + "\n" + nextLine + "\n")
	reload("the keys were read again")
	require.Equal(t, 200, status(old))
	require.Equal(t, 200, status(next))
	write("shop write nothing\n")
	reload("those of before stay")
	require.Equal(t, 200, status(old))
	write(nextLine + "\n")
	reload("the keys were read again")
	require.Equal(t, 401, status(old))
	require.Equal(t, 200, status(next))
	p.stop(t)
}
