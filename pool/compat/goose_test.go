package compat_test

import (
	"testing"
	"testing/fstest"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
)

func TestGooseMigratesUpAndDown(t *testing.T) {
	t.Parallel()
	migrations := fstest.MapFS{
		"1_review.sql": {Data: []byte("-- +goose Up\nCREATE TABLE review (id INT PRIMARY KEY, text TEXT);\n-- +goose Down\nDROP TABLE review;\n")},
		"2_stars.sql":  {Data: []byte("-- +goose Up\nALTER TABLE review ADD stars INT;\n-- +goose Down\nALTER TABLE review DROP stars;\n")},
	}
	each(t, func(t *testing.T, p *pool.Pool) {
		provider, err := goose.NewProvider(goose.DialectMySQL, p.DB(), migrations)
		require.NoError(t, err)
		applied, err := provider.Up(t.Context())
		require.NoError(t, err)
		require.Len(t, applied, 2)
		_, err = p.DB().ExecContext(t.Context(), "INSERT INTO review (id, text, stars) VALUES (1, 'good', 5)")
		require.NoError(t, err)
		_, err = provider.DownTo(t.Context(), 1)
		require.NoError(t, err)
		version, err := provider.GetDBVersion(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, version)
	})
}
