// Package httpapi serves a product catalogue over HTTP, mounted in whatever server the host has.
//
//	h, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: "/v1"})
//	mux.Handle("/v1/", h)
//
// # Mounting
//
// A [Handler] works bare, under its prefix on a mux, and with the prefix stripped; Location
// headers name the path that the client sees. The prefix stands in the patterns of its own mux,
// so that middleware around it reads the whole route from r.Pattern after the call, of the request
// that it has passed on: http.StripPrefix and r.WithContext make another. It never redirects.
// Compression, CORS, access logs, tracing and TLS are the host's: what the host wraps around it is
// left alone.
//
// It needs all methods and all that follows the path, as it was escaped:
//
//	mux.Handle("/v1/", h)                   // net/http
//	r.Mount("/v1", h)                       // chi
//	r.Any("/v1/*path", gin.WrapH(h))        // gin, with r.UseRawPath
//	e.Any("/v1/*", echo.WrapHandler(h))     // echo
//	r.PathPrefix("/v1/").Handler(h)         // gorilla: mux.NewRouter().SkipClean(true).UseEncodedPath()
//
// None of these takes anything from the path, nested or not, so the prefix is all of it, unless the
// host gives them http.StripPrefix("/shop", h). It may have wildcards: with the prefix /{tenant}/v1
// any of them mounts the handler below a wildcard of its own, and [Options].Authorize reads
// r.PathValue("tenant"). Unclean paths (//, dot segments) are 404; http.ServeMux redirects them
// with 307 before any handler is asked.
//
// Where a middleware wraps the ResponseWriter, [http.ResponseController] looks for the method
// Unwrap() http.ResponseWriter. Without it an import tells its progress only when the whole file has
// arrived, and what [Options] says of deadlines does not apply; without Flush, too, there are no streams
// of changes: they are 406, and the Logger is told. Package mounttest asks a router for all of this
// in one line of a test:
//
//	mounttest.Run(t, h, "/v1", newRouter, nil) // func newRouter(api http.Handler) http.Handler
//
// # Operations
//
//	POST   /products                create: 201, Location, ETag
//	GET    /products                list, with filters, sort and cursor
//	POST   /products/lookup         up to 200 products by {"ids":[…],"skus":[…]}
//	POST   /products/batch          up to 1,000 operations; ?atomic=true: all or none
//	GET    /products/{id}           also /skus/{sku}
//	PUT    /skus/{sku}              create (201) or replace (200)
//	PATCH  /products/{id}           JSON merge patch (RFC 7396)
//	DELETE /products/{id}           204; kept for restoring
//	POST   /products/{id}/restore
//	GET    /products/{id}/history   every change: when, by whom, what; of deleted products too
//	GET    /products/{id}/stock     {"on_hand":12,"reserved":2,"available":10}
//	POST   /products/{id}/stock     {"delta":-3,"reason":"order 17"}
//	PUT    /products/{id}/stock     {"on_hand":40}
//	PATCH  /groups/{group}          one merge patch to every variant, to all or none
//	PUT    /reservations/{key}      hold {"items":[{"sku":"A","quantity":2}]}; see below
//	GET    /categories              the tree of categories with counts
//	GET    /limits                  every limit of this instance, with its unit
//	GET    /changes                 every change of every product after=SEQ, or a stream of them
//	POST   /import                  CSV or NDJSON in, NDJSON events out
//	GET    /export                  CSV or NDJSON, as Accept or ?format=native|ndjson says
//	GET    /openapi.json            the whole contract; at /docs as a page
//
// What answers with products takes ?include=stock, and ?fields=sku,price for these members and the
// id alone. After a write the stock is that of the write's own moment. Lists take status, published
// (active, and within publish_at and unpublish_at now), category, tag, vendor, group, sku_prefix,
// currency, price_min, price_max, in_stock, updated_since, deleted, q, sort (one of
// [product.Sorts]), limit and cursor, and count=true for
// "count":{"value":10000,"precision":"at_least"} or "exact", which stops at [product.MaxCount]. Histories take limit and cursor. Unknown and repeated parameters are
// refused. A SKU in a path is percent-encoded; a/b is /skus/a%2Fb.
//
// With q, whatever a shopper typed, a list is of the products that have all its words, the best
// match first unless sort is given, and ends at [product.MaxHits]; [product.Query] has the rules.
// Where the store keeps no index for it the answer is 501.
//
// The tree of categories takes under=apparel/shirts, to begin there, depth, status and published. Its
// nodes are {"path":"apparel","count":12,"own":2,"children":[…]}; of a tree with more than
// [product.MaxCategories] nodes the lower levels are left out, and "more":true stands in the nodes
// above them.
//
// An import takes format (native, shopify or, by its media type, ndjson), currency, map=Header:field,…,
// image_base, encoding and dry_run; package feed describes them. Its answer begins with the first
// event, which is at the latest the progress after a second, even while nothing comes of the file.
// Whatever is wrong before is a problem, and afterwards an event "failed". A client that sends
// nothing for [Options].ImportIdle ends its import so; one that hangs up ends it after the batch at
// hand. Either way the summary of what landed is logged. An export takes the filters of a list. It is
// of one moment, and is read whole before the first byte is sent, so a slow client holds no
// connection of the database and Content-Length tells whether all came.
//
// Bodies are JSON in UTF-8, read strictly: unknown and duplicate members are refused, and all
// faults are reported at once. Every member that a GET shows may be sent back; what cannot be
// set must be as it is.
//
// # Batches
//
//	{"items":[
//		{"op":"create","product":{…}},
//		{"op":"upsert","product":{…},"if_none_match":"*"},
//		{"op":"patch","sku":"A","patch":{…},"if_match":"\"<id>.<version>\""},
//		{"op":"delete","id":"…"},
//		{"op":"restore","id":"…"},
//		{"op":"stock","sku":"A","delta":-3,"reason":"order 17"},
//		{"op":"stock","id":"…","on_hand":40}
//	]}
//
// Each operation is what a request of its own would be, and later ones see what earlier ones did.
// The answer is 200 with {"items":[…],"failed":1}, in order: the status that the operation would
// have been answered with by itself, the product's id, version and etag, or stock; or a problem. With
// atomic=true nothing was changed unless failed is 0. A body that is not understood is refused as a
// whole. An Idempotency-Key covers each operation under its index: a repetition completes what was
// left undone, and "replayed":true tells what was not.
//
// # Reservations
//
//	PUT    /reservations/{key}         {"items":[{"sku":"A","quantity":2},…],"expires_in_seconds":900}
//	GET    /reservations/{key}
//	POST   /reservations/{key}/commit  the stock leaves, when the cart has been paid for
//	DELETE /reservations/{key}         the stock is given back
//
// All answer with the reservation: {"key":…,"state":"held",…,"expires_at":…}, where state is held,
// committed, released or expired. PUT holds all or nothing: 201, and 200 if the same was asked for
// before, whatever expiry comes with it. If too little is available, "short" in the problem lists every product
// concerned. Without expires_in_seconds it is [product.DefaultExpiry]. The key is the client's to choose, such
// as the cart's; it makes each of these requests safe to repeat, so they do not look at an
// Idempotency-Key. A product is named by its SKU alone, as its client wrote it, so that a repetition
// asks for the same whatever has been renamed or deleted since.
//
// # Changes
//
// GET /changes?after=12 answers {"items":[{"seq":13,"product_id":"…",…}],"next":13}; whoever goes on
// after next misses nothing and gets nothing twice. With wait=30s it answers as soon as there is
// something. Accept: text/event-stream makes it a stream of server-sent events: "change", whose
// id is the seq with which a browser comes back by itself; comments as signs of life; and "end"
// with the type of a problem, before the server closes the stream. A client that does not take
// what was sent is cut. A position that is no longer kept is 410, with oldest and newest.
//
// The streams and those who wait hold no connection of the database, and share one query. An
// [http.Server] that shuts down waits for them unless server.RegisterOnShutdown(h.Drain) is called
// before.
//
// # Entity tags
//
// Products and stocks have strong ETags of their own, "<id>.<version>" and "<id>.s<version>",
// and with ?include=stock one that covers both. ?fields does not change the tag, so that it serves
// as If-Match whatever was looked at; nor does the passing of publish_at. If-Match and If-None-Match follow RFC 9110,
// section 13, and those of writes are decided under the row's lock. Answers say Cache-Control:
// private, no-cache, so that caches ask with the ETag, and errors no-store.
//
// # Authorisation
//
// [Options].Authorize sees every request with its [Operation], before anything else of it is looked at,
// and tells who sent it; [Operations] is the table of them all. Without it whatever reaches the
// handler is allowed, for then the host's middleware decides.
//
// # Errors
//
// Every status of 400 and above comes with a problem document (RFC 9457); PROBLEMS.md beside
// this package explains each type. Causes never leave; [Options].Logger gets those that an
// operator must know, under the request's id, which is that of X-Request-Id or a new one.
//
// # Limits
//
// Bodies, time, and requests in flight are bounded by [Options], reads, writes, imports, exports
// and requests for changes each in a lane of their own; what is beyond is refused at once with 503 and Retry-After.
// GET /limits shows these and all others in groups, as {"product":{"sku_characters":64,…},…}; null is no limit.
package httpapi
