package mysqltest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

// sources are the ways in which this package starts servers, and the variable that forbids to skip
// their tests.
var sources = []struct {
	name    string
	start   func(t testing.TB, o mysqltest.Options) *mysqltest.Server
	flavors []mysqltest.Flavor
}{
	{"local", func(t testing.TB, o mysqltest.Options) *mysqltest.Server {
		return mysqltest.StartFrom(t, mysqltest.Local, o, "REQUIRE_LOCAL")
	}, mysqltest.Flavors()},
	{"docker", func(t testing.TB, o mysqltest.Options) *mysqltest.Server {
		return mysqltest.StartFrom(t, mysqltest.Docker, o, "REQUIRE_DOCKER")
	}, mysqltest.Flavors()},
}

func TestPrivateServerSurvivesWhatATestDoesToIt(t *testing.T) {
	t.Parallel()
	for _, source := range sources {
		for _, flavor := range source.flavors {
			t.Run(source.name+"/"+string(flavor), func(t *testing.T) {
				t.Parallel()
				s := source.start(t, mysqltest.Options{Flavor: flavor, Args: []string{"--max-connections=17"}})
				require.Equal(t, flavor, s.Flavor())
				require.NotEmpty(t, s.Version())
				require.Equal(t, 17, queryInt(t, s, "SELECT @@max_connections"), "Args reach the server")

				db := s.NewDatabase(t)
				_, err := db.DB().Exec("CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB")
				require.NoError(t, err)
				_, err = db.DB().Exec("INSERT INTO t VALUES (1)")
				require.NoError(t, err)
				count := "SELECT COUNT(*) FROM " + db.Name() + ".t"
				addr := s.Addr()

				s.Kill(t)
				require.Error(t, s.Admin().Ping())
				s.Start(t)
				require.Equal(t, addr, s.Addr())
				require.Equal(t, 1, queryInt(t, s, count), "the data is there after a crash")

				s.Stop(t)
				require.Error(t, s.Admin().Ping())
				s.Start(t)
				require.Equal(t, 1, queryInt(t, s, count), "the data is there after a shutdown")

				s.Pause(t)
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				require.ErrorIs(t, s.Admin().PingContext(ctx), context.DeadlineExceeded)
				s.Resume(t)
				require.Equal(t, 1, queryInt(t, s, count))
			})
		}
	}
}

func TestServerThatCannotStartFailsWithItsLog(t *testing.T) {
	t.Parallel()
	for _, flavor := range mysqltest.Flavors() {
		t.Run(string(flavor), func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t}
			r.run(func() { mysqltest.Start(r, &mysqltest.Options{Flavor: flavor, Args: []string{"--no-such-option"}}) })
			require.Contains(t, r.fatal, "no-such-option")
		})
	}
}

func queryInt(t *testing.T, s *mysqltest.Server, query string) int {
	t.Helper()
	var n int
	require.NoError(t, s.Admin().QueryRow(query).Scan(&n))
	return n
}
