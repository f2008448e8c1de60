package console

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/productkit-go/productkit/product"
)

// uploadPage is what the page shows on which a file is chosen.
type uploadPage struct {
	form
	Most int64 // bytes of a file
	Size string
}

// File is the one field.
func (p uploadPage) File() field {
	return p.field(field{Name: "file", Label: "File", Type: "file", Hint: "CSV, NDJSON or Shopify's CSV, up to " + p.Size})
}

// chooseFile shows the page on which an import begins.
func (h *Handler) chooseFile(w http.ResponseWriter, r *http.Request) error {
	return h.showUpload(w, r, http.StatusOK, "")
}

func (h *Handler) showUpload(w http.ResponseWriter, r *http.Request, status int, fault string) error {
	p := uploadPage{Most: h.opts.MaxImportBytes, Size: bytesOf(h.opts.MaxImportBytes)}
	if fault != "" {
		p.fault("file", fault)
	}
	return h.render(w, r, status, "upload.html", "Import", p)
}

// receive takes a file in and keeps it, once for all that follows.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request) error {
	const around = 64 << 10 // of multipart
	if r.ContentLength > h.opts.MaxImportBytes+around {
		return &http.MaxBytesError{Limit: h.opts.MaxImportBytes}
	}
	job, err := h.imports.open(h.owner(r))
	if err != nil {
		return err
	}
	kept := false
	defer func() {
		if !kept {
			h.imports.remove(job)
		}
	}()
	u := &upload{body: r.Body, control: http.NewResponseController(w), idle: h.opts.StreamIdle, end: time.Now().Add(h.opts.ImportTimeout)}
	r.Body = http.MaxBytesReader(w, u, h.opts.MaxImportBytes+around)
	err = job.takeFile(r)
	u.rest()
	switch {
	case errors.Is(err, errNoFile), err == nil && job.file.Size() == 0:
		return h.showUpload(w, r, http.StatusUnprocessableEntity, "is missing or empty; choose one")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSlowUpload
	case err != nil:
		return err
	}
	if err := job.guess(); err != nil {
		return err
	}
	kept = true
	h.imports.keep(job, h.opts.KeepImports)
	return h.redirect(w, r, "/import/"+job.id)
}

var (
	errNoFile     = errors.New("console: no file was sent")
	errSlowUpload = errors.New("console: a file came too slowly")
	errCutUpload  = errors.New("console: a file broke off")
)

// takeFile copies the file of a form.
func (j *importJob) takeFile(r *http.Request) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return errNoFile
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return errNoFile
		case err != nil:
			return cutShort(err)
		case part.FormName() != "file":
			continue
		}
		j.name = plainFile(part.FileName())
		if _, err := io.Copy(&j.file, part); err != nil {
			return cutShort(err)
		}
		_, _ = parts.NextPart() // the end
		return nil
	}
}

// plainFile is a file's name as a title.
func plainFile(name string) string {
	name = path.Base(strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, name), ""))
	if letters := []rune(name); len(letters) > 80 {
		return "…" + string(letters[len(letters)-79:])
	}
	return name
}

// cutShort tells what the browser did from what the disk does.
func cutShort(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return errors.Join(errCutUpload, err)
}

// upload is a body that must not stop for longer than idle, nor last beyond end.
type upload struct {
	body    io.ReadCloser
	control *http.ResponseController
	idle    time.Duration
	end     time.Time
}

func (u *upload) Read(p []byte) (int, error) {
	deadline := u.end
	if next := time.Now().Add(u.idle); u.idle >= 0 && next.Before(deadline) {
		deadline = next
	}
	if !time.Now().Before(u.end) {
		return 0, os.ErrDeadlineExceeded
	}
	_ = u.control.SetReadDeadline(deadline)
	return u.body.Read(p)
}

func (u *upload) Close() error { return u.body.Close() }

// rest gives the answer its time: the server's WriteTimeout has been running while the file came. The
// server listens from now on for the browser's leaving, which a deadline would look like.
func (u *upload) rest() {
	_ = u.control.SetReadDeadline(time.Time{})
	var deadline time.Time
	if u.idle >= 0 {
		deadline = time.Now().Add(u.idle)
	}
	_ = u.control.SetWriteDeadline(deadline)
}

// owner is whose imports a request may see: those of its actor, at this mount. Where the host's middleware
// has decided there is no actor, and the random name alone locks.
func (h *Handler) owner(r *http.Request) string {
	actor, _ := r.Context().Value(ownerKey{}).(string)
	return actor + "\n" + h.mount(r)
}

type ownerKey struct{}

// importOf is the import of the address, if it is the visitor's.
func (h *Handler) importOf(r *http.Request) (*importJob, error) {
	job := h.imports.find(r.PathValue("id"), h.owner(r))
	if job == nil {
		return nil, errImportGone
	}
	return job, nil
}

var (
	errImportGone  = errors.Join(errors.New("console: no such import"), product.ErrNotFound)
	errImportsFull = errors.New("console: too many imports at once")
)
