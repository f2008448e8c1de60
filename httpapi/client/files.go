package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// Import says how an import reads its file. The zero value reads our own CSV.
type Import struct {
	Format    feed.Format // default [feed.Native]
	Map       string      // the fields of a native file's columns: Header:field,Header:field
	Currency  string      // of prices that name none
	Encoding  string      // default: recognised
	ImageBase string      // as [feed.Config] has it
	DryRun    bool
}

func (i Import) params() url.Values {
	v := make(url.Values)
	for name, value := range map[string]string{"format": string(i.Format), "map": i.Map, "currency": i.Currency, "encoding": i.Encoding, "image_base": i.ImageBase} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if i.DryRun {
		v.Set("dry_run", "true")
	}
	return v
}

// Import sends a file and yields what the server tells meanwhile: progress, each refused row, and a
// summary at the end. It is sent once; an import that broke off may be repeated as it is. To stop
// listening ends it at a batch's boundary.
//
// An error is the last that is yielded. When it is a [Problem], nothing of the file was taken.
func (c *Client) Import(ctx context.Context, file io.Reader, how Import) iter.Seq2[feed.Event, error] {
	return func(yield func(feed.Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		media := "text/csv"
		if how.Format == feed.NDJSON {
			media = mediaNDJSON
		}
		// A reader that could be closed would be, by the transport.
		res, err := c.send(ctx, call{method: "POST", path: "/import", query: how.params(), media: media}, "", struct{ io.Reader }{file})
		if err != nil {
			yield(feed.Event{}, err)
			return
		}
		defer func() { _ = res.Body.Close() }()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		complete := false
		for lines.Scan() {
			var e feed.Event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				yield(feed.Event{}, fmt.Errorf("client: the import's answer is not what the contract says: %w", err))
				return
			}
			complete = e.Kind == feed.EventSummary
			if !yield(e, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil || !complete {
			yield(feed.Event{}, lost(true, fmt.Errorf("the import's answer broke off: %w", orEOF(err))))
		}
	}
}

func orEOF(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Export writes the products of q as of one moment, ordered by SKU, in a format that an import
// reads. Whatever fails before the first byte is tried again as [Options] say; after it, what was
// written is not the whole file.
func (c *Client) Export(ctx context.Context, w io.Writer, q product.Query, format feed.Format) error {
	params := filterParams(q)
	if format != "" {
		params.Set("format", string(format))
	}
	var res *http.Response
	err := c.persist(ctx, func() (err error) {
		res, err = c.send(ctx, call{method: "GET", path: "/export", query: params}, "", http.NoBody)
		return err
	})
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(w, res.Body)
	return err
}
