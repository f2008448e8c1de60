package product

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// underway knows which idempotency keys have a write of this Service on its way.
type underway struct {
	mu    sync.Mutex
	first map[RecordID]*RecordID // of each key, told from later ones by its pointer
}

// enter tells that writes with these records, or nil without one, have set out. Leave, unless it
// is nil, is to be called when they have been settled or withdrawn.
func (u *underway) enter(records ...*RecordID) (leave func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var own []*RecordID
	for _, id := range records {
		if id == nil || u.first[*id] != nil {
			continue
		}
		if u.first == nil {
			u.first = make(map[RecordID]*RecordID)
		}
		u.first[*id] = id
		own = append(own, id)
	}
	if own == nil {
		return nil
	}
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		for _, id := range own {
			delete(u.first, *id)
		}
	}
}

// explain adds [ErrKeyUnderway] to an error with which the waiting has ended, if somebody else's
// write with the key of one of the records is still on its way.
func (u *underway) explain(ctx context.Context, err error, records ...*RecordID) error {
	if err == nil || ctx.Err() == nil && !errors.Is(err, ErrBusy) {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, id := range records {
		if id != nil && u.first[*id] != nil && u.first[*id] != id {
			return fmt.Errorf("%w: %w", ErrKeyUnderway, err)
		}
	}
	return err
}

// recordsOf returns the records of writes, nil for those without one.
func recordsOf(writes []Write) []*RecordID {
	records := make([]*RecordID, len(writes))
	for i := range writes {
		records[i] = writes[i].Record
	}
	return records
}
