package feed

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzCellsAreWrittenAsTheStandardLibraryWritesThem(f *testing.F) {
	for _, cell := range []string{"", "a", "a,b", `a"b`, `""`, "a\nb", "\r\n", " a", "\u00a0a", "\u2028", `\.`, `'\.`, "=1", "'", "''", "-1", "\t", "\xff", "日本"} {
		f.Add(cell)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		want := cell
		if guarded(cell) {
			want = apostrophe + cell
		}
		var b strings.Builder
		w := csv.NewWriter(&b)
		require.NoError(t, w.Write([]string{"x", want, "y"}))
		w.Flush()
		require.Equal(t, b.String(), string(appendCell([]byte("x,"), cell))+",y\n")
	})
}

func FuzzPlainTagsComeApartAsTheyWere(f *testing.F) {
	f.Add("men\nnew")
	f.Add("a;b\na")
	f.Fuzz(func(t *testing.T, text string) {
		if tags := strings.Split(text, "\n"); plainTags(tags) {
			require.Equal(t, tags, splitTags(strings.Join(tags, ";"), tagSeparators))
		}
	})
}
