package mounttest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// headerNumber tells the requests apart on their way through the host.
const headerNumber = "Mounttest-Request"

// arrival is a request as it reached the API.
type arrival struct {
	method  string
	path    string // as it was escaped
	writers string // the types of the ResponseWriter and of what it wraps
	flushes bool
	duplex  bool
	left    chan struct{} // closed when the API is done with it
}

// watch notes what reaches the API, and changes nothing of it.
func (s *suite) watch(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &arrival{method: r.Method, path: r.URL.EscapedPath(), left: make(chan struct{})}
		defer close(a.left)
		chain := unwrap(w)
		for _, link := range chain {
			a.writers += fmt.Sprintf(" → %T", link)
			_, duplex := link.(interface{ EnableFullDuplex() error })
			a.duplex = a.duplex || duplex
		}
		a.writers = strings.TrimPrefix(a.writers, " → ")
		_, a.flushes = chain[len(chain)-1].(http.Flusher)
		s.mu.Lock()
		s.arrivals[r.Header.Get(headerNumber)] = a
		s.mu.Unlock()

		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)() // nothing outlives the test, whatever the host has made of the context
		inner := r.WithContext(ctx)
		api.ServeHTTP(w, inner)
		r.Pattern = inner.Pattern
	})
}

// unwrap returns a ResponseWriter and all that it wraps, as far as [http.ResponseController] looks.
func unwrap(w http.ResponseWriter) []http.ResponseWriter {
	chain := []http.ResponseWriter{w}
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return chain
		}
		w = u.Unwrap()
		chain = append(chain, w)
	}
}

// answer is a response that has been read, unless it is a stream.
type answer struct {
	*http.Response
	sent    *http.Request
	below   string // the path of the request below the mount, escaped
	body    []byte
	arrival *arrival // nil if the API has not seen the request
}

// open sends a request with headers given as name, value, … and leaves the body to be read. Without
// an error the answer has a Response.
func (s *suite) open(ctx context.Context, method, path string, body io.Reader, headers ...string) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	number := strconv.Itoa(len(s.arrivals) + 1)
	s.arrivals[number] = nil
	s.mu.Unlock()
	r.Header.Set(headerNumber, number)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if s.opts.Prepare != nil {
		s.opts.Prepare(r)
	}
	a := &answer{sent: r}
	a.below, _, _ = strings.Cut(path, "?")
	a.Response, err = s.client.Do(r)
	s.mu.Lock()
	a.arrival = s.arrivals[number]
	s.mu.Unlock()
	return a, err
}

// send exchanges a request for an answer. One of another status is reported, and is nil; status 0
// stands for any.
func (s *suite) send(status int, method, path, body string, headers ...string) *answer {
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.Patience)
	defer cancel()
	if body != "" {
		headers = append([]string{"Content-Type", "application/json"}, headers...)
	}
	a, err := s.exchange(ctx, method, path, body, headers...)
	for err == nil && a.StatusCode == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "" && ctx.Err() == nil {
		select { // a busy machine says nothing of the mount
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
		a, err = s.exchange(ctx, method, path, body, headers...)
	}
	switch {
	case err != nil:
		s.fault(method+" "+s.path+path+": "+err.Error(), "No whole answer came within "+s.opts.Patience.String()+".")
	case status != 0 && a.StatusCode != status:
		s.wrong(a, fmt.Sprintf("%d, not %d", a.StatusCode, status))
	case status >= 400 && a.slug() == "":
		s.wrong(a, "no problem document")
	default:
		return a
	}
	return nil
}

func (s *suite) exchange(ctx context.Context, method, path, body string, headers ...string) (*answer, error) {
	a, err := s.open(ctx, method, path, strings.NewReader(body), headers...)
	if err == nil {
		a.body, err = io.ReadAll(a.Body)
		_ = a.Body.Close()
	}
	return a, err
}

// wrong reports an answer that is not as the API would have given it.
func (s *suite) wrong(a *answer, what string) {
	detail, why := a.why()
	s.fault(a.name()+": "+what+detail, why)
}

func (a *answer) name() string { return a.sent.Method + " " + a.sent.URL.RequestURI() }

// json reads a member of the body, "" if there is none.
func (a *answer) json(name string) string {
	var members map[string]any
	_ = json.Unmarshal(a.body, &members)
	text, _ := members[name].(string)
	return text
}

// slug is the end of the type of the problem that was answered.
func (a *answer) slug() string {
	if a.Header.Get("Content-Type") != "application/problem+json" || a.json("title") == "" {
		return ""
	}
	kind := a.json("type")
	return kind[strings.LastIndexAny(kind, "#/")+1:]
}

// writer names what the API had to write to.
func (a *arrival) writer() string {
	if a == nil {
		return ""
	}
	return " The ResponseWriter that reached the API is " + a.writers + "."
}

// why says what in the host makes an answer unlike what the API would have given, and what shows it.
func (a *answer) why() (detail, why string) {
	switch seen := a.arrival; {
	case seen == nil && a.StatusCode/100 == 3:
		return fmt.Sprintf(", to %q", a.Header.Get("Location")), "The router redirects instead of calling the API. " +
			"Of gorilla/mux set SkipClean(true) and UseEncodedPath(); else look for a middleware that cleans paths."
	case a.StatusCode == http.StatusUnauthorized || a.StatusCode == http.StatusForbidden:
		return "", "The host, or Authorize of httpapi.Options, refuses the request. Sign in by Options.Prepare as somebody who may do everything."
	case seen == nil && a.StatusCode == http.StatusNotFound && strings.Contains(a.sent.URL.EscapedPath(), "%"):
		return "", "The router does not match escaped paths as they are. Of gorilla/mux set UseEncodedPath(), of gin UseRawPath; " +
			"of others mount with what matches all that follows, and let no middleware decode the path."
	case seen == nil && (a.StatusCode == http.StatusNotFound || a.StatusCode == http.StatusMethodNotAllowed):
		return "", "The router does not let " + a.sent.Method + " through to the API. Mount all methods and all that follows the path: " +
			`net/http mux.Handle("…/", api); chi r.Mount("…", api); gin r.Any("…/*path", gin.WrapH(api)); echo e.Any("…/*", echo.WrapHandler(api)); gorilla r.PathPrefix("…/").Handler(api).`
	case seen == nil:
		return fmt.Sprintf(", %.200q", a.body), "The host answers before the API sees the request."
	case !strings.HasSuffix(seen.path, a.below):
		return fmt.Sprintf(", reached the API as %q", seen.path), "The router or a middleware has decoded or cleaned the path. Pass r.URL on with its RawPath, and strip prefixes by http.StripPrefix."
	case a.slug() == "unknown-path":
		return fmt.Sprintf(", reached the API as %q", seen.path), fmt.Sprintf("Make what stands there before %q the Prefix of httpapi.Options, or strip all of it by http.StripPrefix.", a.below)
	default:
		return fmt.Sprintf(", %.200q", a.body), "The request reached the API as it was sent, so either the API itself answered so, or a middleware has changed its answer."
	}
}
