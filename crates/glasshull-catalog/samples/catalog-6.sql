BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'catalog','2026-11-21 14:04:32',1,X'9BE5DE71D9D41ED2AD22CE5D03F4E0AF3CBDA6EC63C3126BCC9B9149A1DF481E0606DF4CF06202091E9EACD581092A91',7777057);
INSERT INTO "_sqlx_migrations" VALUES(2,'forgetting','2026-11-21 14:04:32',1,X'491629D4369942F6AE1727707E28F71D66C2486518C3763869526D8531B244659EB7A286B6B91863BAC9F73795DD81CB',636440);
INSERT INTO "_sqlx_migrations" VALUES(3,'cost of probes','2026-11-21 14:04:32',1,X'3E4199B820DDA0BECB9DD519F3788449BB6B83C5E398B4AD1B86508088717D3898A422425C80A2FBAD4B6ED5DC03557C',780061);
INSERT INTO "_sqlx_migrations" VALUES(4,'merging','2026-11-21 14:33:07',1,X'EAFF3384EB5C6258741A5FD90C55B466C3C29E7AF14F4A0C70DE3419B668C3F8BC2824B1ADB7E3EC50EF54C0D406FB31',7544267);
INSERT INTO "_sqlx_migrations" VALUES(5,'values of probes','2026-11-21 17:09:12',1,X'62D2235C57924B47EEE0F66D521B473A83912C661127D37DDA7E7D98EE6CB7553303153841C288ABF8374A1A6D12D327',9912869);
INSERT INTO "_sqlx_migrations" VALUES(6,'checksums','2026-11-21 19:02:11',1,X'3AC2505971CE59189962FB1A0B7C59A22419E8B09291918A165D353ACCAD16580BD1AEF20CA9C145D238CBECCC922480',1912869);
CREATE TABLE doomed_objects (
    path TEXT PRIMARY KEY,
    -- Who deletes it.
    hub TEXT NOT NULL,
    doomed_at_ns BIGINT NOT NULL,
    -- Whether it never was a segment.
    unfinished BOOLEAN NOT NULL
);
INSERT INTO "doomed_objects" VALUES('segments/1795269000000000000/0001.parquet','hub-1',1795269872502096289,0);
CREATE TABLE functions (
    service TEXT NOT NULL,
    path TEXT NOT NULL,
    file TEXT NOT NULL,
    line BIGINT NOT NULL,
    -- A JSON array.
    arguments TEXT NOT NULL,
    is_async BOOLEAN NOT NULL, seen_at_ns BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (service, path, file, line)
);
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
CREATE TABLE journals (
    hub TEXT PRIMARY KEY,
    checkpoint BIGINT NOT NULL
, checksum BIGINT);
INSERT INTO "journals" VALUES('hub-1',7,3491628272);
CREATE TABLE markers (
    name TEXT PRIMARY KEY,
    at_ns BIGINT NOT NULL
);
CREATE TABLE numbers (
    name TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO "numbers" VALUES('probe',2);
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
, skipped_by_governor BIGINT NOT NULL DEFAULT 0, cpu_ns BIGINT NOT NULL DEFAULT 0, captured_bytes BIGINT NOT NULL DEFAULT 0, truncated_calls BIGINT NOT NULL DEFAULT 0, failed_values BIGINT NOT NULL DEFAULT 0, printed_values BIGINT NOT NULL DEFAULT 0, undecided BIGINT NOT NULL DEFAULT 0, condition_ns BIGINT NOT NULL DEFAULT 0);
INSERT INTO "probes" VALUES(1,'TRACE pricing::* ON class=blue FOR 10m','127.0.0.1',1795269872474316655,1795270472474316655,1795269872489882818,'stopped','Ended by UNTRACE.',0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO "probes" VALUES(2,'TRACE warehouse::* SAMPLE 1 IN 4 FOR 10m','127.0.0.1',1795269872502096289,1795270472502096289,NULL,NULL,NULL,40,3,0,0,5,7,9,0,0,0,0,0);
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
CREATE TABLE segments (
    path TEXT PRIMARY KEY,
    window_start_ns BIGINT NOT NULL,
    window_end_ns BIGINT NOT NULL,
    min_started_at_ns BIGINT NOT NULL,
    max_started_at_ns BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    bytes BIGINT NOT NULL
);
INSERT INTO "segments" VALUES('calls/20261121T172000Z/hub-1-00000000000000000001.parquet',1795281600000000000,1795282200000000000,1795281600000000001,1795282199000000000,12,3456);
CREATE TABLE sequences (
    instance TEXT PRIMARY KEY,
    sequence BIGINT NOT NULL,
    published_at_ns BIGINT NOT NULL
, checksum BIGINT);
INSERT INTO "sequences" VALUES('01010101010101010101010101010101',42,1795269872502096289,752330534);
CREATE INDEX instances_by_connection ON instances (connected_at_ns);
CREATE INDEX segments_by_window ON segments (window_start_ns);
CREATE INDEX functions_by_age ON functions (seen_at_ns);
CREATE INDEX sequences_by_age ON sequences (published_at_ns);
CREATE INDEX doomed_objects_by_hub ON doomed_objects (hub);
COMMIT;
