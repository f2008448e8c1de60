package sqlstore_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

func TestWhatSeveralProcessesSeeIsLinearizable(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		operations := recordProcesses(t, e, testscale.N(3*time.Second, 30*time.Second), 60, "")
		succeeded := map[string]bool{}
		for _, op := range operations {
			succeeded[op.Kind] = succeeded[op.Kind] || op.Answer.Refusal == ""
		}
		for _, kind := range recordKinds {
			require.True(t, succeeded[kind.name], "no %s succeeded", kind.name)
		}
		result, file := judge(t, operations, os.TempDir())
		require.Equal(t, porcupine.Ok, result, "see %s", file)
	})
}

func TestACatalogueThatErrsIsNotTakenForLinearizable(t *testing.T) {
	t.Parallel()
	rejected := func(t *testing.T, e engine, fault string) {
		result, file := judge(t, recordProcesses(t, e, testscale.N(0, 10*time.Second), 40, fault), t.TempDir())
		require.Equal(t, porcupine.Illegal, result)
		require.FileExists(t, file)
	}
	t.Run("stale read", func(t *testing.T) {
		t.Parallel()
		forEachEngine(t, func(t *testing.T, e engine) { rejected(t, e, "stale read") })
	})
	for _, fault := range []string{"lost update", "forgotten write"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			rejected(t, engine{"sqlite", sqliteDSN(t)}, fault)
		})
	}
}

// recordProcesses has three processes work on one database at once and returns what they did, as
// far as it happened.
func recordProcesses(t *testing.T, e engine, period time.Duration, atLeast int, fault string) []operation {
	t.Helper()
	e = e.hasty()
	store := migrated(t, e.open(t), nil)
	const processes = 3
	var all sync.WaitGroup
	var printed [processes][]byte
	var failures [processes]error
	for i := range processes {
		cmd := e.process(t, fmt.Sprintf("%s=%d", recordClient, i), fmt.Sprintf("%s=%s", recordFor, period),
			fmt.Sprintf("%s=%d", recordAtLeast, atLeast), recordFault+"="+fault)
		all.Go(func() { printed[i], failures[i] = cmd.Output() })
	}
	all.Wait()
	var operations []operation
	for i := range processes {
		require.NoError(t, failures[i], "process %d", i)
		var byWorker [][]operation
		require.NoError(t, json.Unmarshal(printed[i], &byWorker))
		for _, of := range byWorker {
			operations = append(operations, of...)
		}
	}
	return resolve(t, storetest.NewService(t, store, nil), operations)
}

// resolve finds in the history which of the operations without an answer happened, and leaves out
// the others. Those that happened may have done so at any time until the end. What was refused with
// the promise that nothing happened must not be there, and nothing may be there twice.
func resolve(t *testing.T, svc *product.Service, operations []operation) []operation {
	t.Helper()
	changes := map[string]product.Change{} // by actor
	for _, deleted := range []bool{false, true} {
		for p, err := range svc.All(t.Context(), product.Query{Deleted: deleted}) {
			require.NoError(t, err)
			for q := (product.HistoryQuery{Limit: product.MaxLimit}); ; {
				page, err := svc.History(t.Context(), p.ID, q)
				require.NoError(t, err)
				for _, c := range page.Changes {
					require.NotContains(t, changes, c.Actor, "it happened twice")
					changes[c.Actor] = c
				}
				if q.Cursor = page.Next; q.Cursor == "" {
					break
				}
			}
		}
	}
	var all []operation
	fates := map[fate]int{}
	for _, op := range operations {
		change, found := changes[op.Actor]
		switch {
		case op.Fate == unknown && found:
			op.Fate, op.Return, op.Answer = happened, math.MaxInt64, answer{Version: change.Version}
		case op.Fate == refused:
			require.False(t, found, "%+v was promised not to happen", op)
		}
		fates[op.Fate]++
		if op.Fate == answered || op.Fate == happened {
			all = append(all, op)
		}
	}
	t.Log(fates)
	return all
}

// judge checks what was recorded against the model. If it is not linearizable, or that cannot be
// found out in time, it draws it into a file.
func judge(t *testing.T, operations []operation, folder string) (porcupine.CheckResult, string) {
	t.Helper()
	history := make([]porcupine.Operation, len(operations))
	for i, op := range operations {
		history[i] = porcupine.Operation{ClientId: op.Client, Input: op, Call: op.Call, Return: op.Return}
	}
	const patience = time.Minute
	result := porcupine.CheckOperationsTimeout(catalogue, history, patience)
	if result == porcupine.Ok {
		return result, ""
	}
	// The file shows how far each linearization got, which is more work than the answer.
	_, info := porcupine.CheckOperationsVerbose(catalogue, history, patience)
	file := filepath.Join(folder, "linearizable-"+uuid.NewString()+".html")
	require.NoError(t, porcupine.VisualizePath(catalogue, info, file))
	return result, file
}
