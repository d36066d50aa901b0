"""ClickHouse and DuckDB for `bench store`: told by lines of JSON on standard input, answering each with one on standard output.

    rivals.py rows FILE           the rows on standard input (tabs, no header), as Parquet
    rivals.py clickhouse FOLDER   then lines {"load": FILE} and {"ask": SQL, "times": N}
    rivals.py duckdb FOLDER
"""

import json
import os
import resource
import sys
import time

# As the rows come: name, and type in DuckDB.
COLUMNS = {
    "trace_id": "UUID",
    "call_id": "UBIGINT",
    "parent_id": "UBIGINT",
    "service": "VARCHAR",
    "instance": "VARCHAR",
    "class": "VARCHAR",
    "release": "VARCHAR",
    "function": "VARCHAR",
    "file": "VARCHAR",
    "line": "UINTEGER",
    "thread": "VARCHAR",
    "started_at": "BIGINT",
    "duration_ns": "BIGINT",
    "busy_ns": "BIGINT",
    "outcome": "VARCHAR",
    "args": "VARCHAR",
    "returned": "VARCHAR",
    "error": "VARCHAR",
    "depth": "UINTEGER",
    "position": "UINTEGER",
}

# Merging is over when nothing has changed for so long, in seconds; and is given up for so long.
QUIET = 5
MERGED_WITHIN = 1800


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_bytes():
    """Not getrusage's, which begins with what the parent had."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


class ClickHouse:
    """MergeTree in time order, as traces are mostly kept, with Bloom filters for what that order does not find."""

    TABLE = """
        CREATE TABLE calls (
            trace_id UUID CODEC(ZSTD(1)),
            call_id UInt64 CODEC(Delta, ZSTD(1)),
            parent_id UInt64 CODEC(Delta, ZSTD(1)),
            service LowCardinality(String) CODEC(ZSTD(1)),
            instance LowCardinality(String) CODEC(ZSTD(1)),
            class LowCardinality(String) CODEC(ZSTD(1)),
            release LowCardinality(String) CODEC(ZSTD(1)),
            function LowCardinality(String) CODEC(ZSTD(1)),
            file LowCardinality(String) CODEC(ZSTD(1)),
            line UInt32 CODEC(ZSTD(1)),
            thread LowCardinality(String) CODEC(ZSTD(1)),
            started_at Int64 CODEC(Delta, ZSTD(1)),
            duration_ns Int64 CODEC(ZSTD(1)),
            busy_ns Int64 CODEC(ZSTD(1)),
            outcome LowCardinality(String) CODEC(ZSTD(1)),
            args String CODEC(ZSTD(1)),
            returned String CODEC(ZSTD(1)),
            error String CODEC(ZSTD(1)),
            depth UInt32 CODEC(ZSTD(1)),
            position UInt32 CODEC(ZSTD(1)),
            INDEX traces trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
            INDEX tokens args TYPE tokenbf_v1(65536, 3, 0) GRANULARITY 1
        ) ENGINE = MergeTree ORDER BY (started_at, trace_id)
        SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
                 min_compressed_bytes_to_fsync_after_merge = 1
    """

    def __init__(self, folder):
        from chdb import session

        self.session = session.Session(folder)
        self.session.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
        self.session.query("USE bench")
        self.session.query("SET output_format_json_quote_64bit_integers = 0")

    def load(self, file):
        self.session.query(self.TABLE)
        columns = ", ".join(f"ifNull({name}, '')" if kind == "VARCHAR" else f"assumeNotNull({name})"
                            for name, kind in COLUMNS.items())
        self.session.query(f"INSERT INTO calls SELECT {columns} FROM file('{file}', Parquet)")

    def settle(self):
        """Until its own merges have come to rest."""
        before, since = None, time.monotonic()
        end = since + MERGED_WITHIN
        while time.monotonic() < min(end, since + QUIET):
            parts = self.rows("SELECT name FROM system.parts WHERE active AND table = 'calls' ORDER BY name")
            merges = self.rows("SELECT count(*) FROM system.merges")
            if parts != before or merges != [[0]]:
                before, since = parts, time.monotonic()
            time.sleep(0.25)
        return len(before)

    def bytes(self):
        """Without parts that were merged into others and are deleted some minutes later."""
        return self.rows("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'calls'")[0][0]

    def ask(self, sql):
        return self.session.query(sql, "JSONCompact").bytes()

    def answer(self, got):
        answer = json.loads(got)
        return [column["name"] for column in answer["meta"]], answer["data"]

    def rows(self, sql):
        return self.answer(self.ask(sql))[1]


class DuckDB:
    def __init__(self, folder):
        import duckdb

        self.database = duckdb.connect(os.path.join(folder, "calls.duckdb"))

    def load(self, file):
        self.database.execute(f"CREATE TABLE calls AS SELECT * FROM read_parquet('{file}')")
        self.database.execute("CHECKPOINT")

    def settle(self):
        return 1

    def bytes(self):
        """Without blocks that are free."""
        return self.database.execute("SELECT used_blocks * block_size FROM pragma_database_size()").fetchone()[0]

    def ask(self, sql):
        result = self.database.execute(sql)
        return [column[0] for column in result.description], result.fetchall()

    def answer(self, got):
        return got


def write_rows(file):
    import duckdb

    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    duckdb.connect().execute(
        f"COPY (SELECT * FROM read_csv('/dev/stdin', header = false, delim = '\t', quote = '', escape = '',"
        f" nullstr = '', auto_detect = false, columns = {{{columns}}}))"
        f" TO '{file}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 131072)"
    )


def load(rival, file):
    cpu, began = cpu_seconds(), time.monotonic()
    rival.load(file)
    loaded, seconds = cpu_seconds() - cpu, time.monotonic() - began
    parts = rival.settle()
    return {"loaded_cpu_s": loaded, "cpu_s": cpu_seconds() - cpu, "seconds": seconds, "bytes": rival.bytes(),
            "parts": parts, "peak_bytes": peak_bytes()}


def ask(rival, sql, times):
    milliseconds, got = [], None
    for _ in range(times):
        began = time.perf_counter()
        got = rival.ask(sql)
        milliseconds.append((time.perf_counter() - began) * 1e3)
    columns, rows = rival.answer(got)
    return {"milliseconds": milliseconds, "columns": columns, "rows": rows}


def serve(rival):
    for line in sys.stdin:
        order = json.loads(line)
        try:
            done = load(rival, order["load"]) if "load" in order else ask(rival, order["ask"], order["times"])
        except Exception as error:
            done = {"failed": f"{error}"}
        print(json.dumps(done, default=str), flush=True)


def main():
    what, where = sys.argv[1:]
    if what == "rows":
        write_rows(where)
    else:
        serve({"clickhouse": ClickHouse, "duckdb": DuckDB}[what](where))


main()
