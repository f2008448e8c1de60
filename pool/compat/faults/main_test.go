//go:build faults

package faults_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqltest.Main(m)) }
