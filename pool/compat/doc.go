// Package compat holds package pool against the libraries that people put on top of and beneath it.
// It has tests only, and a go.mod of its own, so that whoever imports pool downloads none of them.
// Package faults beside it breaks real servers and networks under load.
package compat
