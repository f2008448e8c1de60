// Package environ reads an example's settings from environment variables.
package environ

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Vars are variables by name.
type Vars map[string]string

// Of makes Vars of what os.Environ returns. An empty variable counts as unset.
func Of(environ []string) Vars {
	v := env.ToMap(environ)
	maps.DeleteFunc(v, func(_, value string) bool { return value == "" })
	return v
}

// Get returns a variable; empty if it is not set.
func (v Vars) Get(name string) string { return v[name] }

// Read sets the fields of a struct whose variables are set. A field's variable is its env tag, or
// after the prefix its name: MaxConns is MAX_CONNS. The error has one line for each wrong variable:
// name, fault, remedy.
func (v Vars) Read(into any, prefix string) error {
	err := env.ParseWithOptions(into, env.Options{Environment: v, Prefix: prefix, UseFieldNameByDefault: true})
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	var told []error
	for _, one := range all.Errors {
		var wrong env.ParseError
		if !errors.As(one, &wrong) {
			return err
		}
		name := v.nameOf(reflect.TypeOf(into).Elem(), wrong.Name, prefix)
		told = append(told, fmt.Errorf("%s is %q, which is no %s, or unset it", name, v[name], kind(wrong.Type)))
	}
	return errors.Join(told...)
}

// nameOf is the variable of a field.
func (v Vars) nameOf(t reflect.Type, field, prefix string) string {
	f, _ := t.FieldByName(field)
	if tag, _, _ := strings.Cut(f.Tag.Get("env"), ","); tag != "" {
		return prefix + tag
	}
	for name := range v {
		if strings.HasPrefix(name, prefix) && strings.EqualFold(strings.ReplaceAll(name[len(prefix):], "_", ""), field) {
			return name
		}
	}
	return prefix + field
}

// kind says what values of a type look like.
func kind(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "duration; set it like 30s or 5m"
	}
	return cmp.Or(map[reflect.Kind]string{
		reflect.Bool:    "truth value; set it to true or false",
		reflect.Int:     "whole number; set it like 5",
		reflect.Float64: "number; set it like 0.25",
		reflect.Uint16:  "number from 0 to 65535; set it like 8080",
	}[t.Kind()], t.String()+"; correct it")
}
