package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/internal/mount"
	"github.com/productkit-go/productkit/product"
)

const (
	signInPath = "/sign-in"
	keyCookie  = "productkit_key"
)

// authenticate asks the host whether the request may do this, and gives its actor to what it does.
func (h *Handler) authenticate(r *http.Request, operation string) (*http.Request, error) {
	if h.opts.Authorize == nil || operation == "" {
		return r, nil
	}
	actor, err := h.authorize(r, operation)
	if err != nil || actor == "" {
		return r, err // without an actor that of a middleware stays
	}
	ctx := context.WithValue(r.Context(), ownerKey{}, actor)
	return r.WithContext(product.WithActor(ctx, actor)), nil
}

func (h *Handler) authorize(r *http.Request, operation string) (actor string, err error) {
	actor, err = h.opts.Authorize(h.asked(r), h.operations[operation])
	if err == nil && !product.ValidActor(actor) {
		err = fmt.Errorf("console: Authorize returned an actor that no history can hold: %.100q", actor)
	}
	return actor, err
}

// asked is the request as the host's functions see it: with the key that the cookie keeps.
func (h *Handler) asked(r *http.Request) *http.Request {
	if key, err := r.Cookie(keyCookie); h.opts.SignIn && err == nil && r.Header.Get("Authorization") == "" {
		return withKey(r, key.Value)
	}
	return r
}

func withKey(r *http.Request, key string) *http.Request {
	asked := r.Clone(r.Context())
	asked.Header.Set("Authorization", "Bearer "+key)
	return asked
}

// signInForm is what the page of the key shows.
type signInForm struct {
	Back  string // where to go on, below the mount
	Fault string
}

// Field is the one of the key.
func (f signInForm) Field() field {
	c := field{Name: "key", Label: "Key", Type: "password"}
	if f.Fault != "" {
		c.Faults = []string{f.Fault}
	}
	return c
}

// askKey shows the page on which a key is typed.
func (h *Handler) askKey(w http.ResponseWriter, r *http.Request) error {
	if !h.opts.SignIn {
		return product.ErrNotFound
	}
	return h.render(w, r, http.StatusOK, "signin.html", "Sign in", signInForm{Back: r.URL.Query().Get("back")})
}

// signIn keeps the key, if it is one that may list products, which all of the console begins with.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) error {
	if !h.opts.SignIn {
		return product.ErrNotFound
	}
	key, back := strings.TrimSpace(r.PostForm.Get("key")), r.PostForm.Get("back")
	_, err := h.authorize(withKey(r, key), httpapi.OpListProducts)
	switch {
	case errors.Is(err, httpapi.ErrUnauthenticated), errors.Is(err, httpapi.ErrForbidden), strings.ContainsFunc(key, notCookie):
		return h.render(w, r, http.StatusUnprocessableEntity, "signin.html", "Sign in", signInForm{Back: back, Fault: "is no key that may read products; check that it was copied whole"})
	case err != nil:
		return err
	}
	http.SetCookie(w, h.cookie(r, keyCookie, key))
	return h.redirect(w, r, below(back))
}

// notCookie reports what no cookie can hold (RFC 6265, section 4.1.1).
func notCookie(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`",;\`, r) }

// below keeps a path that a form has sent to what is below the mount, whatever was sent.
func below(back string) string {
	u, err := url.Parse(back)
	if err != nil || u.IsAbs() || u.Host != "" || mount.Unclean(u.EscapedPath()) {
		return "/products"
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
}

// signOut forgets the key.
func (h *Handler) signOut(w http.ResponseWriter, r *http.Request) error {
	c := h.cookie(r, keyCookie, "")
	c.MaxAge = -1
	http.SetCookie(w, c)
	return h.redirect(w, r, signInPath)
}

// cookie is one for the console's own paths, until the browser is closed.
func (h *Handler) cookie(r *http.Request, name, value string) *http.Cookie {
	secure := r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
	return &http.Cookie{Name: name, Value: value, Path: h.mount(r) + "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure}
}

// allowed reports whether the request may do this, for pages that offer it.
func (h *Handler) allowed(r *http.Request, operation string) bool {
	if h.opts.Authorize == nil {
		return true
	}
	_, err := h.authorize(r, operation)
	return err == nil
}
