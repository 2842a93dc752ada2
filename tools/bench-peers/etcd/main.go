// The rows of tools/bench-peers on etcd, through its official Go client: one JSON object a line.
//
// One process, one connection, requests as its documentation shows them. A record is a key with a JSON value. The
// server flushes every commit (its default).
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"go.etcd.io/etcd/clientv3"
	"go.uber.org/zap"
)

type bench struct {
	client  *clientv3.Client
	seconds float64
	load    int
	folder  string
}

var rows = []struct {
	name string
	run  func(*bench, context.Context) error
}{
	{"commits", (*bench).commits},
	{"transitions", (*bench).transitions},
	{"reads", (*bench).reads},
	{"lists", (*bench).lists},
	{"load", (*bench).bulkLoad},
	{"watch", (*bench).watch},
	{"catch-up", (*bench).catchUp},
	{"answer", (*bench).answer},
}

func main() {
	endpoint := flag.String("endpoint", "127.0.0.1:2379", "where the server listens")
	seconds := flag.Float64("seconds", 5, "how long each measurement runs")
	load := flag.Int("load", 100_000, "how many records the bulk load and the catch-up take")
	folder := flag.String("data", "", "the server's data folder, whose size the bulk load tells")
	chosen := flag.String("rows", "commits,transitions,reads,lists,load,watch,catch-up", "which rows, in this order")
	flag.Parse()
	client, err := connect(*endpoint)
	check(err)
	defer client.Close()
	b := &bench{client, *seconds, *load, *folder}
	for _, name := range strings.Split(*chosen, ",") {
		check(b.row(name))
	}
}

// Waits a minute, at most, until somebody listens there.
func connect(endpoint string) (*clientv3.Client, error) {
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		probe, err := net.Dial("tcp", endpoint)
		if err == nil {
			probe.Close()
			break
		}
		if time.Since(began) > time.Minute {
			return nil, err
		}
	}
	log := zap.NewProductionConfig()
	log.Level = zap.NewAtomicLevelAt(zap.ErrorLevel)
	return clientv3.New(clientv3.Config{
		Endpoints: []string{endpoint}, DialTimeout: time.Minute, MaxCallRecvMsgSize: 256 << 20, LogConfig: &log})
}

func (b *bench) row(name string) error {
	for _, row := range rows {
		if row.name == name {
			return row.run(b, context.Background())
		}
	}
	return fmt.Errorf("there is no row %s", name)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
