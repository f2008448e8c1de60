package main

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"
	"time"
)

//go:embed nginx.conf.tmpl
var nginxConf string

//go:embed haproxy.cfg.tmpl
var haproxyCfg string

// balancer is a program that shares requests out to the instances.
type balancer struct {
	name    string
	file    string // of its configuration
	config  *template.Template
	command func(dir string) []string
	quit    syscall.Signal // lets it finish what is under way
	notices time.Duration  // how long it takes to see that an instance is back
}

var balancers = []balancer{
	{
		name: "nginx", file: "nginx.conf", config: template.Must(template.New("nginx").Parse(nginxConf)),
		command: func(dir string) []string { return []string{"nginx", "-p", dir, "-e", "stderr", "-c", "nginx.conf"} },
		quit:    syscall.SIGQUIT, notices: 2 * time.Second,
	},
	{
		name: "haproxy", file: "haproxy.cfg", config: template.Must(template.New("haproxy").Parse(haproxyCfg)),
		command: func(dir string) []string { return []string{"haproxy", "-db", "-f", filepath.Join(dir, "haproxy.cfg")} },
		quit:    sigUsr1, notices: 500 * time.Millisecond,
	},
}

func balancerOf(name string) (balancer, error) {
	var known []string
	for _, b := range balancers {
		if b.name == name {
			return b, nil
		}
		known = append(known, b.name)
	}
	return balancer{}, fmt.Errorf("-balancer is %q; it is %s", name, strings.Join(known, " or "))
}

// write makes the configuration.
func (b balancer) write(w io.Writer, listen string, instances []string) error {
	return b.config.Execute(w, struct {
		Listen    string
		Instances []string
	}{listen, instances})
}

// start runs the balancer with a folder of its own.
func (b balancer) start(dir, listen string, instances []string, errOut io.Writer) (*process, error) {
	file, err := os.Create(filepath.Join(dir, b.file))
	if err != nil {
		return nil, err
	}
	if err := b.write(file, listen, instances); err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	command := b.command(dir)
	if command[0], err = exec.LookPath(b.name); err != nil {
		command[0] = "/usr/sbin/" + b.name // where Debian has it, and not on everybody's PATH
	}
	return startProcess(command, nil, errOut)
}
