package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/clientv3"
)

// The server takes at most 128 operations in a transaction.
const most = 128

var (
	value   = strings.Repeat("x", 250)
	metrics = `{"accuracy":0.987654321,"epoch":12,"gpu_utilization":0.97,"gradient_norm":1.2345678,` +
		`"learning_rate":0.0001234,"memory_bytes":17179869184,"perplexity":3.14159,"samples_per_second":12345.678,` +
		`"training_loss":0.123,"validation_loss":0.1353}`
	hparams = `{"activation":"gelu","batch_size":256,"beta1":0.9,"beta2":0.999,"dropout":0.1,"epsilon":1e-8,` +
		`"gradient_clipping":1,"hidden":768,"layers":12,"learning_rate":0.001,"optimizer":"adamw",` +
		`"precision":"bf16","schedule":"cosine","sequence_length":1024,"vocabulary":50257,"warmup_steps":1000,` +
		`"weight_decay":0.01}`
)

// A and B: one new entry of 250 bytes, its revision is its log. The 64 callers share one connection, as the tasks of
// one program do; then each has its own.
func (b *bench) commits(ctx context.Context) error {
	shared := []*clientv3.Client{b.client}
	own := make([]*clientv3.Client, 64)
	for i := range own {
		client, err := connect(b.client.Endpoints()[0])
		if err != nil {
			return err
		}
		defer client.Close()
		own[i] = client
	}
	b.put(ctx, "etcd.put", 1, shared)
	b.put(ctx, "etcd.put", 64, shared)
	b.put(ctx, "etcd.put.own-connections", 64, own)
	return nil
}

func (b *bench) put(ctx context.Context, work string, callers int, connections []*clientv3.Client) {
	measure(work, callers, b.seconds, func(caller, number int) error {
		key := fmt.Sprintf("%s/%d/%d/%d", work, callers, caller, number)
		_, err := connections[caller%len(connections)].Put(ctx, key, value)
		return err
	})
}

// C: a trial's next state, if nobody changed the trial since.
func (b *bench) transitions(ctx context.Context) error {
	put, err := b.client.Put(ctx, "trials/1", trial(0))
	if err != nil {
		return err
	}
	revision := put.Header.Revision
	measure("etcd.transition", 1, b.seconds, func(_, number int) error {
		answer, err := b.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision("trials/1"), "=", revision)).
			Then(clientv3.OpPut("trials/1", trial(number+1))).
			Commit()
		if err != nil {
			return err
		}
		if !answer.Succeeded {
			return errors.New("somebody else changed the trial")
		}
		revision = answer.Header.Revision
		return nil
	})
	return nil
}

func trial(number int) string {
	return fmt.Sprintf(`{"experiment":1,"state":"%s","hparams":%s}`, []string{"ACTIVE", "PAUSED"}[number%2], hparams)
}

// E: workloads with metrics of 250 bytes, in the largest transactions the server takes, from eight callers.
func (b *bench) bulkLoad(ctx context.Context) error {
	before := sizeOf(b.folder)
	began := time.Now()
	if err := b.fill(ctx, "loaded/", b.load, most, 8); err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	if _, err := b.client.Get(ctx, "loaded/"); err != nil {
		return err
	}
	figures{
		Work: "etcd.load", Clients: 8, Operations: b.load, Seconds: took, PerSecond: float64(b.load) / took,
		BytesPerRow: float64(sizeOf(b.folder)-before) / float64(b.load),
	}.print()
	return nil
}

// Writes that many workloads, some a transaction, from some callers at once.
func (b *bench) fill(ctx context.Context, prefix string, count, each, callers int) error {
	starts := make(chan int)
	failures := make(chan error, callers)
	var together sync.WaitGroup
	for caller := 0; caller < callers; caller++ {
		together.Add(1)
		go func() {
			defer together.Done()
			for start := range starts {
				var puts []clientv3.Op
				for number := start; number < start+each && number < count; number++ {
					puts = append(puts, clientv3.OpPut(fmt.Sprintf("%s%09d", prefix, number), metrics))
				}
				if _, err := b.client.Txn(ctx).Then(puts...).Commit(); err != nil {
					failures <- err
					for range starts {
					}
					return
				}
			}
		}()
	}
	for start := 0; start < count; start += each {
		starts <- start
	}
	close(starts)
	together.Wait()
	close(failures)
	return <-failures
}

// Of the database only, in bytes: the write-ahead log is of a fixed size and is cut by itself.
func sizeOf(folder string) int64 {
	about, err := os.Stat(filepath.Join(folder, "member", "snap", "db"))
	if err != nil {
		return 0
	}
	return about.Size()
}
