-- A disk that changes one of these numbers makes a hub delete a journal that is not published, or take new batches for old
-- ones. SQLite has no checksums: these are CRC32C, of whose number it is and the number. Without: written before there were any.
ALTER TABLE journals ADD COLUMN checksum BIGINT;
ALTER TABLE sequences ADD COLUMN checksum BIGINT;
