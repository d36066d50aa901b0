-- Objects in the store that no segment names and that are to be deleted: what was merged into others, and what was about
-- to be written when its hub died.

CREATE TABLE doomed_objects (
    path TEXT PRIMARY KEY,
    -- Who deletes it.
    hub TEXT NOT NULL,
    doomed_at_ns BIGINT NOT NULL,
    -- Whether it never was a segment.
    unfinished BOOLEAN NOT NULL
);

CREATE INDEX doomed_objects_by_hub ON doomed_objects (hub);
