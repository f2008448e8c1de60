// Package readmehost builds the README's program as a reader would: in a module of its own, outside of
// this one. A test runs it, and command cost weighs it.
package readmehost

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

const module = "github.com/productkit-go/productkit"

var block = regexp.MustCompile("(?s)```go\n(package main\n.*?)```")

// Program returns the only whole program in the README of the repository at root.
func Program(root string) (string, error) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return "", err
	}
	found := block.FindAllSubmatch(readme, -1)
	if len(found) != 1 {
		return "", fmt.Errorf("README.md has %d programs instead of one", len(found))
	}
	return string(found[0][1]), nil
}

// Build makes a module of the program in dir, which requires what is at root, and returns its
// executable. It adds what env says to the environment of go build.
func Build(dir, root, program string, env []string, flags ...string) (executable string, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return "", err
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return "", err
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600),
		os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o600),
		os.WriteFile(filepath.Join(dir, "go.mod"), fmt.Appendf(nil, "module shop.example/host\n\ngo 1.26.0\n\nrequire %s v0.0.0\n\nreplace %[1]s => %s\n", module, root), 0o600))
	if err != nil {
		return "", err
	}
	executable = filepath.Join(dir, "host")
	// -mod=mod writes the indirect requirements, which "go mod tidy" would download more for.
	build := exec.Command("go", append([]string{"build", "-mod=mod", "-o", executable}, flags...)...)
	build.Dir, build.Env = dir, append(os.Environ(), env...)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return executable, nil
}
