package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
)

func TestTheDoctorLooksAtARunningServer(t *testing.T) {
	t.Parallel()
	db := mysqltest.NewOn(t, mysqltest.MySQL)
	p := start(t, "DATABASE_URL="+db.DSN(), "API_KEYS=ops:read:"+key, "POOL_MAX_LIFETIME=-1ns")
	require.Equal(t, 401, p.call(t, "GET", "/doctor", "").status)
	text := p.call(t, "GET", "/doctor", "", "X-API-Key: "+key)
	require.Equal(t, 200, text.status, text.body)
	require.Regexp(t, `^Process: \d+ threads, \d+ goroutines, \d+ MiB of memory \(\d+ MiB in use, limit none\), \d+ files open, \d+ of them sockets\n`, text.body)
	var found struct {
		Process  map[string]uint64
		Database pool.Report
	}
	r := p.call(t, "GET", "/doctor", "", "X-API-Key: "+key, "Accept: application/json")
	require.NoError(t, json.Unmarshal([]byte(r.body), &found), r.body)
	require.NotZero(t, found.Process["sockets"])
	require.NotEmpty(t, found.Database.Findings, "connections that never end are one")
	p.stop(t)

	p = start(t)
	require.Contains(t, p.call(t, "GET", "/doctor", "").body, "SQLite: ")
	p.stop(t)
}
