-- Schema 2, PostgreSQL: what each trial's workloads measured, summed up by name. Both tables are derived and local:
-- neither logged nor digested.

-- One row per trial that has live COMPLETED workloads with metrics. The content is described in docs/FORMAT.md.
CREATE TABLE trial_summaries (
    trial bigint CONSTRAINT trial_summaries_pkey PRIMARY KEY
        CONSTRAINT trial_summaries_trial_fkey REFERENCES trials (id),
    through_step bigint NOT NULL,
    through_kind bigint NOT NULL
        CONSTRAINT trial_summaries_through_kind_check CHECK (through_kind BETWEEN 1 AND 4),
    content bytea NOT NULL
) WITH (fillfactor = 50);

-- What is filled in for rows that were there before, beside the writers. States: 1 running, 2 paused, 3 done. Every
-- trial up to `trial` and from `first_new_trial` on is filled; `filling_trial` is, up to and with the workload named.
CREATE TABLE backfills (
    name text COLLATE "C" CONSTRAINT backfills_pkey PRIMARY KEY,
    state bigint NOT NULL CONSTRAINT backfills_state_check CHECK (state BETWEEN 1 AND 3),
    trial bigint NOT NULL,
    first_new_trial bigint NOT NULL,
    filling_trial bigint,
    filling_step bigint,
    filling_kind bigint,
    filling_generation bigint,
    filling_rows bigint NOT NULL,
    rows_done bigint NOT NULL,
    rows_total bigint NOT NULL,
    rows_per_second bigint,
    rate double precision,
    worker bigint,
    steps bigint NOT NULL,
    started_time timestamptz,
    changed_time timestamptz
) WITH (fillfactor = 50);

INSERT INTO backfills (name, state, trial, first_new_trial, filling_rows, rows_done, rows_total, steps)
SELECT 'metric-summaries', CASE WHEN next_trial = 1 THEN 3 ELSE 1 END, 0, next_trial, 0, 0, next_workload - 1, 0
FROM head WHERE id = 1;
