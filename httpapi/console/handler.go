package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/internal/mount"
	"github.com/productkit-go/productkit/product"
)

// Handler serves the console. It is safe for concurrent use. Whoever makes it calls [Handler.Close].
//
// A browser is not led by other sites to change anything: a request that is not safe must come from the
// same origin, by Sec-Fetch-Site, which browsers send since 2023, or by Origin
// ([http.CrossOriginProtection]). Besides, the cookie of [Options].SignIn is SameSite=Strict. Tokens in
// forms would add nothing to these two, and would have to outlive a restart.
type Handler struct {
	svc        *product.Service
	opts       Options
	mux        *http.ServeMux
	prefix     mount.Prefix
	operations map[string]httpapi.Operation
	foreign    http.CrossOriginProtection
	exports    exports
	imports    imports
	watchers   atomic.Int64 // pages that are told how imports go
	busy       atomic.Int64 // requests in flight, without streams
	followers  atomic.Int64 // streams of changes
	reached    atomic.Int64 // a position that the change feed has reached
	samples    sampler
	doctor     doctor

	alive      context.Context // until Close
	stop       context.CancelFunc
	background sync.WaitGroup
}

// NewHandler returns a Handler of the service. Its error names every option that is wrong.
func NewHandler(svc *product.Service, opts *Options) (*Handler, error) {
	if svc == nil {
		return nil, errors.New("console: the service is nil")
	}
	if opts == nil {
		opts = &Options{}
	}
	h := &Handler{svc: svc, opts: opts.WithDefaults(), mux: http.NewServeMux(), exports: newExports(), operations: make(map[string]httpapi.Operation)}
	if err := h.opts.Validate(); err != nil {
		return nil, err
	}
	h.imports = imports{most: h.opts.MaxImports, runs: &h.background, jobs: make(map[string]*importJob)}
	h.alive, h.stop = context.WithCancel(context.Background())
	h.prefix = mount.New(h.opts.Prefix)
	for _, op := range httpapi.Operations() {
		h.operations[op.ID] = op
	}
	for _, rt := range routes() {
		h.mux.Handle(rt.method+" "+h.opts.Prefix+rt.path, h.serve(rt))
	}
	for _, rt := range streams() {
		h.mux.Handle(rt.method+" "+h.opts.Prefix+rt.path, h.stream(rt))
	}
	h.keep(h.now())
	h.background.Go(h.sample)
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		h.fail(w, r, product.ErrNotFound)
	})
	return h, nil
}

// ServeHTTP serves requests whose paths begin with the prefix, and also ones from which a host has
// stripped it, unless it has wildcards.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.prefix.Serve(h.mux, w, r) {
		setHeaders(w.Header())
		h.fail(w, r, product.ErrNotFound)
	}
}

// mount is the path under which the browser sees the prefix's inside, whatever the host has stripped
// or nested.
func (h *Handler) mount(r *http.Request) string { return h.prefix.Seen(r) }

// Close ends what goes on for long, now and from now on: streams, and what runs in the background, for
// which it waits until ctx ends. An http.Server's Shutdown would wait for streams otherwise, so it has its
// place before that or in RegisterOnShutdown. Imports end after the batch at hand, and their files are
// removed. Pages are served as before. It may be called more than once.
func (h *Handler) Close(ctx context.Context) error {
	h.stop()
	h.imports.close()
	ended := make(chan struct{})
	go func() {
		h.background.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serve wraps a route into what all have in common.
func (h *Handler) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		defer h.busy.Add(-1)
		if h.busy.Add(1) > int64(h.opts.MaxRequests) && h.opts.MaxRequests > 0 {
			h.fail(w, r, product.ErrOverloaded)
			return
		}
		if h.opts.Timeout > 0 {
			ctx, cancel := context.WithTimeout(r.Context(), h.opts.Timeout)
			defer cancel()
			r = r.WithContext(ctx)
		}
		r.Body = http.MaxBytesReader(w, r.Body, h.opts.MaxBodyBytes)
		r, err := h.admit(r, rt)
		if err == nil && r.Method != http.MethodGet && r.Method != http.MethodHead {
			err = readForm(r)
		}
		if err == nil {
			err = rt.handle(h, w, r)
		}
		if err != nil {
			h.fail(w, r, err)
		}
	})
}

// stream wraps a route of [streams], whose handler sets bounds of its own.
func (h *Handler) stream(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		r, err := h.admit(r, rt)
		if err == nil {
			err = rt.handle(h, w, r)
		}
		if err != nil {
			h.fail(w, r, err)
		}
	})
}

// admit lets a request in that comes from where it may and is allowed to.
func (h *Handler) admit(r *http.Request, rt route) (*http.Request, error) {
	if err := h.foreign.Check(r); err != nil {
		return r, httpapi.ErrForbidden
	}
	return h.authenticate(r, rt.op)
}

// readForm reads what a form has sent. What no browser sends is not valid, but no fault of the server.
func readForm(r *http.Request) error {
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) {
		return err
	}
	return fmt.Errorf("%w: %w", product.ErrInvalid, err)
}

// policy allows what is embedded and nothing else: no styles and scripts in pages, no other hosts.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func setHeaders(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-store") // so that nothing is seen after signing out
}

// redirect leads to a page after a form, or to another one.
func (h *Handler) redirect(w http.ResponseWriter, r *http.Request, to string) error {
	w.Header().Set("Location", h.mount(r)+to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
