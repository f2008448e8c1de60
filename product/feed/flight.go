package feed

import (
	"context"
	"errors"
	"time"

	"github.com/productkit-go/productkit/product"
)

// flight is a batch that is being merged, or has been.
type flight struct {
	items  []item // all; after settle those that were not decided
	keys   claimed
	beside bool // an earlier one was under way when this one set out

	done     chan struct{}
	outcomes []product.Outcome
	err      error

	settled bool
	cause   error // why there are items left
}

// claimed is what a batch may take away from another.
type claimed struct {
	skus, groups map[string]bool
	vague        bool // options without their group
}

func claimedBy(items []item) claimed {
	c := claimed{skus: make(map[string]bool, len(items)), groups: make(map[string]bool)}
	for n := range items {
		e := &items[n].entry
		c.skus[e.Draft.SKU] = true
		if e.Draft.Group != "" {
			c.groups[e.Draft.Group] = true
		}
		c.vague = c.vague || e.Patch.Group == nil && e.Patch.Options != nil
	}
	return c
}

// meets reports whether two batches may come out differently at once than one after the other, because
// both claim a SKU or a variant.
func (c claimed) meets(other claimed) bool {
	if c.vague && (other.vague || len(other.groups) > 0) || other.vague && len(c.groups) > 0 {
		return true
	}
	return intersect(c.skus, other.skus) || intersect(c.groups, other.groups)
}

func intersect(a, b map[string]bool) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	for key := range a {
		if b[key] {
			return true
		}
	}
	return false
}

// errBeside is why a row is tried again that was refused while an earlier batch was under way, which may
// give free what the row claims.
var errBeside = errors.New("feed: refused beside another batch")

// depart merges the batch at hand. It waits while too many are under way, or one that it must not
// overtake. An error says that the catalogue cannot go on.
func (i *importer) depart() (line int, err error) {
	if len(i.batch) == 0 {
		return 0, nil
	}
	keys := claimedBy(i.batch)
	for len(i.under) == i.cfg.Batches || len(i.under) > 0 && i.under[0].keys.meets(keys) {
		if line, err := i.arrive(); err != nil {
			return line, err
		}
	}
	if err := i.ended(); err != nil {
		return i.batch[0].line, err
	}
	f := &flight{items: i.batch, keys: keys, beside: len(i.under) > 0}
	f.merge(i.ctx, i.to)
	i.under, i.batch = append(i.under, f), nil
	return 0, nil
}

// flush merges the batch at hand and waits for all.
func (i *importer) flush() (line int, err error) {
	line, err = i.depart()
	for err == nil && len(i.under) > 0 {
		line, err = i.arrive()
	}
	return line, err
}

// ended is why no batch may set out any more, if so.
func (i *importer) ended() error {
	if i.stopped {
		return errStopped
	}
	return i.ctx.Err()
}

// arrive brings the oldest batch to its end. An error says that the catalogue cannot go on.
func (i *importer) arrive() (line int, err error) {
	f := i.under[0]
	pause := 100 * time.Millisecond
	for attempt := 1; ; attempt++ {
		i.await(f.done)
		cause := i.settle(f)
		if cause == nil {
			break
		}
		last := attempt >= mergeAttempts
		if last && errors.Is(cause, product.ErrBusy) {
			for _, it := range f.items {
				i.refuse(it, []Fault{{Code: "busy", Message: "was locked by somebody else all the time; import the file again"}})
			}
			break
		}
		if last || !passing(cause) {
			return f.items[0].line, cause
		}
		if cause == errBeside {
			attempt--
		} else {
			ctx, cancel := context.WithTimeout(i.ctx, pause)
			i.await(ctx.Done())
			cancel()
			pause *= 2
		}
		if err := i.ended(); err != nil {
			return f.items[0].line, err
		}
		f.merge(i.ctx, i.to)
	}
	i.under = i.under[1:]
	return 0, nil
}

// merge tries a batch.
func (f *flight) merge(ctx context.Context, to Merger) {
	entries := make([]product.Entry, len(f.items))
	for n := range f.items {
		entries[n] = f.items[n].entry
	}
	f.done, f.settled = make(chan struct{}), false
	go func() {
		defer close(f.done)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mergeTimeout)
		defer cancel()
		f.outcomes, f.err = to.Merge(ctx, entries)
	}()
}

// settle tells what became of a batch that is back. It leaves in it what was not decided, and returns
// why: an error that will not pass, if there is one.
func (i *importer) settle(f *flight) (cause error) {
	if f.settled {
		return f.cause
	}
	f.settled, f.cause = true, f.err
	if f.err != nil {
		return f.err
	}
	beside := f.beside
	f.beside = false
	var left []item
	for n, it := range f.items {
		err := f.outcomes[n].Err
		switch {
		case err != nil && !ofRow(err):
		case err != nil && beside:
			err = errBeside
		default:
			i.tell(it, f.outcomes[n])
			continue
		}
		left = append(left, it)
		if f.cause == nil || f.cause == errBeside || passing(f.cause) && err != errBeside {
			f.cause = err
		}
	}
	f.items, f.outcomes = left, nil
	return f.cause
}

// awaitFile waits for the file, and meanwhile tells the progress and what became of the oldest batch.
func (i *importer) awaitFile(done <-chan struct{}) {
	for {
		var back <-chan struct{}
		if len(i.under) > 0 && !i.under[0].settled {
			back = i.under[0].done
		}
		select {
		case <-done:
			return
		case <-back:
			if i.settle(i.under[0]) == nil {
				i.under = i.under[1:]
			}
		case <-time.After(time.Until(i.last.Add(i.cfg.ProgressEvery))):
			i.progress()
		}
	}
}

// waitForAll waits until nothing is under way, and tells nobody.
func (i *importer) waitForAll() {
	for _, f := range i.under {
		<-f.done
	}
}
