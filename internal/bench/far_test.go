package bench

import (
	"fmt"
	"strings"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// delayed returns an address of a server from which everything takes longer, each way. It is half as much
// again as it is to be, of a millisecond on a machine with two processors: a SELECT 1 took 3.3 ms, not 0.3.
func (l *lab) delayed(server string, by time.Duration) (address string) {
	proxy := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "mysql", "127.0.0.1:0", server)
	require.NoError(l, proxy.Start())
	l.Cleanup(proxy.Stop)
	for _, stream := range []string{"upstream", "downstream"} {
		_, err := proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"type":"latency","stream":%q,"attributes":{"latency":%d}}`, stream, by.Milliseconds())))
		require.NoError(l, err)
	}
	return proxy.Listen
}
