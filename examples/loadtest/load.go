package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
	"github.com/tsenart/vegeta/v12/lib/plot"

	"github.com/productkit-go/productkit/httpapi/client"
	"github.com/productkit-go/productkit/product"
)

// mostProducts bounds what is kept of a catalogue.
const mostProducts = 10_000

// catalogue is what requests are made of.
type catalogue struct {
	ids        []string
	categories []string
}

// run prepares, sends, and reports. It returns the part of the answers that succeeded.
func (p plan) run(ctx context.Context, out, errOut io.Writer) (success float64, err error) {
	api, err := client.New(p.url, &client.Options{Header: p.header})
	if err != nil {
		return 0, err
	}
	if err := p.createProducts(ctx, api, errOut); err != nil {
		return 0, err
	}
	c, err := read(ctx, api)
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(errOut, "%d products, %d requests a second for %v\n", len(c.ids), p.rate, p.duration)

	var page *plot.Plot
	if p.plot != "" {
		page = plot.New(plot.Title("Productkit under load"), plot.Label(func(r *vegeta.Result) string { return kindOf(r) }), plot.Downsample(4000))
		defer page.Close()
	}
	r := p.attack(ctx, c, page, errOut)
	r.print(out)
	if page != nil {
		err = write(page, p.plot)
	}
	return r.all.Success, err
}

// createProducts makes those that are to be there and are not.
func (p plan) createProducts(ctx context.Context, api *client.Client, errOut io.Writer) error {
	var ops []product.Operation
	for i := range p.create {
		ops = append(ops, product.Upsert{Expect: product.Expect{Absent: true}, Draft: product.Draft{
			Stock: new(int64(1000)),
			Product: product.Product{SKU: fmt.Sprintf("loadtest-%d", i+1), Name: fmt.Sprintf("Lamp %d", i+1), Status: product.StatusActive,
				Category: fmt.Sprintf("loadtest/%d", i%20), Price: product.Money{Amount: int64(100 + i), Currency: "EUR"}},
		}})
	}
	made := 0
	for part := range slices.Chunk(ops, product.MaxBatch) {
		outcomes, err := api.Batch(ctx, part)
		if err != nil {
			return err
		}
		for _, o := range outcomes {
			switch {
			case o.Err == nil:
				made++
			case !errors.Is(o.Err, product.ErrPreconditionFailed): // it is there
				return o.Err
			}
		}
		fmt.Fprintf(errOut, "%d products made\n", made)
	}
	return nil
}

// read learns which products there are.
func read(ctx context.Context, api *client.Client) (c catalogue, err error) {
	for p, err := range api.All(ctx, product.Query{Limit: 200}) {
		if err != nil {
			return c, err
		}
		c.ids = append(c.ids, p.ID.String())
		if p.Category != "" && !slices.Contains(c.categories, p.Category) {
			c.categories = append(c.categories, p.Category)
		}
		if len(c.ids) == mostProducts {
			break
		}
	}
	if len(c.ids) == 0 {
		return c, errors.New("the catalogue is empty; give -create 1000")
	}
	return c, nil
}

// attack sends until the time is over or ctx ends, and shows each second what came back.
func (p plan) attack(ctx context.Context, c catalogue, page *plot.Plot, errOut io.Writer) *report {
	attacker := vegeta.NewAttacker(vegeta.Timeout(p.timeout), vegeta.Redirects(vegeta.NoFollow), vegeta.MaxBody(0), vegeta.KeepAlive(true),
		vegeta.Connections(1000))
	stop := context.AfterFunc(ctx, func() { attacker.Stop() })
	defer stop()
	var sent, sold atomic.Uint64
	targeter := func(t *vegeta.Target) error {
		p.target(t, c, sent.Add(1), &sold)
		return nil
	}
	r := newReport()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	results := attacker.Attack(targeter, vegeta.Rate{Freq: p.rate, Per: time.Second}, p.duration, "")
	for {
		select {
		case result, ok := <-results:
			if !ok {
				r.close()
				return r
			}
			r.add(result)
			if page != nil {
				_ = page.Add(result) // only one that came too late for its series
			}
		case <-tick.C:
			r.progress(errOut)
		}
	}
}

// target makes the nth request. What one puts on stock the next takes, so that none is short.
func (p plan) target(t *vegeta.Target, c catalogue, n uint64, sold *atomic.Uint64) {
	t.Header = p.header.Clone()
	id := c.ids[rand.IntN(len(c.ids))]
	switch p.mix.pick(n) {
	case "get":
		t.Method, t.URL = http.MethodGet, p.url+"/products/"+id
	case "list":
		t.Method, t.URL = http.MethodGet, p.url+"/products?limit=20"
		if len(c.categories) > 0 {
			t.URL += "&category=" + url.QueryEscape(c.categories[rand.IntN(len(c.categories))])
		}
	case "stock":
		k := sold.Add(1) - 1
		id, delta := c.ids[k/2%uint64(len(c.ids))], 1-2*int(k%2)
		t.Method, t.URL = http.MethodPost, p.url+"/products/"+id+"/stock"
		t.Header.Set("Content-Type", "application/json")
		t.Body = fmt.Appendf(nil, `{"delta":%d,"reason":"loadtest"}`, delta)
	}
}

// kindOf tells a result's kind by its request.
func kindOf(r *vegeta.Result) string {
	switch {
	case strings.HasSuffix(r.URL, "/stock"):
		return "stock"
	case strings.Contains(r.URL, "/products?"):
		return "list"
	}
	return "get"
}

func write(page *plot.Plot, name string) error {
	var b bytes.Buffer
	if _, err := page.WriteTo(&b); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}
