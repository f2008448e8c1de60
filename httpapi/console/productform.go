package console

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// productForm is a product as it is typed. Besides its members it carries what it was made from, so that
// nothing of it is kept on the server:
//
//	version  the product's, which is expected to be the present one when it is saved
//	was      a digest of each member then, to know who has changed what
//	take.…   of a member that somebody else has changed too, whose value is to be saved: mine or theirs
//	once     an idempotency key, so that what is sent twice happens once
type productForm struct {
	form
	members []member
	ID      string // of the product; empty: it is new
	Name    string // that it has at present
	Version int64
	Was     string
	Once    string
	Taken   string           // the ID of another product that has the SKU or the options
	Other   *product.Product // as somebody else has left it meanwhile
	Gone    bool             // the product was deleted meanwhile

	present *product.Product // what theirs is of
}

// section is a part of the form.
type section struct {
	Name   string
	Fields []asked
}

// asked is a field and, where somebody else has changed it too, both values.
type asked struct {
	field
	Both   bool
	Theirs string
	Take   string // mine or theirs
}

// problem is a fault in the summary.
type problem struct{ Name, Text string }

const (
	mine   = "mine"
	theirs = "theirs"
)

// newProductForm is the form of a product as it is.
func newProductForm(p *product.Product) *productForm {
	f := &productForm{form: form{values: make(url.Values)}, members: members(), Once: uuid.NewString()}
	if p == nil {
		f.members = append(f.members, opening())
		return f
	}
	f.begin(p)
	for _, m := range f.members {
		f.values.Set(m.Name, m.show(p))
	}
	return f
}

// readProductForm is the form as it was sent, of a new product or of one.
func readProductForm(values url.Values, isNew bool) *productForm {
	f := &productForm{form: form{values: make(url.Values)}, members: members(), Was: values.Get("was"), Once: values.Get("once")}
	if isNew {
		f.members = append(f.members, opening())
	}
	f.Version, _ = strconv.ParseInt(values.Get("version"), 10, 64) // any other is met by no product
	if !product.ValidIdempotencyKey(f.Once) {
		f.Once = uuid.NewString()
	}
	for _, m := range f.members {
		f.values.Set(m.Name, m.clean(values.Get(m.Name)))
		if take := values.Get("take." + m.Name); take == mine || take == theirs {
			f.values.Set("take."+m.Name, take)
		}
	}
	return f
}

// clean leaves out what a browser or a hand has added.
func (m member) clean(s string) string {
	s = unix(s)
	if m.Name == "description" {
		return s
	}
	s = strings.TrimSpace(s)
	switch m.Name {
	case "price.currency":
		return strings.ToUpper(s)
	case "publish_at", "unpublish_at":
		if t, ok := readTime(s); ok {
			return showTime(t)
		}
	}
	return s
}

// begin makes the form one of the product as it is at present.
func (f *productForm) begin(p *product.Product) {
	f.ID, f.Name, f.Version, f.present = p.ID.String(), p.Name, p.Version, p
	var was []string
	for _, m := range f.members {
		was = append(was, digest(m.show(p)))
	}
	f.Was = strings.Join(was, ".")
}

// digest tells values of one member apart: by 32 bits, for a mistake only makes a choice be asked for, or
// preset, that need not be.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// meet sets the form beside what somebody else has made of the product. What only one of both has changed
// is preset to that; it reports whether there is anything left that differs.
func (f *productForm) meet(p *product.Product) (differs bool) {
	was := strings.Split(f.Was, ".")
	for i, m := range f.members {
		my, their := f.values.Get(m.Name), m.show(p)
		if my == their {
			f.values.Del("take." + m.Name)
			continue
		}
		differs = true
		known := i < len(was) && len(was) == len(f.members)
		switch {
		case f.values.Has("take." + m.Name): // the choice of the time before
		case known && digest(their) == was[i]: // only this form has changed it
		case known && digest(my) == was[i]:
			f.values.Set("take."+m.Name, theirs)
		default:
			f.values.Set("take."+m.Name, mine)
		}
	}
	f.begin(p)
	f.Other = p
	return differs
}

// chosen are the values to be saved, and the members of which they differ from the product's.
func (f *productForm) chosen() (values url.Values, changed []member) {
	values = make(url.Values)
	for _, m := range f.members {
		s := f.values.Get(m.Name)
		if f.present != nil && f.values.Get("take."+m.Name) == theirs {
			s = m.show(f.present)
		}
		values.Set(m.Name, s)
		if f.present == nil || s != m.show(f.present) {
			changed = append(changed, m)
		}
	}
	return values, changed
}

// draft is the product that the values make, and an [product.InvalidError] of what cannot be read.
func (f *productForm) draft(values url.Values) (product.Draft, error) {
	var d product.Draft
	invalid := &product.InvalidError{}
	for _, m := range f.members {
		if fault := m.read(values.Get(m.Name), &d, values); fault != "" {
			invalid.Faults = append(invalid.Faults, product.Fault{Field: m.Name, Code: "format", Message: fault})
		}
	}
	if len(invalid.Faults) > 0 {
		return d, productjson.Join(invalid, d.Validate())
	}
	return d, nil
}

// patch is what has changed of the product.
func (f *productForm) patch() (product.Patch, error) {
	values, changed := f.chosen()
	d, err := f.draft(values)
	var p product.Patch
	for _, m := range changed {
		m.patch(&d.Product, &p)
	}
	return p, err
}

// refused sorts an error to the fields, and reports whether it is one of theirs.
func (f *productForm) refused(err error) bool {
	var taken *product.TakenError
	var names []string
	for _, m := range f.members {
		names = append(names, m.Name)
	}
	switch {
	case errors.As(err, &taken):
		f.Taken = taken.By.String()
		message := "is taken by another product; choose another one"
		if taken.Field == "options" {
			message = "are those of another product of the group; change one"
		}
		f.fault(taken.Field, message)
	case !f.add(err, names):
		return false
	}
	return true
}

// Invalid is the summary of all faults.
func (f *productForm) Invalid() []problem {
	var all []problem
	for _, m := range f.members {
		for _, fault := range f.faults[m.Name] {
			all = append(all, problem{m.Name, m.Label + " " + fault + "."})
		}
	}
	return all
}

// Sections are the fields as they stand.
func (f *productForm) Sections() []section {
	var all []section
	first := true
	for _, m := range f.members {
		if len(all) == 0 || all[len(all)-1].Name != m.section {
			all = append(all, section{Name: m.section})
		}
		a := asked{field: f.field(m.field)}
		if a.Name == "price" {
			a.Hint = digits(f.values.Get("price.currency"))
		}
		if len(a.Faults) > 0 && first || f.ID == "" && a.Name == "name" && !f.Wrong() {
			a.First, first = true, false
		}
		if take := f.values.Get("take." + m.Name); take != "" && f.present != nil && m.show(f.present) != f.values.Get(m.Name) {
			a.Both, a.Take, a.Theirs = true, take, m.show(f.present)
			if m.Type == "checkbox" {
				a.Theirs = map[string]string{"true": "Yes", "": "No"}[a.Theirs]
			}
		}
		last := &all[len(all)-1]
		last.Fields = append(last.Fields, a)
	}
	return all
}

// Differing is how many fields wait for a choice.
func (f *productForm) Differing() (n int) {
	for _, s := range f.Sections() {
		for _, a := range s.Fields {
			if a.Both {
				n++
			}
		}
	}
	return n
}
