package httpapi_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

// bounded is a Store with limits of its own.
type bounded struct {
	product.Store
	limits product.StoreLimits
}

func (b bounded) Limits() product.StoreLimits { return b.limits }

// setNumbers gives every number of a struct a value that no other has, by its field, and returns
// what is to be seen of it: for times, of which there are whole hours, seconds.
func setNumbers(options any, next *int64) map[string]float64 {
	shown := make(map[string]float64)
	v := reflect.ValueOf(options).Elem()
	for field, at := range v.Fields() {
		if !at.CanInt() {
			continue
		}
		*next++
		n := *next
		shown[v.Type().String()+"."+field.Name] = float64(n)
		if at.Type() == reflect.TypeFor[time.Duration]() {
			n *= int64(time.Second)
		}
		at.SetInt(n)
	}
	return shown
}

func (a *api) limits() map[string]map[string]*float64 {
	a.t.Helper()
	var limits map[string]map[string]*float64
	a.do("GET", "/limits", "").is(200).json(&limits)
	return limits
}

// Whoever adds a limit and does not show it meets this test.
func TestEveryLimitIsShown(t *testing.T) {
	t.Parallel()
	next := int64(770_000)
	var own httpapi.Options
	var service product.Options
	var store product.StoreLimits
	want := setNumbers(&own, &next)
	for _, more := range []map[string]float64{setNumbers(&service, &next), setNumbers(&store, &next)} {
		for name, n := range more {
			want[name] = n
		}
	}
	require.Greater(t, len(want), 20)
	svc := product.NewService(bounded{sqliteStore(t), store}, &service)
	t.Cleanup(func() { _ = svc.Close(t.Context()) })
	h, err := httpapi.NewHandler(svc, &own)
	require.NoError(t, err)
	got := make(map[float64]string)
	for group, limits := range serve(t, svc, h, "").limits() {
		for name, n := range limits {
			require.NotNil(t, n, name)
			got[*n] = group + "." + name
		}
	}
	for name, n := range want {
		require.Contains(t, got, n, "%s stands nowhere in limits", name)
	}

	// The constants have no values of their own, so they are looked for by name.
	source, err := parser.ParseFile(token.NewFileSet(), "limits.go", nil, 0)
	require.NoError(t, err)
	named := make(map[string]bool)
	ast.Inspect(source, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			named[s.Sel.Name] = true
		}
		return true
	})
	inLibrary := map[string]bool{"MaxMerge": true} // bounds a call that HTTP does not have
	for _, name := range constants(t, "../product") {
		if regexp.MustCompile(`^(Max|Default)[A-Z]`).MatchString(name) && !inLibrary[name] {
			require.True(t, named[name], "product.%s stands nowhere in limits", name)
		}
	}
}

// constants returns the names of the constants of a package.
func constants(t testing.TB, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if group, ok := n.(*ast.GenDecl); ok && group.Tok == token.CONST {
				for _, spec := range group.Specs {
					for _, ident := range spec.(*ast.ValueSpec).Names {
						names = append(names, ident.Name)
					}
				}
			}
			return true
		})
	}
	require.Contains(t, names, "MaxSKULen")
	return names
}

func TestLimitsAreThoseThatHold(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		got := a.limits()
		require.EqualValues(t, 86_400, *got["idempotency"]["kept_seconds"])
		require.EqualValues(t, 64, *got["product"]["sku_characters"])
		skus := make([]string, int(*got["lists"]["lookup"]))
		for i := range skus {
			skus[i] = fmt.Sprintf(`"S%d"`, i)
		}
		list := strings.Join(skus, ",")
		a.do("POST", "/products/lookup", `{"skus":[`+list+`]}`).is(200)
		a.do("POST", "/products/lookup", `{"skus":[`+list+`,"T"]}`).fails(422, "invalid")
		a.do("POST", "/products", strings.Repeat(" ", int(*got["requests"]["body_bytes"])+1)).fails(413, "too-large")
	})
	t.Run("unlimited", func(t *testing.T) {
		t.Parallel()
		got := newAPI(t, &httpapi.Options{MaxReads: -1, Timeout: -1}).limits()
		for name, n := range map[string]*float64{"reads": got["requests"]["reads_at_once"], "timeout": got["requests"]["timeout_seconds"]} {
			require.Nil(t, n, name)
		}
		require.Contains(t, got["requests"], "reads_at_once")
	})
}
