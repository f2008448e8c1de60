package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The root is for machines, and leads people to the console, which takes the API's keys.
func TestPeopleAreLedToTheConsole(t *testing.T) {
	t.Parallel()
	const secret = "a-key-of-more-than-20-characters"
	p := start(t, "API_KEYS=ann:read:"+secret)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	ask := func(method, path, body string, headers ...string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
		require.NoError(t, err)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		answer, err := client.Do(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer
	}
	require.Equal(t, "application/json", ask("GET", "/", "", "Accept", "*/*").Header.Get("Content-Type"))
	require.Equal(t, "/console/", ask("GET", "/", "", "Accept", "text/html,*/*;q=0.8").Header.Get("Location"))
	require.Contains(t, ask("GET", "/console/products", "").Header.Get("Location"), "/console/sign-in")
	in := ask("POST", "/console/sign-in", url.Values{"key": {secret}}.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
	require.Equal(t, http.StatusSeeOther, in.StatusCode)
	require.Len(t, in.Cookies(), 1)
	require.Equal(t, 200, ask("GET", "/console/products", "", "Cookie", in.Cookies()[0].Name+"="+in.Cookies()[0].Value).StatusCode)
	p.stop(t)
}
