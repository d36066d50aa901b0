-- Plain SQL, as SQLite and PostgreSQL both understand it. Times are nanoseconds since 1970-01-01 UTC.

CREATE TABLE instances (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    instance TEXT NOT NULL,
    class TEXT NOT NULL,
    release TEXT NOT NULL,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    sdk TEXT NOT NULL,
    -- A JSON object.
    tags TEXT NOT NULL,
    started_at_ns BIGINT NOT NULL,
    connected_at_ns BIGINT NOT NULL,
    left_at_ns BIGINT
);

CREATE INDEX instances_by_connection ON instances (connected_at_ns);

CREATE TABLE functions (
    service TEXT NOT NULL,
    path TEXT NOT NULL,
    file TEXT NOT NULL,
    line BIGINT NOT NULL,
    -- A JSON array.
    arguments TEXT NOT NULL,
    is_async BOOLEAN NOT NULL,
    PRIMARY KEY (service, path, file, line)
);

-- Numbers that are given out once.
CREATE TABLE numbers (
    name TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);

INSERT INTO numbers (name, last) VALUES ('probe', 0);

CREATE TABLE probes (
    number BIGINT PRIMARY KEY,
    statement TEXT NOT NULL,
    owner TEXT NOT NULL,
    created_at_ns BIGINT NOT NULL,
    expires_at_ns BIGINT NOT NULL,
    ended_at_ns BIGINT,
    end_state TEXT,
    end_reason TEXT,
    captured BIGINT NOT NULL,
    skipped_by_sample BIGINT NOT NULL,
    skipped_by_rate BIGINT NOT NULL,
    skipped_by_condition BIGINT NOT NULL
);

CREATE TABLE segments (
    path TEXT PRIMARY KEY,
    window_start_ns BIGINT NOT NULL,
    window_end_ns BIGINT NOT NULL,
    min_started_at_ns BIGINT NOT NULL,
    max_started_at_ns BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    bytes BIGINT NOT NULL
);

CREATE INDEX segments_by_window ON segments (window_start_ns);

-- The first journal file of each hub that is not published.
CREATE TABLE journals (
    hub TEXT PRIMARY KEY,
    checkpoint BIGINT NOT NULL
);

-- The highest sequence published of each instance.
CREATE TABLE sequences (
    instance TEXT PRIMARY KEY,
    sequence BIGINT NOT NULL,
    published_at_ns BIGINT NOT NULL
);

CREATE TABLE running_calls (
    hub TEXT NOT NULL,
    instance TEXT NOT NULL,
    -- The id's 64 bits, read as a signed number.
    call_id BIGINT NOT NULL,
    started_at_ns BIGINT NOT NULL,
    -- Lower-case hexadecimal: the one spelling of bytes both databases share.
    call TEXT NOT NULL,
    PRIMARY KEY (hub, instance, call_id)
);
