//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// docker runs a command of Docker and returns what it prints.
func docker(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("docker", args...)
	cmd.Stdin = strings.NewReader(stdin)
	var errOut bytes.Buffer // where warnings go, too
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	require.NoError(t, err, "docker %s: %s", args[0], &errOut)
	return strings.TrimSpace(string(out))
}

// image lays a program built here on the stage of the Dockerfile that makes the image what it is; the
// stage that builds wants another image, which a test cannot pull.
func image(t *testing.T) string {
	t.Helper()
	if exec.Command("docker", "info").Run() != nil {
		require.Empty(t, os.Getenv("REQUIRE_DOCKER"), "Docker does not run")
		t.Skip("Docker does not run")
	}
	dir := t.TempDir()
	// Static, too, and unlike CGO_ENABLED=0 of packages that have been compiled for other tests.
	out, err := exec.Command("go", "build", "-ldflags", "-s -w -linkmode external -extldflags -static", "-o", filepath.Join(dir, "server"), ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o755))
	file, err := os.ReadFile("Dockerfile")
	require.NoError(t, err)
	_, files, _ := strings.Cut(string(file), "\nFROM runtime\n")
	require.Contains(t, files, "COPY --from=build /image/server /\n")
	name := "productkit-test-" + strings.ToLower(key[:8]) + ":" + time.Now().Format("150405.000000")
	runtime := name + "-runtime"
	docker(t, string(file), "build", "-q", "-t", runtime, "--target", "runtime", "-")
	t.Cleanup(func() { docker(t, "", "rmi", "--force", runtime) })
	dockerfile := "FROM " + runtime + "\nCOPY server /\nCOPY --chown=65532:65532 data /data\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600))
	docker(t, "", "build", "-q", "-t", name, dir)
	t.Cleanup(func() { docker(t, "", "rmi", "--force", name) })
	return name
}

func TestTheImageRunsWithoutRootAndWithoutAWritableDisk(t *testing.T) {
	t.Parallel()
	name := image(t)
	volume := docker(t, "", "volume", "create")
	t.Cleanup(func() { docker(t, "", "volume", "rm", volume) })
	container := docker(t, "", "run", "--detach", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"--health-interval", "1s", "--volume", volume+":/data", "--publish", "127.0.0.1::8001", "--env", "API_KEYS=shop:write:"+key, name)
	t.Cleanup(func() { docker(t, "", "rm", "--force", container) })
	inspect := func() (state struct {
		Pid      int
		ExitCode int
		Health   struct{ Status string }
	}) {
		require.NoError(t, json.Unmarshal([]byte(docker(t, "", "inspect", "--format", "{{json .State}}", container)), &state))
		return state
	}
	run := func() *process {
		require.Eventually(t, func() bool { return inspect().Health.Status == "healthy" }, time.Minute, 200*time.Millisecond, "%v", inspect())
		return &process{url: "http://" + docker(t, "", "port", container, "8001")}
	}
	p := run()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(inspect().Pid), "status"))
	if err == nil { // the daemon is on this machine
		require.Contains(t, string(status), "Uid:\t65532\t65532\t65532\t65532\n")
	}
	auth := "X-API-Key: " + key
	require.Equal(t, 401, p.call(t, "GET", "/v1/products", "").status)
	var lines strings.Builder
	for i := range 400 {
		_, _ = fmt.Fprintf(&lines, `{"sku":"TEE-%d","name":"T-shirt","description":"%s","price":{"amount":1999,"currency":"EUR"}}`+"\n", i, strings.Repeat("long ", 1000))
	}
	imported := p.call(t, "POST", "/v1/import?format=ndjson", lines.String(), auth, "Content-Type: application/x-ndjson")
	require.Contains(t, imported.body, `"created":400`)
	export := p.call(t, "GET", "/v1/export", "", auth) // which needs a file for a while
	require.Equal(t, 200, export.status)
	require.Equal(t, 401, strings.Count(export.body, "\n"))

	docker(t, "", "stop", "--time", "30", container)
	require.Zero(t, inspect().ExitCode, docker(t, "", "logs", container))
	docker(t, "", "start", container)
	require.Equal(t, 200, run().call(t, "GET", "/v1/skus/TEE-7", "", auth).status, "it is in the volume")
}
