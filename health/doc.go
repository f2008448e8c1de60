// Package health answers the probes of load balancers, Kubernetes and people.
//
//	GET /          200 {"status":"ok"} as long as the process answers at all
//	GET /livez     is the process itself working? If not, restarting it helps
//	GET /readyz    should it be given requests?
//	GET /startupz  has it started up? Until then it is not ready, and may be slow
//	GET /health    the whole report, for people and monitors
//
// The middle three answer ok, or 503 and what failed, as those of Kubernetes do: ?verbose lists
// every line, ?exclude=name, which may be repeated, leaves one out, and /readyz/name asks for one
// only. Readiness has a line for each required check, and two more: startup and drain.
//
// A [Probe] runs its checks in the background, each on its own, and every answer comes from
// what they found last. So no probe waits for a database, however slow that is, no number of
// probes puts load on it, and a probing client that goes away marks nothing as down.
//
// Liveness takes [Heartbeat]s only, which can tell nothing but that a loop of this process still
// turns: a database that is down must never get a healthy process restarted. In the same way a [Step] of starting up can only be done.
// So a port can be opened first: the Probe answers, not ready, while a host migrates, and it gets
// the checks of what is opened with [Probe.Add].
package health
