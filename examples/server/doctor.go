package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/pool"
)

// doctor answers what one would look up with ps, lsof and SHOW PROCESSLIST: what the process holds, who
// holds connections, and what is wrong, with evidence and fix. It names users and hosts, so only
// those that are trusted may ask.
type doctor struct {
	database *database.Database
	trusted  func(*http.Request) bool
}

// doctorWait bounds an examination.
const doctorWait = 10 * time.Second

// diagnosis is the doctor's answer.
type diagnosis struct {
	Process  map[string]uint64 `json:"process"`
	Database *pool.Report      `json:"database,omitempty"` // of a pool
	SQLite   *sql.DBStats      `json:"sqlite,omitempty"`
}

func (d doctor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !d.trusted(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "The doctor talks to whoever has a key (API_KEYS).", http.StatusUnauthorized)
		return
	}
	found := diagnosis{Process: processFacts()}
	if d.database.Pool == nil {
		stats := d.database.DB.Stats()
		found.SQLite = &stats
	} else {
		ctx, cancel := context.WithTimeout(r.Context(), doctorWait)
		defer cancel()
		report, err := d.database.Pool.Doctor(ctx, nil)
		if err != nil {
			http.Error(w, "The doctor was interrupted: the server stops, or it took too long.", http.StatusServiceUnavailable)
			return
		}
		found.Database = &report
	}
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(found) // the client may have gone
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprint(w, found)
}

// String is the answer for people.
func (d diagnosis) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Process: %d threads, %d goroutines, %d MiB of memory (%d MiB in use, limit %s), %d files open, %d of them sockets\n",
		d.Process["threads"], d.Process["goroutines"], d.Process["memory"]>>20, d.Process["heap"]>>20, limit(d.Process["memory_limit"]), d.Process["files"], d.Process["sockets"])
	if d.SQLite != nil {
		fmt.Fprintf(&b, "SQLite: %d connections, %d of them in use; %d calls waited for one, %v in all\n", d.SQLite.OpenConnections, d.SQLite.InUse, d.SQLite.WaitCount, d.SQLite.WaitDuration)
	}
	if d.Database != nil {
		b.WriteString("\n" + d.Database.String())
	}
	return b.String()
}

func limit(bytes uint64) string {
	if bytes >= 1<<62 {
		return "none"
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

// processFacts are what this process holds. Where there is no /proc, files and sockets are left out.
func processFacts() map[string]uint64 {
	found := make(map[string]uint64)
	samples := map[string]string{
		"threads": "/sched/threads/total:threads", "goroutines": "/sched/goroutines:goroutines", "memory": "/memory/classes/total:bytes",
		"heap": "/memory/classes/heap/objects:bytes", "memory_limit": "/gc/gomemlimit:bytes",
	}
	for name, metric := range samples {
		found[name] = sample(metric)
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return found
	}
	for _, file := range files {
		if to, err := os.Readlink("/proc/self/fd/" + file.Name()); err == nil {
			found["files"]++
			if strings.HasPrefix(to, "socket:") {
				found["sockets"]++
			}
		}
	}
	return found
}
