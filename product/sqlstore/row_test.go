package sqlstore_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product/sqlstore"
)

func FuzzPlainTagsAreReadAsUnmarshalled(f *testing.F) {
	for _, text := range []string{
		`["men","new"]`, `["one"]`, `[""]`, `["","",""]`, `[","]`, `[",","b"]`, `["a,","b"]`, `["a", "b"]`, `["a" ,"b"]`,
		`["\"","b"]`, `["\u003c"]`, `["é","日本"]`, `[]`, `["]`, `"]`, `[`, ``, `[1]`, `["a",1]`, `["a"],["b"]`, `["a""b"]`, `["a",,"b"]`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tags, plain := sqlstore.ReadTags(text)
		if !plain {
			return
		}
		for _, c := range text {
			if c < ' ' || c == '\uFFFD' {
				t.Skip("no tag has control characters or damaged text")
			}
		}
		var want []string
		require.NoError(t, json.Unmarshal([]byte(text), &want))
		require.Equal(t, want, tags)
	})
}
