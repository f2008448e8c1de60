// Package httpapi serves a product catalogue over HTTP. See NewHandler.
package httpapi
