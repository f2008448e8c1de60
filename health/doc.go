// Package health answers the probes of load balancers, Kubernetes and people.
//
//	GET /        200 {"status":"ok"} as long as the process answers at all
//	GET /livez   is the process itself working? If not, restarting it helps
//	GET /readyz  should it be given requests?
//	GET /health  the whole report, for people and monitors
//
// A [Probe] runs its checks in the background, one goroutine each, and every answer comes from
// what they found last. So no probe waits for a database, however slow that is, no number of
// probes puts load on it, and a probing client that goes away marks nothing as down.
//
// Liveness takes [Heartbeat]s only, which can tell nothing but that a loop of this process still
// turns: a database that is down must never get a healthy process restarted.
package health
