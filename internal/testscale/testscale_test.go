package testscale_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/testscale"
)

func TestN(t *testing.T) {
	for value, want := range map[string]time.Duration{"": time.Second, "0": time.Second, "1": time.Minute} {
		t.Setenv("PRODUCTKIT_LONG", value)
		require.Equal(t, want, testscale.N(time.Second, time.Minute))
	}
}

func ExampleN() {
	os.Unsetenv("PRODUCTKIT_LONG")
	fmt.Println(testscale.N(20, 200))
	// Output: 20
}
