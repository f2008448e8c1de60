// Command echo is a service on echo that has got a catalogue beside its own routes.
package main

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/productkit-go/productkit/examples/mount/internal/shop"
)

func main() { shop.Main(routes) }

func routes(api http.Handler) http.Handler {
	e := echo.New()
	e.Use(middleware.Recover(), echo.WrapMiddleware(shop.Login))
	e.GET("/hello/:name", func(c echo.Context) error {
		return c.String(http.StatusOK, "hello "+c.Param("name")+"\n")
	})
	e.Any(shop.Prefix+"/*", echo.WrapHandler(shop.Logged(api)))
	return e
}
