package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"sync"
	"time"
)

// What one measurement found.
type figures struct {
	Work        string   `json:"work"`
	Clients     int      `json:"clients"`
	Operations  int      `json:"operations"`
	Seconds     float64  `json:"seconds,omitempty"`
	PerSecond   float64  `json:"per_second,omitempty"`
	P50         *float64 `json:"p50_us,omitempty"`
	P99         *float64 `json:"p99_us,omitempty"`
	BytesPerRow float64  `json:"bytes_per_row,omitempty"`
	Failed      int      `json:"failed"`
}

func (f figures) print() {
	line, err := json.Marshal(f)
	check(err)
	fmt.Println(string(line))
}

// Of the durations, which are sorted here.
func (f figures) withTimes(times []time.Duration) figures {
	if len(times) == 0 {
		return f
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	f.P50 = microseconds(times[len(times)/2])
	f.P99 = microseconds(times[len(times)*99/100])
	return f
}

func microseconds(duration time.Duration) *float64 {
	found := float64(duration.Nanoseconds()/10) / 100
	return &found
}

// Runs the work on some goroutines until the time is over; a fifth of the time, before, is not counted.
func measure(work string, clients int, seconds float64, call func(client, number int) error) {
	var lock sync.Mutex
	var together sync.WaitGroup
	var all []time.Duration
	failed := 0
	began := time.Now().Add(time.Duration(seconds / 5 * float64(time.Second)))
	end := began.Add(time.Duration(seconds * float64(time.Second)))
	for client := 0; client < clients; client++ {
		together.Add(1)
		go func(client int) {
			defer together.Done()
			var times []time.Duration
			failures := 0
			for number := 0; ; number++ {
				before := time.Now()
				if !before.Before(end) {
					break
				}
				err := call(client, number)
				if before.Before(began) {
					continue
				}
				if err != nil {
					failures++
				} else {
					times = append(times, time.Since(before))
				}
			}
			lock.Lock()
			defer lock.Unlock()
			all = append(all, times...)
			failed += failures
		}(client)
	}
	together.Wait()
	took := time.Since(began).Seconds()
	figures{
		Work: work, Clients: clients, Operations: len(all), Seconds: took, PerSecond: float64(len(all)) / took,
		Failed: failed,
	}.withTimes(all).print()
}
