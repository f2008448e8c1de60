package pool_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
)

func TestDoctorCountsTheFleet(t *testing.T) {
	t.Parallel()
	for _, flavor := range mysqltest.Flavors() {
		t.Run(string(flavor), func(t *testing.T) {
			t.Parallel()
			server := mysqltest.Start(t, &mysqltest.Options{Flavor: flavor, Args: []string{"--max-connections=40", "--performance-schema=ON"}})
			db := server.NewDatabase(t)
			root := server.Config()
			admin := server.Admin()
			for _, statement := range []string{
				"CREATE USER worker IDENTIFIED BY 'hunter2secret' WITH MAX_USER_CONNECTIONS 20",
				"GRANT ALL ON " + db.Name() + ".* TO worker",
			} {
				_, err := admin.ExecContext(t.Context(), statement)
				require.NoError(t, err)
			}

			worker := root.Clone()
			worker.User, worker.Passwd, worker.DBName = "worker", "hunter2secret", db.Name()
			shop := openDSN(t, worker, "", pool.Config{MaxConns: 5, MaxOverflow: 3, Attributes: map[string]string{"service": "shop"}})
			other := openDSN(t, worker, "", pool.Config{MinConns: 2, Attributes: map[string]string{"program_name": "reports"}})
			require.NoError(t, shop.Ping(t.Context()))
			require.Eventually(t, func() bool { return other.Stats().Open == 2 }, 10*time.Second, time.Millisecond)

			t.Run("not enough room", func(t *testing.T) {
				r := examine(t, shop, &pool.DoctorOptions{Fleet: pool.Budget{Instances: 5, Surge: 1}})
				f := found(t, r, pool.FindingFleet)
				require.Equal(t, pool.SeverityError, f.Severity)
				require.Contains(t, f.Evidence, "6 processes (5 and 1 more while deploying) × 9 connections (MaxConns + MaxOverflow + 1) = 54, but max_connections 40 less ")
				require.Contains(t, f.Fix, "raise max_connections to ")
				limit := found(t, r, pool.FindingAccountLimit)
				require.Contains(t, limit.Evidence, "the account worker@% may have 20 connections (max_user_connections); 5 processes × 9 connections are 45")
			})
			t.Run("missing rights", func(t *testing.T) {
				r := examine(t, shop, nil)
				require.Len(t, r.Omissions, 3, "%v", r) // and too little load
				require.Equal(t, "GRANT PROCESS ON *.* TO 'worker'@'%'", r.Omissions[0].Remedy)
				require.Equal(t, "GRANT SELECT ON performance_schema.session_connect_attrs TO 'worker'@'%'", r.Omissions[1].Remedy)
				for _, c := range r.Clients {
					require.Equal(t, "worker", c.User)
				}
			})
			t.Run("the remedies help", func(t *testing.T) {
				for _, o := range examine(t, shop, nil).Omissions[:2] {
					_, err := admin.ExecContext(t.Context(), o.Remedy)
					require.NoError(t, err)
				}
				shop.Reset() // rights count from the next connection on
				require.NoError(t, shop.Ping(t.Context()))
				r := examine(t, shop, nil)
				require.Len(t, r.Omissions, 1, "%v", r)
				byService := map[string]pool.Client{}
				for _, c := range r.Clients {
					byService[c.Service] = c
				}
				require.Contains(t, byService, "shop")
				require.GreaterOrEqual(t, byService["reports"].Connections, 2)
				require.Equal(t, 1, byService["reports"].Processes)
				require.Equal(t, root.User, byService["Go-MySQL-Driver"].User, "the administrator's")
				text, err := json.Marshal(r)
				require.NoError(t, err)
				require.NotContains(t, r.String()+string(text), "hunter2secret")
			})
			t.Run("processes are counted", func(t *testing.T) {
				// One process, whatever the number of its pools; of another service it is none.
				for _, o := range []pool.DoctorOptions{
					{Fleet: pool.Budget{MaxConnections: 8}},
					{Fleet: pool.Budget{MaxConnections: 8}, Service: "shop"},
					{Fleet: pool.Budget{MaxConnections: 8}, Service: "other"},
					{Fleet: pool.Budget{MaxConnections: 8}, Service: "shop", Outside: true},
				} {
					f := found(t, examine(t, shop, &o), pool.FindingFleet)
					require.Contains(t, f.Evidence, "2 processes (1 and 1 more while deploying)", "%+v", o)
					require.Contains(t, f.Evidence, "as seen in the process list")
				}
			})
			t.Run("nearly full", func(t *testing.T) {
				fill(t, root, 30)
				r := examine(t, shop, nil)
				f := found(t, r, pool.FindingServerFull)
				require.Equal(t, pool.SeverityWarning, f.Severity)
				require.Contains(t, f.Evidence, "of 40 connections are open now")
				require.GreaterOrEqual(t, r.Connections, 32)

				// Full, and beyond: the lane's connection is there already.
				for open := 0; ; open++ {
					require.Less(t, open, 40)
					c, err := connector(t, root).Connect(t.Context())
					if err != nil {
						require.ErrorContains(t, err, "1040")
						break
					}
					defer c.Close()
				}
				for range shop.Stats().Idle {
					defer hold(t, shop).Close()
				}
				_, err := shop.DB().ExecContext(t.Context(), "DO 1")
				require.ErrorContains(t, err, "1040")
				r = examine(t, shop, nil)
				found(t, r, pool.FindingServerFull)
				require.Contains(t, found(t, r, pool.FindingDialFailing).Evidence, "1040")
			})
			t.Run("was full once", func(t *testing.T) {
				require.Eventually(t, func() bool {
					r, err := shop.Doctor(t.Context(), nil)
					if err != nil {
						return false
					}
					for _, f := range r.Findings {
						if f.ID == pool.FindingServerFull && f.Severity == pool.SeverityInfo {
							return strings.Contains(f.Evidence, "the server has refused ")
						}
					}
					return false
				}, 10*time.Second, 10*time.Millisecond)
			})
		})
	}
}

func connector(t *testing.T, c *mysql.Config) driver.Connector {
	t.Helper()
	made, err := mysql.NewConnector(c)
	require.NoError(t, err)
	return made
}

// fill takes n connections beside any pool until the test ends.
func fill(t *testing.T, c *mysql.Config, n int) {
	t.Helper()
	db := sql.OpenDB(connector(t, c))
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for range n {
		held, err := db.Conn(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { _ = held.Close() })
	}
}

func TestDoctorWithoutPerformanceSchema(t *testing.T) {
	t.Parallel()
	db := mysqltest.NewOn(t, mysqltest.MariaDB) // off by default there
	r := examine(t, openMySQL(t, db, pool.Config{}), nil)
	var why []string
	for _, o := range r.Omissions {
		why = append(why, o.Why)
	}
	require.Contains(t, strings.Join(why, "\n"), "performance_schema is off, as it is by default on MariaDB")
	require.NotEmpty(t, r.Clients)
}
