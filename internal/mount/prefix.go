// Package mount knows where a handler stands in its host's paths: what its own begin with, and what the
// client sees before them, whatever the host has stripped or nested.
package mount

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	whole    = regexp.MustCompile(`^(/([-.~\w]+|{[A-Za-z]\w*}))+$`)
	wildcard = regexp.MustCompile(`{\w+}`)
)

// Check returns a sentence about each rule that a prefix breaks. It is such as the example, or empty, and
// has no wildcard that is taken, such as {id}.
func Check(prefix, example string, taken ...string) (faults []string) {
	if prefix != "" && (!whole.MatchString(prefix) || path.Clean(prefix) != prefix) {
		faults = append(faults, fmt.Sprintf("Prefix %q must be empty or like %s: a slash in front, none behind, and only letters, digits and -._~ between, or a wildcard like {tenant}", prefix, example))
	}
	taken = slices.Clone(taken)
	for _, name := range wildcard.FindAllString(prefix, -1) {
		if slices.Contains(taken, name) {
			faults = append(faults, fmt.Sprintf("Prefix %q must not have a wildcard %s: another one is called so", prefix, name))
		}
		taken = append(taken, name)
	}
	return faults
}

// Prefix is what the paths of a handler begin with.
type Prefix struct {
	text  string
	parts []string // before, between and after its wildcards
}

// New returns a prefix that [Check] has found in order.
func New(prefix string) Prefix {
	return Prefix{text: prefix, parts: wildcard.Split(prefix, -1)}
}

// Serve has mux serve a request whose path begins with the prefix, and also one from which a host has
// stripped it, unless it has wildcards. It reports false where nothing can be: at a path that ServeMux
// would redirect, and lose the host's part of the path.
func (p Prefix) Serve(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) bool {
	at := r.URL.EscapedPath()
	_, begins := p.Below(at)
	switch {
	case Unclean(at), !begins && len(p.parts) > 1:
		return false
	case begins:
		mux.ServeHTTP(w, r)
	default:
		inner, u := *r, *r.URL
		u.Path = p.text + u.Path
		if u.RawPath != "" {
			u.RawPath = p.text + u.RawPath
		}
		inner.URL = &u
		mux.ServeHTTP(w, &inner)
		r.Pattern = inner.Pattern
	}
	return true
}

// Below returns what follows the prefix in an escaped path, and whether the path begins with it.
func (p Prefix) Below(at string) (rest string, ok bool) {
	for i, literal := range p.parts {
		if i > 0 { // a wildcard stands for one segment
			at = at[max(0, strings.IndexByte(at, '/')):]
		}
		if at, ok = strings.CutPrefix(at, literal); !ok {
			return "", false
		}
	}
	return at, strings.HasPrefix(at, "/")
}

// Seen is the path under which the client sees the prefix's inside.
func (p Prefix) Seen(r *http.Request) string {
	seen, _, _ := strings.Cut(r.RequestURI, "?")
	if u, err := url.Parse(seen); err == nil && u.Host != "" {
		seen = u.EscapedPath() // a request in absolute form
	}
	at := r.URL.EscapedPath()
	inside, _ := p.Below(at)
	if base, ok := strings.CutSuffix(seen, inside); ok {
		return base
	}
	return strings.TrimSuffix(at, inside)
}

// Unclean reports whether a path has empty segments, or such as . and .., or does not begin with a slash.
func Unclean(at string) bool {
	if at == "" || at[0] != '/' || strings.Contains(at, "//") {
		return true
	}
	clean := path.Clean(at)
	return at != clean && strings.TrimSuffix(at, "/") != clean
}
