package mysqltest

import (
	"context"
	"errors"
	"os"
	"testing"
)

// The ways of starting a server, for tests that must not depend on what is found first.
var (
	Local  = source(localSource)
	Docker = source(dockerSource)
)

var (
	ParseURLs = parseURLs
	NewName   = newName
	IsStale   = isStale
)

// StartFrom is Start with one source. Where the source has no server the test is skipped, or fails
// if the environment variable require is "1".
func StartFrom(t testing.TB, from source, o Options, require string) *Server {
	t.Helper()
	s, err := startFirst(context.Background(), o, from)
	if errors.Is(err, errNoServer) && os.Getenv(require) != "1" {
		t.Skipf("mysqltest: %v", err)
	}
	if err != nil {
		t.Fatalf("mysqltest: %v", err)
	}
	s.private = true
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ContainerID returns "" for a server that is not in Docker.
func (s *Server) ContainerID() string {
	if c, ok := s.machine.(*container); ok {
		return c.id
	}
	return ""
}

// ContainerExists reports whether Docker knows a container, running or not.
func ContainerExists(id string) (bool, error) {
	pool, err := connectDocker(context.Background())
	if err != nil {
		return false, err
	}
	defer pool.Client.HTTPClient.CloseIdleConnections()
	_, found := pool.Client.InspectContainer(id)
	return found == nil, nil
}
