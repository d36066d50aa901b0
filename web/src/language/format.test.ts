import { describe, expect, it } from "vitest";
import { format } from "./format";

const bare = (text: string) => text.replace(/\s+/g, "").toLowerCase();

describe("a formatted statement", () => {
  it("has a line for each clause, and words in capitals", () => {
    expect(
      format(
        "select args->>'sku' as sku, count(*)  from calls where a = 1 and b between 1 and 2 or c group by sku order by 2 desc limit 5",
      ),
    ).toBe(
      "SELECT args->>'sku' AS sku, count(*)\nFROM calls\nWHERE a = 1\n  AND b BETWEEN 1 AND 2\n  OR c\nGROUP BY sku\nORDER BY 2 DESC\nLIMIT 5",
    );
  });

  it("keeps statements of our own in one line, and paths as they are", () => {
    expect(format("trace   pricing::on::*  on class=all where args.for = 1 and returned = 0 for 60s")).toBe(
      "TRACE pricing::on::* ON class=all WHERE args.for = 1 AND returned = 0 FOR 60s",
    );
  });

  it("leaves what is quoted, commented or nested alone, and is the same when done again", () => {
    const statements = [
      "SELECT 'from  where' -- and  so on\n, \"group by\" FROM calls /* where  x */ WHERE x",
      "WITH a AS (SELECT 1 FROM calls WHERE x AND y) SELECT * FROM a LEFT JOIN b ON a.id = b.id",
      "SELECT 'not closed FROM calls",
      "FIND 'order by' since 1h",
      "",
    ];
    for (const statement of statements) {
      const once = format(statement);
      expect(bare(once)).toBe(bare(statement));
      expect(format(once)).toBe(once);
    }
    expect(format(statements[0] ?? "")).toContain("'from  where' -- and  so on\n");
  });
});
