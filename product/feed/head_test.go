package feed_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product/feed"
)

func TestPeekShowsAFileAsItIsWritten(t *testing.T) {
	t.Parallel()
	h, err := feed.Peek(strings.NewReader("\ufeffArticle, Price\n\"a, b\",1\nonly\nc,2\nd,3\n"), feed.Config{}, 3)
	require.NoError(t, err)
	require.Equal(t, []string{"Article", "Price"}, h.Columns)
	require.Equal(t, [][]string{{"a, b", "1"}, {"c", "2"}}, h.Rows)
	latin, err := feed.Peek(strings.NewReader("Gr\xf6\xdfe\n"), feed.Config{Encoding: "windows-1252"}, 3)
	require.NoError(t, err)
	require.Equal(t, []string{"Größe"}, latin.Columns)
	for _, file := range []string{"", "a,a\n"} {
		_, err = feed.Peek(strings.NewReader(file), feed.Config{}, 3)
		var structure *feed.StructureError
		require.ErrorAs(t, err, &structure)
	}
	require.Contains(t, feed.Fields(), "sku")
}
