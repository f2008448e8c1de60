package console

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/productkit-go/productkit/product"
)

// imports are the files that are kept here, with what was made of them.
type imports struct {
	most int             // that run at once; three times as many are kept
	runs *sync.WaitGroup // has one for each that runs

	mu      sync.Mutex
	jobs    map[string]*importJob // by their names, which are random
	running int
	closed  bool
}

// open makes a place for a file that is about to come. If all are taken, the one gives way whose user has
// been away longest, unless it runs.
func (i *imports) open(owner string) (*importJob, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return nil, product.ErrClosed
	}
	if len(i.jobs) >= 3*i.most {
		var oldest *importJob
		for _, job := range i.jobs {
			if !job.busy && (oldest == nil || job.seen.Before(oldest.seen)) {
				oldest = job
			}
		}
		if oldest == nil {
			return nil, errImportsFull
		}
		i.drop(oldest)
	}
	job := &importJob{id: rand.Text(), owner: owner, busy: true, seen: time.Now()}
	i.jobs[job.id] = job
	return job, nil
}

// keep lets a file that has come wait for its user.
func (i *imports) keep(job *importJob, howLong time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	job.busy, job.seen, job.keep = false, time.Now(), howLong
	if i.closed {
		i.drop(job)
		return
	}
	job.expiry = time.AfterFunc(howLong, func() { i.expire(job) })
}

// find returns an import, and keeps it from now on for as long again.
func (i *imports) find(id, owner string) *importJob {
	i.mu.Lock()
	defer i.mu.Unlock()
	job := i.jobs[id]
	if job == nil || job.owner != owner || job.expiry == nil {
		return nil
	}
	job.seen = time.Now()
	return job
}

func (i *imports) expire(job *importJob) {
	i.mu.Lock()
	defer i.mu.Unlock()
	left := time.Until(job.seen.Add(job.keep))
	if job.busy {
		left = job.keep
	}
	if left > 0 && !i.closed {
		job.expiry.Reset(left)
		return
	}
	i.drop(job)
}

// begin takes a place among those that run. Whoever has it calls end, and then Done of runs.
func (i *imports) begin(job *importJob) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.closed:
		return product.ErrClosed
	case job.busy:
		return product.ErrBusy
	case i.running >= i.most:
		return errImportsFull
	}
	i.running++
	i.runs.Add(1) // not after close, whose caller waits
	job.busy = true
	return nil
}

func (i *imports) end(job *importJob) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.running--
	job.busy, job.seen = false, time.Now()
	if i.closed {
		i.drop(job)
	}
}

func (i *imports) remove(job *importJob) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.drop(job)
}

// discard forgets an import for its user, unless it runs.
func (i *imports) discard(job *importJob) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !job.busy {
		i.drop(job)
	}
}

// drop forgets an import and its files. It is called with mu held.
func (i *imports) drop(job *importJob) {
	delete(i.jobs, job.id)
	if job.expiry != nil {
		job.expiry.Stop()
	}
	job.close()
}

// close forgets all that do not run; those that do are forgotten when they have ended.
func (i *imports) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	for _, job := range i.jobs {
		if !job.busy {
			i.drop(job)
		}
	}
}
