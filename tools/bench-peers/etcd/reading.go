package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/clientv3"
)

const (
	trials      = 10_000
	experiments = 200
	page        = 50
	workloads   = 1_000
)

// D: one trial by its key, its JSON decoded; linearizable (the default), then serializable (perhaps stale).
func (b *bench) reads(ctx context.Context) error {
	for start := 0; start < trials; start += most {
		var puts []clientv3.Op
		for number := start; number < start+most && number < trials; number++ {
			puts = append(puts, clientv3.OpPut(fmt.Sprintf("read/%d", number), trial(0)))
		}
		if _, err := b.client.Txn(ctx).Then(puts...).Commit(); err != nil {
			return err
		}
	}
	kinds := []struct {
		work    string
		options []clientv3.OpOption
	}{{"etcd.read", nil}, {"etcd.read.serializable", []clientv3.OpOption{clientv3.WithSerializable()}}}
	for _, kind := range kinds {
		measure(kind.work, 1, b.seconds, func(_, number int) error {
			answer, err := b.client.Get(ctx, fmt.Sprintf("read/%d", number*7_919%trials), kind.options...)
			if err != nil {
				return err
			}
			var decoded struct {
				Experiment int
				State      string
				Hparams    json.RawMessage
			}
			return json.Unmarshal(answer.Kvs[0].Value, &decoded)
		})
	}
	return nil
}

// D: a page of experiments with configs of 2 KB, as bytes; and the workloads of a trial with their metrics parsed.
func (b *bench) lists(ctx context.Context) error {
	config := `{"searcher":"` + strings.Repeat("c", 2_030) + `"}`
	for number := 0; number < experiments; number++ {
		if _, err := b.client.Put(ctx, fmt.Sprintf("experiments/%09d", number), config); err != nil {
			return err
		}
	}
	if err := b.fill(ctx, "trials/1/workloads/", workloads, most, 1); err != nil {
		return err
	}
	end := clientv3.WithRange(clientv3.GetPrefixRangeEnd("experiments/"))
	measure("etcd.page", 1, b.seconds, func(_, number int) error {
		first := fmt.Sprintf("experiments/%09d", number*page%experiments)
		answer, err := b.client.Get(ctx, first, end, clientv3.WithLimit(page))
		return complete(answer, err, page)
	})
	measure("etcd.workloads", 1, b.seconds, func(_, _ int) error {
		answer, err := b.client.Get(ctx, "trials/1/workloads/", clientv3.WithPrefix())
		if err := complete(answer, err, workloads); err != nil {
			return err
		}
		for _, entry := range answer.Kvs {
			var parsed map[string]float64
			if err := json.Unmarshal(entry.Value, &parsed); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

func complete(answer *clientv3.GetResponse, err error, wanted int) error {
	if err == nil && len(answer.Kvs) != wanted {
		err = fmt.Errorf("%d entries instead of %d", len(answer.Kvs), wanted)
	}
	return err
}

// G: says when a server that is being started first answered, a read that a majority confirms, in nanoseconds since
// 1970. main connects once somebody listens: the client's own wait between two tries is a second.
func (b *bench) answer(ctx context.Context) error {
	if _, err := b.client.Get(ctx, "trials/1"); err != nil {
		return err
	}
	fmt.Println(time.Now().UnixNano())
	return nil
}
