//go:build faults

package faults_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(mysqltest.Main(m),
		// toxiproxy v2.12.0 now and then forgets one of a link that is closed while a toxic is changed.
		goleak.IgnoreTopFunction("github.com/Shopify/toxiproxy/v2/toxics.(*NoopToxic).Pipe"))
}
