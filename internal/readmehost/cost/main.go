// Command cost prints what the README's program pays for Productkit, against a host of net/http alone:
// modules, and MiB of a stripped executable for linux/amd64. It fails if the README says otherwise.
//
//	make cost
package main

import (
	"debug/buildinfo"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/productkit-go/productkit/internal/readmehost"
)

const empty = `package main

import "net/http"

func main() { panic(http.ListenAndServe("127.0.0.1:8080", nil)) }
`

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	program, err := readmehost.Program(root)
	if err != nil {
		return err
	}
	bare, err := weigh(root, empty)
	if err != nil {
		return err
	}
	whole, err := weigh(root, program)
	if err != nil {
		return err
	}
	modules, mib := len(whole.modules)-len(bare.modules), whole.mib-bare.mib
	for _, m := range whole.modules {
		fmt.Println("  ", m)
	}
	fmt.Printf("%-44s %5.1f MiB  %2d modules\n", "host of net/http alone", bare.mib, len(bare.modules))
	fmt.Printf("%-44s %5.1f MiB  %2d modules\n", "the README's, with httpapi, sqlstore, pool", whole.mib, len(whole.modules))
	fmt.Printf("%-44s %5.1f MiB  %2d modules\n", "growth", mib, modules)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return err
	}
	return agree(string(readme), modules, mib)
}

// weight is what an executable is made of.
type weight struct {
	mib     float64
	modules []string
}

func weigh(root, program string) (w weight, err error) {
	dir, err := os.MkdirTemp("", "productkit-cost-")
	if err != nil {
		return w, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	target := []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"}
	executable, err := readmehost.Build(dir, root, program, target, "-trimpath", "-ldflags=-s -w")
	if err != nil {
		return w, err
	}
	file, err := os.Stat(executable)
	if err != nil {
		return w, err
	}
	info, err := buildinfo.ReadFile(executable)
	if err != nil {
		return w, err
	}
	w.mib = float64(file.Size()) / (1 << 20)
	for _, m := range info.Deps {
		w.modules = append(w.modules, m.Path)
	}
	return w, nil
}

var claim = regexp.MustCompile(`costs (\d+) modules and ([\d.]+) MiB`)

// agree holds the README against what was measured. MiB change with each version of Go, so they may
// be off by a tenth.
func agree(readme string, modules int, mib float64) error {
	said := claim.FindStringSubmatch(readme)
	if said == nil {
		return fmt.Errorf("README.md does not say %q", claim)
	}
	saidModules, _ := strconv.Atoi(said[1])
	saidMiB, _ := strconv.ParseFloat(said[2], 64)
	if saidModules != modules || math.Abs(saidMiB-mib) > mib/10 {
		return fmt.Errorf("README.md says %q; it is %d modules and %.1f MiB", said[0], modules, mib)
	}
	return nil
}
