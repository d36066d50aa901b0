import { describe, expect, it } from "vitest";
import { columnsOfRows } from "../api/columns";
import { copied, curl } from "./copy";

const ROWS = columnsOfRows({
  columns: [
    { name: "function", type: "text" },
    { name: "duration_ns", type: "duration" },
    { name: "args", type: "json" },
    { name: "started_at", type: "time" },
  ],
  rows: [
    ['a "quoted", b', 5, '{"big":9223372036854775807}', "2026-11-20T10:00:00.123456789Z"],
    ["=cmd|calc", null, null, null],
    ["line\nbreak | pipe", -5, "[1]", "2026-11-20T10:00:00Z"],
  ],
  elapsed_ms: 0,
});
const as = (format: "CSV" | "JSON" | "Markdown") => copied(format, ROWS.columns, Uint32Array.of(0, 1, 2));

describe("rows are copied", () => {
  it("as CSV that no spreadsheet computes", () =>
    expect(as("CSV").split("\r\n")).toEqual([
      "function,duration_ns,args,started_at",
      '"a ""quoted"", b",5,"{""big"":9223372036854775807}",2026-11-20T10:00:00.123456789Z',
      "'=cmd|calc,,,",
      '"line\nbreak | pipe",-5,[1],2026-11-20T10:00:00.000000000Z',
      "",
    ]));

  it("as JSON with whole values and whole numbers", () => {
    expect(as("JSON")).toContain('"args":{"big":9223372036854775807}');
    expect(JSON.parse(as("JSON"))).toHaveLength(3);
  });

  it("as Markdown of one line a row", () => {
    const lines = as("Markdown").trimEnd().split("\n");
    expect(lines).toHaveLength(5);
    expect(lines[4]).toContain("line break \\| pipe");
  });

  it("as a command line, whatever the statement", () => {
    expect(curl("http://h", "SELECT 'it''s'", true)).toContain(
      `'{"statement":"SELECT '\\''it'\\'''\\''s'\\''"}'`,
    );
    expect(curl("http://h", "SELECT 1", false)).not.toContain("authorization");
  });
});
