package console

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/productkit-go/productkit/product"
)

// form is what was sent, as it was sent, and what is wrong with it. So a form comes back with every
// fault beside its field and nothing lost.
type form struct {
	values url.Values
	faults map[string][]string // by the field's name
	Others []product.Fault     // of which no field is known
}

// field is one control, as the template "field" shows it. Name, Label and Type are required.
type field struct {
	Name, Label string
	Type        string // of an input; or select, textarea, checkbox
	Value       string
	Hint        string
	Faults      []string
	Options     []option // of a select
	Form        string   // the form's ID, where the field stands outside of it
	Mode        string   // what a keyboard on a screen is to have: decimal, numeric, url
	Rows        int      // of a textarea
	First       bool     // it has the focus when the page comes
}

// option is one choice of a select.
type option struct{ Value, Name string }

// field returns f with the value and the faults of its name.
func (f form) field(c field) field {
	c.Value, c.Faults = f.values.Get(c.Name), f.faults[c.Name]
	return c
}

// Wrong reports whether there is any fault.
func (f form) Wrong() bool { return len(f.faults) > 0 || len(f.Others) > 0 }

// fault adds one.
func (f *form) fault(name, message string) {
	if f.faults == nil {
		f.faults = make(map[string][]string)
	}
	f.faults[name] = append(f.faults[name], message)
}

// add sorts the faults of a [product.InvalidError] to the fields with these names, those of tags[3] and
// options.Size to tags and options unless there is one of the whole name, with the line or the name in
// front, and reports whether err is one.
func (f *form) add(err error, names []string) bool {
	var invalid *product.InvalidError
	if !errors.As(err, &invalid) {
		return false
	}
	known := make(map[string]bool, len(names))
	for _, name := range names {
		known[name] = true
	}
	for _, fault := range invalid.Faults {
		whole, index, indexed := strings.Cut(fault.Field, "[")
		part, member, _ := strings.Cut(whole, ".")
		switch {
		case known[fault.Field]:
			f.fault(fault.Field, fault.Message)
		case known[whole]:
			n, _, _ := strings.Cut(index, "]")
			if i, err := strconv.Atoi(n); indexed && err == nil {
				fault.Message = "in line " + strconv.Itoa(i+1) + " " + fault.Message
			}
			f.fault(whole, fault.Message)
		case known[part] && part == "options":
			f.fault(part, member+" "+fault.Message)
		case known[part]:
			f.fault(part, fault.Message)
		default:
			f.Others = append(f.Others, fault)
		}
	}
	return true
}
