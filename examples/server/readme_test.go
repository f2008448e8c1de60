package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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

func TestTheReadmesProgramCompiles(t *testing.T) {
	t.Parallel()
	block := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(section(t, "In a service of your own"))
	require.NotNil(t, block)
	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, []byte(block[1]), 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "vet", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
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
