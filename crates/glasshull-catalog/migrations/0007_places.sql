-- Where the index of a segment lies and the summary of its functions, as its footer says: each can be read without the footer.
-- Without: written before there was this column, or the segment has none.
ALTER TABLE segments ADD COLUMN index_place TEXT;
ALTER TABLE segments ADD COLUMN summary_place TEXT;
-- A disk that changes one of the numbers makes calls vanish from answers, or retention take them too early. CRC32C of all
-- that the row says. Without: written before there were any.
ALTER TABLE segments ADD COLUMN checksum BIGINT;
