-- Captured calls with values that are not whole, and what a probe's condition could not decide and took.

ALTER TABLE probes ADD COLUMN truncated_calls BIGINT NOT NULL DEFAULT 0;

ALTER TABLE probes ADD COLUMN failed_values BIGINT NOT NULL DEFAULT 0;

ALTER TABLE probes ADD COLUMN printed_values BIGINT NOT NULL DEFAULT 0;

ALTER TABLE probes ADD COLUMN undecided BIGINT NOT NULL DEFAULT 0;

ALTER TABLE probes ADD COLUMN condition_ns BIGINT NOT NULL DEFAULT 0;
