package main

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/etcd/clientv3"
)

// F: from the begin of a commit, and from its answer, to a watcher's hands. A watcher that has it before the writer
// has its answer counts as none.
func (b *bench) watch(parent context.Context) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	seen := make(chan time.Time, 1)
	answers := b.client.Watch(ctx, "watched/", clientv3.WithPrefix(), clientv3.WithCreatedNotify())
	<-answers
	go func() {
		for answer := range answers {
			now := time.Now()
			for range answer.Events {
				seen <- now
			}
		}
	}()
	var fromBegin, afterCommit []time.Duration
	for began := time.Now(); time.Since(began).Seconds() < b.seconds || len(fromBegin) == 0; {
		begin := time.Now()
		if _, err := b.client.Put(ctx, fmt.Sprintf("watched/%d", len(fromBegin)), value); err != nil {
			return err
		}
		answered := time.Now()
		arrived := <-seen
		fromBegin = append(fromBegin, arrived.Sub(begin))
		late := arrived.Sub(answered)
		if late < 0 {
			late = 0
		}
		afterCommit = append(afterCommit, late)
	}
	figures{Work: "etcd.watch.begin", Clients: 1, Operations: len(fromBegin)}.withTimes(fromBegin).print()
	figures{Work: "etcd.watch.commit", Clients: 1, Operations: len(afterCommit)}.withTimes(afterCommit).print()
	return nil
}

// F: watching from an old revision, changes as bytes: of the largest transactions, and of one change each, of which the
// server hands a lagging watcher a thousand every 100 ms.
func (b *bench) catchUp(ctx context.Context) error {
	if err := b.watchAgain(ctx, "etcd.catch-up", b.load, most); err != nil {
		return err
	}
	return b.watchAgain(ctx, "etcd.catch-up.single", (b.load+9)/10, 1)
}

func (b *bench) watchAgain(parent context.Context, work string, changes, each int) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	prefix := work + "/"
	before, err := b.client.Get(ctx, prefix)
	if err != nil {
		return err
	}
	if err := b.fill(ctx, prefix, changes, each, 64); err != nil {
		return err
	}
	began := time.Now()
	count := 0
	for answer := range b.client.Watch(ctx, prefix, clientv3.WithPrefix(), clientv3.WithRev(before.Header.Revision+1)) {
		if answer.Err() != nil {
			return answer.Err()
		}
		if count += len(answer.Events); count >= changes {
			break
		}
	}
	took := time.Since(began).Seconds()
	figures{
		Work: work, Clients: 1, Operations: count, Seconds: took, PerSecond: float64(count) / took,
	}.print()
	return nil
}
