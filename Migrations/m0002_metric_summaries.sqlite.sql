-- Schema 2, SQLite: what each trial's workloads measured, summed up by name. Both tables are derived and local: neither
-- logged nor digested.

-- One row per trial that has live COMPLETED workloads with metrics. The content is described in docs/FORMAT.md.
CREATE TABLE trial_summaries (
    trial INTEGER PRIMARY KEY REFERENCES trials (id),
    through_step INTEGER NOT NULL,
    through_kind INTEGER NOT NULL CHECK (through_kind BETWEEN 1 AND 4),
    content BLOB NOT NULL
) STRICT;

-- What is filled in for rows that were there before, beside the writers. States: 1 running, 2 paused, 3 done. Every
-- trial up to `trial` and from `first_new_trial` on is filled; `filling_trial` is, up to and with the workload named.
CREATE TABLE backfills (
    name TEXT PRIMARY KEY,
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
    trial INTEGER NOT NULL,
    first_new_trial INTEGER NOT NULL,
    filling_trial INTEGER,
    filling_step INTEGER,
    filling_kind INTEGER,
    filling_generation INTEGER,
    filling_rows INTEGER NOT NULL,
    rows_done INTEGER NOT NULL,
    rows_total INTEGER NOT NULL,
    rows_per_second INTEGER,
    rate REAL,
    worker INTEGER,
    steps INTEGER NOT NULL,
    started_time INTEGER,
    changed_time INTEGER
) STRICT, WITHOUT ROWID;

INSERT INTO backfills (name, state, trial, first_new_trial, filling_rows, rows_done, rows_total, steps)
SELECT 'metric-summaries', CASE WHEN next_trial = 1 THEN 3 ELSE 1 END, 0, next_trial, 0, 0, next_workload - 1, 0
FROM head WHERE id = 1;
