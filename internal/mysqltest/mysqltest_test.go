package mysqltest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(mysqltest.Main(m))
}

func TestEveryTestGetsADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		other := mysqltest.NewOn(t, db.Flavor())
		require.NotEqual(t, db.Name(), other.Name())
		require.Equal(t, db.Addr(), other.Addr(), "one server serves the whole test binary")

		_, err := db.DB().Exec("CREATE TABLE t (id INT PRIMARY KEY)")
		require.NoError(t, err)
		_, err = other.DB().Exec("CREATE TABLE t (id INT PRIMARY KEY)")
		require.NoError(t, err)
	})
}
