// Package console is a page for people: who looks after the products, and who is woken at night, opens
// it and sees. It mounts as httpapi's handler does:
//
//	h, err := console.NewHandler(svc, &console.Options{Prefix: "/console"})
//	defer h.Close(ctx)
//	mux.Handle("/console/", h)
//
// Pages are rendered by the server and work without script; with it, lists change while one types. All
// that a page needs is embedded, and its Content-Security-Policy allows nothing else.
//
// # Imports
//
// A file is sent once and kept by the process that took it, under a random name and for its sender alone,
// until the import has ended, is cancelled, nobody has looked for [Options].KeepImports, or the Handler
// is closed. Imports run in that process and go on without the browser. Where several processes serve one
// console, the balancer has to send a browser to the same one; another, and one that was restarted, says
// that the import is not here.
//
// # Adding a page
//
// A page is a row in routes (routes.go), a handler that ends in [Handler.render], and a file in templates
// that defines "main". What htmx replaces by itself is a further definition in that file, named like the
// element that it replaces, "#results": asked for by htmx for that element, render sends it alone. A form
// posts, and its handler ends in [Handler.redirect] to a page that shows what came of it, or, with the
// faults of a [product.InvalidError], in render with the status 422 and the form as it was sent.
package console
