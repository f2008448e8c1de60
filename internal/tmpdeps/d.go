// Package tmpdeps pins modules while the first slice is written; deleted before landing.
package tmpdeps

import (
	_ "github.com/Masterminds/squirrel"
	_ "github.com/Shopify/toxiproxy/v2"
	_ "github.com/go-json-experiment/json"
	_ "github.com/go-json-experiment/json/jsontext"
	_ "github.com/go-sql-driver/mysql"
	_ "github.com/google/uuid"
	_ "github.com/ory/dockertest/v3"
	_ "github.com/pressly/goose/v3"
	_ "github.com/stretchr/testify/require"
	_ "go.uber.org/goleak"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/sync/semaphore"
	_ "golang.org/x/time/rate"
	_ "modernc.org/sqlite"
)
