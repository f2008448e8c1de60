package httpapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
)

// contract holds each request of the suite and its answer against openapi.json, and notes which
// of the answers in it have been seen.
type contract struct {
	doc  *openapi3.T
	mu   sync.Mutex
	seen map[string]bool
}

var theContract = sync.OnceValue(func() *contract {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromFile("openapi.json")
	if err == nil {
		err = doc.Validate(loader.Context)
	}
	if err != nil {
		panic(err)
	}
	return &contract{doc: doc, seen: make(map[string]bool)}
})

// route finds the operation of a request to a path below the prefix; nil if there is none.
func (c *contract) route(method, path string) (*routers.Route, map[string]string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var found routers.Route
	var values map[string]string
	for template, item := range c.doc.Paths.Map() {
		params, ok := match(template, path)
		if ok && (found.PathItem == nil || len(params) < len(values)) { // as http.ServeMux decides
			found = routers.Route{Spec: c.doc, Path: template, PathItem: item, Method: method, Operation: item.GetOperation(method)}
			values = params
		}
	}
	if found.Operation == nil {
		return nil, nil
	}
	return &found, values
}

func match(template, path string) (map[string]string, bool) {
	names, segments := strings.Split(template, "/"), strings.Split(path, "/")
	if len(names) != len(segments) {
		return nil, false
	}
	params := make(map[string]string)
	for i, name := range names {
		value, err := url.PathUnescape(segments[i])
		switch {
		case err != nil:
			return nil, false
		case strings.HasPrefix(name, "{"):
			params[strings.Trim(name, "{}")] = value
		case name != segments[i]:
			return nil, false
		}
	}
	return params, true
}

// check fails the test where the contract knows nothing of an answer, or of a request that was
// served.
func (c *contract) check(req *http.Request, prefix string, got answer) {
	got.t.Helper()
	route, params := c.route(req.Method, strings.TrimPrefix(req.URL.EscapedPath(), prefix))
	if route == nil {
		require.Contains(got.t, []int{204, 404, 405}, got.status, "%s %s is not in the contract", req.Method, req.URL)
		return
	}
	if got.status == http.StatusNotFound && got.slug() == "unknown-path" {
		return
	}
	input := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: &openapi3filter.Options{
		IncludeResponseStatus: true, SkipSettingDefaults: true,
		ExcludeRequestBody:  !isJSON(req.Header),
		ExcludeResponseBody: !isJSON(got.header),
	}}
	name := route.Operation.OperationID
	if got.status < 400 {
		if req.GetBody != nil {
			req.Body, _ = req.GetBody()
		}
		require.NoError(got.t, openapi3filter.ValidateRequest(got.t.Context(), input), "%s: served, though against the contract", name)
		for param := range req.URL.Query() {
			require.NotNil(got.t, route.Operation.Parameters.GetByInAndName("query", param), "%s: the parameter %s is not in the contract", name, param)
		}
	}
	answered := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: got.status, Header: got.header,
		Body: io.NopCloser(bytes.NewReader(got.body)), Options: input.Options}
	require.NoError(got.t, openapi3filter.ValidateResponse(got.t.Context(), answered), "%s: %d", name, got.status)
	response := route.Operation.Responses.Status(got.status)
	require.NotNil(got.t, response, "%s: %d is not in the contract", name, got.status)
	for header := range got.header {
		if !slices.Contains(ofHTTP, header) {
			require.Contains(got.t, response.Value.Headers, canonical(response.Value.Headers, header), "%s: %d", name, got.status)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[answerName(name, strconv.Itoa(got.status), response)] = true
}

// ofHTTP are header fields that no contract needs to name.
var ofHTTP = []string{"Content-Type", "Content-Length", "Date", "Connection", "Transfer-Encoding", "Vary"}

func canonical(headers openapi3.Headers, header string) string {
	for name := range headers {
		if http.CanonicalHeaderKey(name) == header {
			return name
		}
	}
	return header
}

func isJSON(h http.Header) bool {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// answerName names an answer that an operation shares with others by that, for to see it once is
// enough, and one of its own by the operation.
func answerName(operation, status string, response *openapi3.ResponseRef) string {
	if response.Ref != "" && status >= "400" {
		return response.Ref
	}
	return operation + " " + status
}

// unseen lists the answers of the contract that no test has got.
func (c *contract) unseen() []string {
	missing := make(map[string]bool)
	for _, item := range c.doc.Paths.Map() {
		for _, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				if name := answerName(operation.OperationID, status, response); !c.seen[name] {
					missing[name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(missing))
}

// contracted runs the suite and then asks whether it has seen all of the contract.
type contracted struct{ suite interface{ Run() int } }

func (c contracted) Run() int {
	code := c.suite.Run()
	whole := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""
	if missing := theContract().unseen(); code == 0 && whole && len(missing) > 0 {
		fmt.Fprintln(os.Stderr, "openapi.json has answers that no test gets:", missing)
		return 1
	}
	return code
}

func TestContractHasEveryOperationAndParameter(t *testing.T) {
	t.Parallel()
	c := theContract()
	params := httpapi.Params()
	served := make(map[string]bool)
	for _, op := range httpapi.Operations() {
		served[op.Method+" "+op.Path] = true
		item := c.doc.Paths.Value(op.Path)
		require.NotNil(t, item, op.Path)
		operation := item.GetOperation(op.Method)
		require.NotNil(t, operation, op)
		require.Equal(t, operation.OperationID, op.ID)
		documented := []string{}
		for _, p := range operation.Parameters {
			if p.Value.In == "query" {
				documented = append(documented, p.Value.Name)
			}
		}
		require.ElementsMatch(t, documented, params[op.ID], op.ID)
	}
	for path, item := range c.doc.Paths.Map() {
		for method := range item.Operations() {
			require.True(t, served[method+" "+path], "no such operation: %s %s", method, path)
		}
	}
}

func TestContractHasEveryTypeOfProblem(t *testing.T) {
	t.Parallel()
	var doc struct {
		Components struct {
			Responses map[string]struct {
				Content map[string]struct {
					Schema struct {
						Properties struct {
							Status struct{ Const int }
							Type   struct{ Pattern string }
						}
					}
				}
			}
		}
	}
	text, err := os.ReadFile("openapi.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &doc))
	types := httpapi.ProblemTypes()
	types[404] = slices.DeleteFunc(types[404], func(slug string) bool { return slug == "unknown-path" }) // of no operation
	delete(types, 405)
	delete(types, 424) // only inside the answer to a batch
	delete(types, 499) // nobody is there to read it
	for name, response := range doc.Components.Responses {
		if problem, ok := response.Content["application/problem+json"]; ok {
			p := problem.Schema.Properties
			slugs := strings.Split(strings.Trim(p.Type.Pattern, "()$"), "|")
			require.ElementsMatch(t, types[p.Status.Const], slugs, name)
			delete(types, p.Status.Const)
		}
	}
	require.Empty(t, types)
}
