-- What capturing for a probe cost, and what was left out to keep it within its budget.

ALTER TABLE probes ADD COLUMN skipped_by_governor BIGINT NOT NULL DEFAULT 0;

ALTER TABLE probes ADD COLUMN cpu_ns BIGINT NOT NULL DEFAULT 0;

ALTER TABLE probes ADD COLUMN captured_bytes BIGINT NOT NULL DEFAULT 0;
