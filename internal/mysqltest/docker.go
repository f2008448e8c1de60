package mysqltest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
)

const (
	serverPort  = docker.Port("3306/tcp")
	pullTimeout = 5 * time.Minute
)

// dockerSource offers a container of the flavour's official image.
func dockerSource(ctx context.Context, o Options) (machine, error) {
	pool, err := connectDocker(ctx)
	if err != nil {
		return nil, err
	}
	repository := cmp.Or(os.Getenv("MYSQLTEST_IMAGE"), "mysql")
	tag := cmp.Or(os.Getenv("MYSQLTEST_TAG"), "9.7")
	if o.Flavor == MariaDB {
		repository = cmp.Or(os.Getenv("MYSQLTEST_MARIADB_IMAGE"), "mariadb")
		tag = cmp.Or(os.Getenv("MYSQLTEST_MARIADB_TAG"), "10.11")
	}
	if err := pull(ctx, pool.Client, repository, tag); err != nil {
		return nil, err
	}
	port, err := freePort() // a fixed one: Docker would choose another at each start
	if err != nil {
		return nil, err
	}
	// Our own name for it, because dockertest does not tell the ID of a container that it made and
	// could not start.
	c := &container{client: pool.Client, id: newName(time.Now())}
	reaper.add(c.entry())
	resource, err := pool.RunWithOptions(&dockertest.RunOptions{
		Name:       c.id,
		Repository: repository,
		Tag:        tag,
		// MariaDB's image knows these names as well.
		Env:          []string{"MYSQL_ROOT_PASSWORD=" + password, "MYSQL_DATABASE=productkit"},
		Cmd:          append(append([]string{}, tuning...), o.Args...),
		PortBindings: map[docker.Port][]docker.PortBinding{serverPort: {{HostIP: hostIP(), HostPort: port}}},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("docker: run %s:%s: %w", repository, tag, err), c.remove())
	}
	c.address = resource.GetHostPort(string(serverPort))
	return c, nil
}

// connectDocker returns a connection to the Docker daemon, or an errNoServer if none answers.
func connectDocker(ctx context.Context) (*dockertest.Pool, error) {
	pool, err := dockertest.NewPool("")
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		err = pool.Client.PingWithContext(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: docker: %w", errNoServer, err)
	}
	return pool, nil
}

// pull makes sure that the image is there. dockertest would pull it without any bound.
func pull(ctx context.Context, client *docker.Client, repository, tag string) error {
	image := repository + ":" + tag
	if _, err := client.InspectImage(image); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	err := client.PullImage(docker.PullImageOptions{Repository: repository, Tag: tag, Context: ctx}, docker.AuthConfiguration{})
	if err != nil {
		return fmt.Errorf("%w: docker: pull %s: %w", errNoServer, image, err)
	}
	return nil
}

// hostIP is the address that Docker publishes on: loopback, unless the daemon is another machine.
func hostIP() string {
	if strings.HasPrefix(os.Getenv("DOCKER_HOST"), "tcp:") {
		return ""
	}
	return "127.0.0.1"
}

// container is a [machine] in Docker.
type container struct {
	client  *docker.Client
	id      string // its name
	address string
}

func (c *container) addr() string    { return c.address }
func (c *container) entry() resource { return resource{Kind: kindContainer, ID: c.id} }

func (c *container) start() error {
	err := c.client.StartContainer(c.id, nil)
	if running := (*docker.ContainerAlreadyRunning)(nil); errors.As(err, &running) {
		return nil // the first time, when dockertest has started it
	}
	return err
}

func (c *container) ended() error {
	state, err := c.client.InspectContainer(c.id)
	if err != nil || state.State.Running {
		return err
	}
	var log bytes.Buffer
	_ = c.client.Logs(docker.LogsOptions{
		Container: c.id, OutputStream: &log, ErrorStream: &log, Stdout: true, Stderr: true, Tail: "20",
	})
	return fmt.Errorf("the container of %s ended (%s): %s", state.Config.Image, state.State.String(), tail(log.Bytes()))
}

func (c *container) stop(ctx context.Context) error {
	return c.signal(ctx, docker.SIGTERM) // not StopContainer: dockertest made that signal harmless
}

func (c *container) kill() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return c.signal(ctx, docker.SIGKILL)
}

// signal ends the container's process and waits until it is gone.
func (c *container) signal(ctx context.Context, signal docker.Signal) error {
	err := c.client.KillContainer(docker.KillContainerOptions{ID: c.id, Signal: signal, Context: ctx})
	if stopped := (*docker.ContainerNotRunning)(nil); err != nil && !errors.As(err, &stopped) {
		return err
	}
	_, err = c.client.WaitContainerWithContext(c.id, ctx)
	return err
}

func (c *container) pause() error  { return c.client.PauseContainer(c.id) }
func (c *container) resume() error { return c.client.UnpauseContainer(c.id) }

func (c *container) remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := removeContainer(ctx, c.client, c.id)
	if err == nil {
		reaper.remove(c.entry())
	}
	return err
}

func removeContainer(ctx context.Context, client *docker.Client, id string) error {
	defer client.HTTPClient.CloseIdleConnections()
	err := client.RemoveContainer(docker.RemoveContainerOptions{ID: id, Force: true, RemoveVolumes: true, Context: ctx})
	if gone := (*docker.NoSuchContainer)(nil); errors.As(err, &gone) {
		return nil
	}
	return err
}
