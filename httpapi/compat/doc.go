// Package compat mounts package httpapi on the routers that people use, and asks package mounttest
// whether all of it comes through. It has tests only, and a go.mod of its own, so that whoever imports
// httpapi downloads none of them.
package compat
