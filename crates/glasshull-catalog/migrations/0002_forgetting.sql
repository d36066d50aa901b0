-- What is needed to forget: when things were heard of last, and how far retention came.

ALTER TABLE functions ADD COLUMN seen_at_ns BIGINT NOT NULL DEFAULT 0;

CREATE INDEX functions_by_age ON functions (seen_at_ns);

CREATE INDEX sequences_by_age ON sequences (published_at_ns);

-- Times that are moved on, each with a name.
CREATE TABLE markers (
    name TEXT PRIMARY KEY,
    at_ns BIGINT NOT NULL
);
