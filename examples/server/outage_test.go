package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

func TestTheServerOutlivesItsDatabase(t *testing.T) {
	t.Parallel()
	db := mysqltest.Start(t, &mysqltest.Options{Flavor: mysqltest.MariaDB})
	_, err := db.Admin().ExecContext(t.Context(), "CREATE DATABASE shop")
	require.NoError(t, err)
	c := db.Config()
	c.DBName = "shop"
	p := start(t, "DATABASE_URL="+c.FormatDSN())
	created := p.call(t, "POST", "/v1/products", `{"sku":"TEE","name":"T-shirt","price":{"amount":1999,"currency":"EUR"}}`, "Content-Type: application/json")
	require.Equal(t, 201, created.status, created.body)

	p.ready(t, 200)
	db.Pause(t)
	p.ready(t, 503)
	db.Resume(t)
	p.ready(t, 200)
	db.Kill(t)
	p.ready(t, 503)
	down := p.call(t, "GET", "/v1/skus/TEE", "")
	require.Equal(t, 503, down.status, down.body)
	require.NotEmpty(t, down.header.Get("Retry-After"))
	require.NotContains(t, down.body, db.Addr())
	db.Start(t)
	p.ready(t, 200)
	require.Equal(t, 200, p.call(t, "GET", "/v1/skus/TEE", "").status)
	p.stop(t)
}
