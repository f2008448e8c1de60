package environ_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/examples/internal/environ"
	"github.com/productkit-go/productkit/pool"
)

func TestVariablesSetFieldsAndWrongOnesAreNamed(t *testing.T) {
	t.Parallel()
	c := pool.Config{MaxConns: 5, MaxUses: 50}
	vars := environ.Of([]string{"POOL_MAX_CONNS=7", "POOL_MAX_LIFETIME=30m", "POOL_LIFETIME_JITTER=0.5", "POOL_MAX_USES=", "OTHER=x"})
	require.NoError(t, vars.Read(&c, "POOL_"))
	require.Equal(t, pool.Config{MaxConns: 7, MaxUses: 50, MaxLifetime: 30 * time.Minute, LifetimeJitter: 0.5}, c)

	err := environ.Of([]string{"POOL_MAX_CONNS=many", "POOL_MAX_LIFETIME=30"}).Read(&c, "POOL_")
	require.EqualError(t, err, `POOL_MAX_CONNS is "many", which is no whole number; set it like 5, or unset it
POOL_MAX_LIFETIME is "30", which is no duration; set it like 30s or 5m, or unset it`)

	var own struct {
		Port uint16 `env:"PORT" envDefault:"8001"`
	}
	require.NoError(t, environ.Of([]string{"PORT="}).Read(&own, ""))
	require.EqualValues(t, 8001, own.Port)
	require.EqualError(t, environ.Of([]string{"PORT=+1"}).Read(&own, ""), `PORT is "+1", which is no number from 0 to 65535; set it like 8080, or unset it`)
}
