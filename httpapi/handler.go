package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/productkit-go/productkit/internal/mount"
	"github.com/productkit-go/productkit/internal/spool"
	"github.com/productkit-go/productkit/product"
)

// Handler serves a catalogue. It is safe for concurrent use, starts no goroutines and needs no
// closing; the [product.Service] is its maker's to close, and [Handler.Drain] ends what waits.
type Handler struct {
	svc     *product.Service
	opts    Options
	mux     *http.ServeMux
	prefix  mount.Prefix
	headers fixedHeaders
	lanes   [lanes]lane
	drained context.Context
	drain   context.CancelFunc

	snapshots spool.Turn // of exports

	operations map[string]Operation // by their IDs
}

// NewHandler returns a Handler of the service. Its error names every option that is wrong.
func NewHandler(svc *product.Service, opts *Options) (*Handler, error) {
	if svc == nil {
		return nil, errors.New("httpapi: the service is nil")
	}
	if opts == nil {
		opts = &Options{}
	}
	h := &Handler{svc: svc, opts: opts.WithDefaults(), mux: http.NewServeMux(), headers: newFixedHeaders(), snapshots: spool.NewTurn(), operations: make(map[string]Operation)}
	if err := h.opts.Validate(); err != nil {
		return nil, err
	}
	h.prefix = mount.New(h.opts.Prefix)
	h.lanes[laneRead].most = int64(h.opts.MaxReads)
	h.lanes[laneWrite].most = int64(h.opts.MaxWrites)
	h.lanes[laneImport].most = int64(h.opts.MaxImports)
	h.lanes[laneFollow].most = int64(h.opts.MaxFollowers)
	h.drained, h.drain = context.WithCancel(context.Background())
	h.lanes[laneExport].most = int64(h.opts.MaxExports)
	if err := h.route(operations()); err != nil {
		return nil, err
	}
	return h, nil
}

// route fills the mux. A path's other methods and all other paths are given handlers too, so
// that ServeMux's own plain-text 404 and 405 never show.
func (h *Handler) route(ops []operation) error {
	methods := make(map[string][]string)
	for _, op := range ops {
		h.operations[op.id] = op.public()
		h.mux.Handle(op.method+" "+h.opts.Prefix+op.path, h.serve(op))
		methods[op.path] = append(methods[op.path], op.method)
	}
	for p, served := range methods {
		refuse := h.otherMethod(served)
		if _, wild := methods[path.Dir(p)+"/{id}"]; !wild || strings.HasSuffix(p, "/{id}") {
			h.mux.Handle(h.opts.Prefix+p, refuse)
			continue
		}
		// Beside a path with a wildcard a pattern without a method would be ambiguous.
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			if !slices.Contains(served, method) {
				h.mux.Handle(method+" "+h.opts.Prefix+p, refuse)
			}
		}
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.refuse(w, r, errUnknownPath) })

	probe := &http.Request{Method: "GET", URL: &url.URL{Path: h.opts.Prefix + "/products/x"}}
	if _, pattern := h.mux.Handler(probe); pattern != "GET "+h.opts.Prefix+"/products/{id}" {
		return errors.New("httpapi: GODEBUG=httpmuxgo121=1 turns off the patterns of http.ServeMux that this package is made of; remove it")
	}
	return nil
}

// ServeHTTP serves requests whose paths begin with the prefix, and also ones from which a host
// has stripped it, unless it has wildcards.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.boundBody(w, r)
	if !h.prefix.Serve(h.mux, w, r) {
		h.refuse(w, r, errUnknownPath)
	}
}

// mount is the path under which the client sees the prefix's inside, whatever the host has
// stripped or nested.
func (h *Handler) mount(r *http.Request) string { return h.prefix.Seen(r) }

// serve wraps an operation into what all have in common.
func (h *Handler) serve(op operation) http.Handler {
	lane := &h.lanes[op.lane]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()[headerRequestID] = []string{requestID(r)}
		if !lane.enter() {
			h.fail(w, r, errLaneFull)
			return
		}
		defer lane.leave()
		if h.opts.Timeout > 0 && op.lane <= laneWrite {
			ctx, cancel := context.WithTimeout(r.Context(), h.opts.Timeout)
			defer cancel()
			r = r.WithContext(ctx)
		}
		r, err := h.authenticate(r, op.id)
		if err == nil {
			err = op.check(r)
		}
		if err == nil {
			r, err = op.once(r)
		}
		if err == nil && !op.takesBody() {
			err = h.skipBody(w, r)
		}
		if err == nil {
			err = op.handle(h, w, r)
		}
		if err != nil {
			h.fail(w, r, err)
		}
	})
}

// refuse answers outside of any operation.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header()[headerRequestID] = []string{requestID(r)}
	h.fail(w, r, err)
}

// otherMethod answers methods that a path does not serve, and OPTIONS.
func (h *Handler) otherMethod(served []string) http.Handler {
	all := append(slices.Clone(served), http.MethodOptions)
	if slices.Contains(served, http.MethodGet) {
		all = append(all, http.MethodHead)
	}
	slices.Sort(all)
	allow := strings.Join(all, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allow)
		if r.Method != http.MethodOptions {
			h.refuse(w, r, errMethod)
			return
		}
		w.Header()[headerRequestID] = []string{requestID(r)}
		if slices.Contains(served, http.MethodPatch) {
			w.Header().Set("Accept-Patch", mediaMergePatch+", "+mediaJSON)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
