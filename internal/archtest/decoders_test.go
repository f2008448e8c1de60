package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// decoders are all functions that make sense of what comes from outside, each with the fuzz target
// that sends it whatever there is. A target stands for what lies on the way to its decoder, too.
var decoders = map[string]string{
	"internal/productjson.DecodeDraft":       "internal/productjson.FuzzDecodeDraft",
	"internal/productjson.DecodePatch":       "internal/productjson.FuzzDecodePatch",
	"internal/productjson.DecodeEntry":       "internal/productjson.FuzzDecodeSmallBodies",
	"internal/productjson.DecodeBatch":       "internal/productjson.FuzzDecodeSmallBodies",
	"internal/productjson.DecodeLookup":      "internal/productjson.FuzzDecodeSmallBodies",
	"internal/productjson.DecodeReservation": "internal/productjson.FuzzDecodeSmallBodies",
	"internal/productjson.DecodeStockChange": "internal/productjson.FuzzDecodeSmallBodies",
	"internal/productjson.DecodeStockLevel":  "internal/productjson.FuzzDecodeSmallBodies",
	"internal/productjson.ParseID":           "httpapi.FuzzRequests", // in paths and in tags
	"internal/searchtext.Parse":              "internal/searchtext.FuzzTextsFindThemselves",

	"httpapi.decode":              "httpapi.FuzzRequests",
	"httpapi.decodeBatch":         "httpapi.FuzzRequests",
	"httpapi.decodeDraft":         "httpapi.FuzzRequests",
	"httpapi.parseChanges":        "httpapi.FuzzRequests",
	"httpapi.parseQuery":          "httpapi.FuzzListQuery", // with times, numbers and flags
	"httpapi.parseTags":           "httpapi.FuzzHeaderLists",
	"httpapi.parseVersion":        "httpapi.FuzzHeaderLists",
	"httpapi/client.decode":       "httpapi/client.FuzzAnswers",
	"httpapi/console.parseFilter": "httpapi/console.FuzzFilter",
	"product.ParseFields":         "httpapi.FuzzListQuery",
	"product.ParseMoney":          "product.FuzzParseMoneyIsExact",
	"product.parseCursor":         "product.FuzzCursor",
	"product.parseHistoryCursor":  "httpapi.FuzzCursor",
	"product.decodeObject":        "httpapi.FuzzMergePatch", // of attributes
	"product/feed.ParseMap":       "httpapi.FuzzImport",     // with files in CSV and in NDJSON
	"product/feed.decodeText":     "product/feed.FuzzRoundTrip",
	"pool.ParseDSN":               "pool.FuzzParseDSN",
	"pool.parseDriverDSN":         "pool.FuzzParseDSN",
	"pool.parseURL":               "pool.FuzzParseDSN",
	"pool.UnmarshalText":          "", // one of three words, by a map
}

func TestEveryDecoderIsFuzzed(t *testing.T) {
	t.Parallel()
	dependOnSources(t)
	decoder := regexp.MustCompile(`^(?i:decode|parse|unmarshal)`)
	found, targets := map[string]bool{}, map[string]bool{}
	for _, root := range []string{"health", "httpapi", "internal", "pool", "product"} {
		require.NoError(t, filepath.WalkDir("../../"+root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.Name() == "mysqltest" || d.Name() == "bench": // run by developers alone
				return fs.SkipDir
			case filepath.Ext(path) != ".go":
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			for _, decl := range file.Decls {
				f, ok := decl.(*ast.FuncDecl)
				if !ok {
					continue
				}
				name := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../../") + "." + f.Name.Name
				switch test := strings.HasSuffix(path, "_test.go"); {
				case test && strings.HasPrefix(f.Name.Name, "Fuzz"):
					targets[name] = true
				case !test && decoder.MatchString(f.Name.Name):
					found[name] = true
				}
			}
			return nil
		}))
	}
	require.Equal(t, slices.Sorted(maps.Keys(decoders)), slices.Sorted(maps.Keys(found)))
	for name, target := range decoders {
		require.True(t, target == "" || targets[target], "%s is said to be fuzzed by %s, which is not there", name, target)
	}
}
