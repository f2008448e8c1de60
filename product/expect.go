package product

import (
	"slices"

	"github.com/google/uuid"
)

// Revision is one resource at one version. A zero ID in an [Expect] stands for any.
type Revision struct {
	ID      uuid.UUID
	Version int64
}

// Expect is what must hold for a write to go ahead: the preconditions of RFC 9110,
// section 13, as data. It is decided under the row's lock. The zero value expects nothing.
//
// It is compared with the product, and in [Service.AdjustStock] and [Service.SetStock]
// with the stock.
type Expect struct {
	Exists    bool       // If-Match: *
	Absent    bool       // If-None-Match: *
	Match     []Revision // If-Match: one must be the present revision; nil expects nothing, an empty list is never met
	NoneMatch []Revision // If-None-Match: none may be the present revision
}

// IfVersion expects the resource to be at version v.
func IfVersion(v int64) Expect { return Expect{Match: []Revision{{Version: v}}} }

// met reports whether e holds for the present revision; nil stands for no resource.
func (e Expect) met(present *Revision) bool {
	is := func(r Revision) bool {
		return r.Version == present.Version && (r.ID == uuid.Nil || r.ID == present.ID)
	}
	if present == nil {
		return !e.Exists && e.Match == nil
	}
	switch {
	case e.Match != nil && !slices.ContainsFunc(e.Match, is):
		return false
	case e.Absent, slices.ContainsFunc(e.NoneMatch, is):
		return false
	}
	return true
}
