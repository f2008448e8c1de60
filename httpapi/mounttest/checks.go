package mounttest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	nobody    = "00000000-0000-7000-8000-000000000000" // the ID of no product
	ifMatch   = "If-Match"
	ifNoMatch = "If-None-Match"
)

// arrives reports whether anything does.
func (s *suite) arrives() bool {
	a := s.send(http.StatusOK, "GET", "/limits", "")
	if a == nil {
		return false
	}
	s.first = a.arrival
	if s.first == nil {
		s.fault("GET /limits: not answered by the API", "The host answers in its place, or does not mount the handler that it was given, or removes the header "+headerNumber+".")
	}
	return s.first != nil
}

// create makes a product and returns its path and its ETag, both empty if it was not made.
func (s *suite) create(sku string) (path, tag string) {
	a := s.send(http.StatusCreated, "POST", "/products", s.draft(sku))
	if a == nil {
		return "", ""
	}
	path, tag = "/products/"+a.json("id"), a.Header.Get("ETag")
	if location := a.Header.Get("Location"); location != s.path+path {
		s.fault(fmt.Sprintf("%s: Location is %q, not %q", a.name(), location, s.path+path), whereabouts)
	}
	if !strings.HasPrefix(tag, `"`) {
		s.fault(fmt.Sprintf("%s: ETag is %q", a.name(), tag), "A middleware removes or weakens ETag, without which If-Match cannot work. Let those that compress keep it as it is.")
	}
	return path, tag
}

const whereabouts = "It is made of r.RequestURI without what r.URL holds below the prefix. A middleware has changed the one, or has put something into the other instead of shortening it."

// draft is the body of a new product.
func (s *suite) draft(sku string) string {
	return fmt.Sprintf(`{"sku":%q,"name":"Made by mounttest","price":{"amount":1999,"currency":"EUR"}}`, s.name+sku)
}

func (s *suite) remove(path string) { s.send(http.StatusNoContent, "DELETE", path, "", ifMatch, "*") }

// products lets one live, with all the preconditions.
func (s *suite) products() {
	path, tag := s.create("")
	if path == "" {
		return
	}
	defer s.remove(path)
	for _, method := range []string{"GET", "HEAD"} {
		if a := s.send(http.StatusOK, method, path, ""); a != nil && a.Header.Get("ETag") != tag {
			s.wrong(a, fmt.Sprintf("the ETag is %q, and was %q", a.Header.Get("ETag"), tag))
		}
	}
	if !strings.HasPrefix(tag, `"`) {
		return
	}
	s.send(http.StatusNotModified, "GET", path, "", ifNoMatch, tag)
	s.send(http.StatusPreconditionFailed, "PATCH", path, `{"name":"Renamed"}`, ifMatch, `"`+nobody+`.1"`)
	s.send(http.StatusUnprocessableEntity, "PATCH", path, `{"name":""}`, ifMatch, tag)
	s.send(http.StatusOK, "PATCH", path, `{"name":"Renamed"}`, ifMatch, tag)
}

// skus puts products under names that are easily taken for something else.
func (s *suite) skus() {
	for _, sku := range []string{"/a//../b", "/100%2F+c;d=e?f#g&h"} {
		path := "/skus/" + url.PathEscape(s.name+sku)
		put := s.send(http.StatusCreated, "PUT", path, s.draft(sku), ifNoMatch, "*")
		got := s.send(http.StatusOK, "GET", path, "")
		if got != nil && got.json("sku") != s.name+sku {
			s.wrong(got, fmt.Sprintf("the SKU is %q", got.json("sku")))
		}
		if put != nil {
			s.remove("/products/" + put.json("id"))
		}
	}
}

// methods asks for what a path does not serve.
func (s *suite) methods() {
	const allowed = "GET, HEAD, OPTIONS, POST"
	for method, status := range map[string]int{"OPTIONS": http.StatusNoContent, "DELETE": http.StatusMethodNotAllowed} {
		if a := s.send(status, method, "/products", ""); a != nil && a.Header.Get("Allow") != allowed {
			s.wrong(a, fmt.Sprintf("Allow is %q, not %q", a.Header.Get("Allow"), allowed))
		}
	}
	for _, path := range []string{"/products/", "/nothing", "/products/x/y/z"} {
		s.send(http.StatusNotFound, "GET", path, "")
	}
}

// unclean sends what a router may clean. It may refuse it or redirect, as http.ServeMux does, if the
// method stays what it is; but it must not go on as if the path had been another.
func (s *suite) unclean() {
	for _, path := range []string{"//products", "/./products", "/products/../products"} {
		a := s.send(0, "POST", path, "{}")
		if a == nil || a.arrival == nil && (a.StatusCode == http.StatusTemporaryRedirect || a.StatusCode == http.StatusPermanentRedirect || a.StatusCode/100 == 4) {
			continue
		}
		if a.StatusCode != http.StatusNotFound || a.slug() != "unknown-path" {
			s.wrong(a, fmt.Sprintf("%d, not 404", a.StatusCode))
		}
	}
}

// contract sends a request without a body to every operation, and holds the answers against the
// contract.
func (s *suite) contract() {
	a := s.send(http.StatusOK, "GET", "/openapi.json", "")
	if a == nil {
		return
	}
	var doc struct {
		Servers []struct{ URL string }
		Paths   map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(a.body, &doc); err != nil || len(doc.Servers) == 0 {
		s.wrong(a, "no such document")
		return
	}
	if server := doc.Servers[0].URL; server != s.path {
		s.fault(fmt.Sprintf("%s: the server is %q, not %q", a.name(), server, s.path), whereabouts)
	}
	values := strings.NewReplacer("{id}", nobody, "{sku}", s.name, "{group}", s.name, "{key}", s.name)
	for _, template := range slices.Sorted(maps.Keys(doc.Paths)) {
		path := values.Replace(template)
		for method, operation := range doc.Paths[template] {
			method = strings.ToUpper(method)
			var op struct{ Responses map[string]any }
			if method == "PARAMETERS" || json.Unmarshal(operation, &op) != nil {
				continue
			}
			a := s.send(0, method, path, "")
			if a != nil && (a.arrival == nil || a.StatusCode == http.StatusForbidden || op.Responses[strconv.Itoa(a.StatusCode)] == nil || a.StatusCode >= 400 && a.slug() == "") {
				s.wrong(a, strconv.Itoa(a.StatusCode))
			}
		}
	}
}

// stream follows the changes while one is made, and leaves.
func (s *suite) stream() {
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.Patience)
	defer cancel()
	kept := func(what string, err error) {
		s.fault("GET "+s.path+"/changes as text/event-stream: "+what+" did not come within "+s.opts.Patience.String()+": "+err.Error(), "Something keeps the answer for itself."+s.first.writer()+
			" Compression must flush, or leave text/event-stream alone, and nothing that buffers whole answers may stand before the API.")
	}
	a, err := s.open(ctx, "GET", "/changes", http.NoBody, "Accept", "text/event-stream")
	if err != nil {
		kept("the answer", err)
		return
	}
	defer func() { _ = a.Body.Close() }()
	if a.StatusCode == http.StatusNotAcceptable && a.arrival != nil && !a.arrival.flushes {
		s.fault(a.name()+" as text/event-stream: 406", "There are no streams where the answer cannot be flushed."+s.first.writer()+unwrappable)
		return
	}
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "text/event-stream" {
		a.body, _ = io.ReadAll(a.Body)
		s.wrong(a, fmt.Sprintf("%d, not a stream", a.StatusCode))
		return
	}
	events := bufio.NewReader(a.Body)
	reads := func(what string) bool {
		for {
			line, err := events.ReadString('\n')
			if err != nil {
				kept(what, err)
				return false
			}
			if strings.Contains(line, what) {
				return true
			}
		}
	}
	if !reads("retry: ") {
		return
	}
	path, _ := s.create("/stream")
	if path == "" {
		return
	}
	defer s.remove(path)
	if !reads(strings.TrimPrefix(path, "/products/")) {
		return
	}
	cancel()
	patient, stop := context.WithTimeout(s.ctx, s.opts.Patience)
	defer stop()
	select {
	case <-a.arrival.left:
	case <-patient.Done():
		s.fault(a.name()+": the API has not learnt that the client has gone", "A middleware gives the request another context. Make it of r.Context().")
	}
}

const unwrappable = " Give the ResponseWriter of every middleware the method Unwrap() http.ResponseWriter, which http.ResponseController looks for."

// imports sends a big file, the greater part of it after the first event has come.
func (s *suite) imports() {
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.Patience)
	defer cancel()
	const rows = 8
	row := `{"sku":"` + s.name + `%d","name":"n","price":{"amount":1,"currency":"EUR"},"description":"` + strings.Repeat("x", 48<<10) + "\"}\n"
	begun, begin := context.WithCancel(ctx)
	defer begin()
	if !s.first.duplex {
		s.fault("POST "+s.path+"/import: no progress before all of the file has been sent", "The server reads the request to its end before it sends anything."+s.first.writer()+unwrappable)
		begin()
	}
	body, file := io.Pipe()
	defer func() { _ = body.Close() }() // which ends whoever still writes
	go func() {
		for i := range rows {
			_, _ = fmt.Fprintf(file, row, i)
			if i == 0 {
				<-begun.Done()
			}
		}
		_ = file.Close()
	}()
	a, err := s.open(ctx, "POST", "/import?dry_run=true", body, "Content-Type", "application/x-ndjson")
	if err != nil {
		s.fault("POST "+s.path+"/import: "+err.Error(), "Nothing came within "+s.opts.Patience.String()+" after a second, when progress is told."+s.first.writer())
		return
	}
	defer func() { _ = a.Body.Close() }()
	begin()
	a.body, err = io.ReadAll(a.Body)
	lines := strings.Split(strings.TrimSpace(string(a.body)), "\n")
	var last struct {
		Event    string
		Rows     int
		Complete bool
	}
	_ = json.Unmarshal([]byte(lines[len(lines)-1]), &last)
	if a.StatusCode != http.StatusOK || err != nil || last.Event != "summary" || last.Rows != rows || !last.Complete {
		a.body = []byte(lines[len(lines)-1])
		s.wrong(a, fmt.Sprintf("%d, and %d of %d rows of 48 KiB have arrived (%v)", a.StatusCode, last.Rows, rows, err))
	}
}
