package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// listed is a package as "go list -json" describes it.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Module     *struct {
		Path string
		Main bool
	}
}

func TestPackagesImportOnlyWhatTheTableAllows(t *testing.T) {
	t.Parallel()
	dependOnSources(t)
	module := strings.TrimSpace(output(t, "go", "list", "-m"))
	all := map[string]listed{}
	packages := json.NewDecoder(strings.NewReader(output(t, "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Module", module+"/...")))
	for {
		var p listed
		err := packages.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		all[p.ImportPath] = p
	}
	require.Greater(t, len(all), 20)
	require.Empty(t, violations(table, module, all))
}

// violations returns a sentence for each breach of the table.
func violations(table map[string]row, module string, all map[string]listed) []string {
	var found []string
	for _, path := range slices.Sorted(maps.Keys(all)) {
		name, own := strings.CutPrefix(path, module+"/")
		if !own {
			continue
		}
		r, ok := rowOf(table, name)
		if !ok {
			found = append(found, fmt.Sprintf("%s has no row in the table: say there what it may import, and why it exists", name))
			continue
		}
		for _, dep := range slices.Sorted(maps.Keys(dependencies(path, all))) {
			what, allowed := dep, r.foreign
			switch p := all[dep]; {
			case p.Standard:
				if slices.Contains(r.never, dep) {
					found = append(found, fmt.Sprintf("%s depends on %s: %s", name, dep, r.why))
				}
				continue
			case p.Module != nil && p.Module.Path == module:
				what, allowed = strings.TrimPrefix(dep, module+"/"), r.own
			case p.Module != nil:
				what = p.Module.Path
			}
			if !slices.Contains(allowed, what) && !slices.Contains(allowed, anything) {
				found = append(found, fmt.Sprintf("%s depends on %s: %s", name, what, r.why))
			}
		}
	}
	return slices.Compact(found)
}

// rowOf returns the row of the package, or of the nearest folder above it that has one with "/...".
func rowOf(table map[string]row, name string) (row, bool) {
	if r, ok := table[name]; ok {
		return r, true
	}
	for i := strings.LastIndex(name, "/"); i > 0; i = strings.LastIndex(name[:i], "/") {
		if r, ok := table[name[:i]+"/..."]; ok {
			return r, true
		}
	}
	return row{}, false
}

// dependencies returns what path imports, directly and through others. What the standard library
// imports is its own affair.
func dependencies(path string, all map[string]listed) map[string]bool {
	found := map[string]bool{}
	var visit func(path string)
	visit = func(path string) {
		for _, dep := range all[path].Imports {
			if !found[dep] && dep != "C" {
				found[dep] = true
				if !all[dep].Standard {
					visit(dep)
				}
			}
		}
	}
	visit(path)
	return found
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s %s: %s", name, strings.Join(args, " "), &stderr)
	return string(out)
}

// dependOnSources looks at every source file, so that "go test" does not answer from its cache after
// one has changed: it cannot know what the commands read that a test runs.
func dependOnSources(t *testing.T) {
	t.Helper()
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == ".cache") {
			return fs.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
		}
		return err
	}))
}

func TestViolationsAreFound(t *testing.T) {
	t.Parallel()
	graph := map[string]listed{}
	add := func(path, module string, imports ...string) {
		p := listed{ImportPath: path, Standard: module == "", Imports: imports}
		if module != "" {
			p.Module = &struct {
				Path string
				Main bool
			}{Path: module}
		}
		graph[path] = p
	}
	add("m/a", "m", "fmt", "m/b")
	add("m/b", "m", "lib/x/sub")
	add("m/c/d", "m", "m/a", "sql")
	add("m/e", "m")
	add("lib/x/sub", "lib/x", "lib/y")
	add("lib/y", "lib/y", "sql")
	add("fmt", "", "sql")
	add("sql", "")

	for _, test := range []struct {
		name  string
		table map[string]row
		want  []string
	}{
		{"all in order", map[string]row{
			"a":     {own: []string{"b"}, foreign: []string{"lib/x", "lib/y"}},
			"b":     {foreign: []string{anything}},
			"c/...": {own: []string{anything}, foreign: []string{anything}},
			"e":     {never: []string{"sql"}},
		}, nil},
		{"every kind of breach", map[string]row{
			"a":   {foreign: []string{"lib/x", "lib/y"}, why: "a is alone"},
			"b":   {foreign: []string{"lib/x"}, never: []string{"sql"}, why: "b is plain"},
			"c/d": {own: []string{"a", "b"}, foreign: []string{anything}, never: []string{"sql"}, why: "no SQL"},
		}, []string{
			"a depends on b: a is alone",
			"b depends on lib/y: b is plain",
			"b depends on sql: b is plain",
			"c/d depends on sql: no SQL",
			"e has no row in the table: say there what it may import, and why it exists",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, violations(test.table, "m", graph))
		})
	}
}
