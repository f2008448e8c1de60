// Command gin is a service on gin that has got a catalogue beside its own routes.
package main

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/productkit-go/productkit/examples/mount/internal/shop"
)

func main() { shop.Main(routes) }

func routes(api http.Handler) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.UseRawPath = true // a SKU with a slash is one segment: /skus/a%2Fb
	r.Use(gin.Recovery())
	r.GET("/hello/:name", func(c *gin.Context) {
		c.String(http.StatusOK, "hello %s\n", c.Param("name"))
	})
	r.Any(shop.Prefix+"/*path", gin.WrapH(shop.Logged(api)))
	return shop.Login(r)
}
