package archtest

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRepositoryHoldsOnlyTheRoomsOfTheHouse(t *testing.T) {
	t.Parallel()
	dependOnSources(t)
	// What git knows, because a work tree also holds what its owner left there.
	files := strings.Fields(output(t, "git", "-C", "../..", "ls-files"))
	require.NotEmpty(t, files)
	require.Empty(t, misplaced(files))
}

// misplaced returns the files that lie where the house has no room.
func misplaced(files []string) []string {
	var found []string
	for _, file := range files {
		top, _, _ := strings.Cut(file, "/")
		folders := strings.Split(path.Dir(file), "/")
		if !strings.HasPrefix(top, ".") && !slices.Contains(topLevel, top) ||
			slices.ContainsFunc(folders, func(f string) bool { return slices.Contains(nameless, f) }) {
			found = append(found, file)
		}
	}
	return found
}

func TestMisplacedFilesAreFound(t *testing.T) {
	t.Parallel()
	require.Equal(t,
		[]string{"main.go", "cmd/server/main.go", "internal/utils/strings.go", "docs/a.md"},
		misplaced([]string{"main.go", "go.mod", ".ci/run", ".gitignore", "product/utils.go", "cmd/server/main.go",
			"internal/utils/strings.go", "docs/a.md", "pool/pooltest/leak.go"}))
}
