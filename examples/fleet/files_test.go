//go:build linux

package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/productkit-go/productkit/health"
)

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// known requires that the README has these variables of the server.
func known(t *testing.T, names ...string) {
	t.Helper()
	require.NotEmpty(t, names)
	readme := file(t, "../../README.md")
	for _, name := range names {
		require.Contains(t, readme, "`"+name)
	}
}

func TestTheComposeFilesBalancerFindsTheInstances(t *testing.T) {
	t.Parallel()
	var compose struct {
		Services map[string]struct {
			Environment map[string]string
			Networks    yaml.Node
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(file(t, "compose.yaml")), &compose))
	var instances []string
	for _, name := range []string{"shop1", "shop2", "shop3"} {
		for variable := range compose.Services[name].Environment {
			known(t, variable)
		}
		var networks map[string]struct {
			Address string `yaml:"ipv4_address"`
		}
		networksOf := compose.Services[name].Networks
		require.NoError(t, networksOf.Decode(&networks))
		instances = append(instances, networks["fleet"].Address+":8001")
	}
	// It is nginx.conf.tmpl, filled in.
	var want bytes.Buffer
	require.NoError(t, balancers[0].write(&want, "8000", instances))
	require.Equal(t, want.String(), file(t, "nginx.conf"))
}

func TestKubernetesProbesAndWaitsAsTheServerDoes(t *testing.T) {
	t.Parallel()
	type probe struct {
		HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
	}
	var deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					Grace      int `yaml:"terminationGracePeriodSeconds"`
					Containers []struct {
						Env       []struct{ Name, Value string }
						Startup   probe `yaml:"startupProbe"`
						Live      probe `yaml:"livenessProbe"`
						Ready     probe `yaml:"readinessProbe"`
						Lifecycle struct {
							PreStop struct{ Sleep struct{ Seconds int } } `yaml:"preStop"`
						}
					}
				}
			}
		}
	}
	documents := yaml.NewDecoder(strings.NewReader(file(t, "kubernetes.yaml")))
	require.NoError(t, documents.Decode(&deployment))
	for range 2 { // the service and the budget
		var other struct {
			Kind string
			Spec struct{ Selector map[string]any }
		}
		require.NoError(t, documents.Decode(&other))
		require.NotEmpty(t, other.Spec.Selector, other.Kind)
	}
	pod := deployment.Spec.Template.Spec
	require.Len(t, pod.Containers, 1)
	c := pod.Containers[0]
	vars := []string{"HOME=" + t.TempDir(), "PORT=" + strconv.Itoa(freePorts(t, 1)), "LOG_LEVEL=WARN"}
	var drain time.Duration
	for _, v := range c.Env {
		known(t, v.Name)
		vars = append(vars, v.Name+"="+v.Value)
		if v.Name == "DRAIN_WAIT" {
			var err error
			drain, err = time.ParseDuration(v.Value)
			require.NoError(t, err)
		}
	}
	const stopping = 31 * time.Second // examples/server/http.go: linger, finish, close
	require.Greater(t, time.Duration(pod.Grace)*time.Second, time.Duration(c.Lifecycle.PreStop.Sleep.Seconds)*time.Second+drain+stopping)

	path, err := server()
	require.NoError(t, err)
	var errOut buffer
	p, err := startProcess([]string{path}, vars, &errOut)
	require.NoError(t, err)
	address := net.JoinHostPort("127.0.0.1", strings.TrimPrefix(vars[1], "PORT="))
	require.NoError(t, p.ready(t.Context(), address), "%s", &errOut)
	for _, one := range []probe{c.Startup, c.Live, c.Ready} {
		require.NotEmpty(t, one.HTTPGet.Path)
		require.NoError(t, health.Ask(t.Context(), "http://"+address+one.HTTPGet.Path))
	}
	p.stop(syscall.SIGTERM)
	require.True(t, p.cmd.ProcessState.Success(), "%s", &errOut)
}

func TestSystemdTakesTheUnit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze")
	}
	unit := file(t, "productkit@.service")
	for _, variable := range regexp.MustCompile(`([A-Z_]+)=`).FindAllStringSubmatch(regexp.MustCompile(`(?m)^Environment=(.*)$`).FindString(unit)[len("Environment="):], -1) {
		known(t, variable[1])
	}
	program, err := exec.LookPath("true") // it must be there, and is not run
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "productkit@.service")
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(unit, "/usr/local/bin/productkit", program)), 0o600))
	out, err := exec.Command("systemd-analyze", "verify", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Empty(t, string(out))
	// The lower, the less it may do; 10 is everything.
	out, err = exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=15", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
