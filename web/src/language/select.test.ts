import { describe, expect, it } from "vitest";
import {
  asSelect,
  conditionsOf,
  conjuncts,
  counting,
  differs,
  equals,
  expressionOf,
  grouped,
  isoTime,
  items,
  jsonPath,
  limitOf,
  pageOf,
  parseSelect,
  type Select,
  sourceOf,
  withColumn,
  withCondition,
  withConditionOn,
  withOrder,
  withoutCondition,
} from "./select";

const CALLS = "SELECT function, args->>'sku' AS sku, call_id\nFROM calls ORDER BY started_at DESC LIMIT 500";
const one = (text: string | null) => text?.replace(/\s+/g, " ");

describe("a statement is taken apart", () => {
  it("where its words stand, not where strings, comments and sub-selects have them", () => {
    const text =
      "SELECT 'FROM' AS a, (SELECT b FROM c WHERE d LIMIT 1) /* WHERE */ AS e -- LIMIT\nFROM calls WHERE x = ' ORDER ' LIMIT 3";
    const select = parseSelect(text) as Select;
    expect(items(select).map((item) => item.alias)).toEqual(["a", "e"]);
    expect(sourceOf(text)?.where).toBe("x = ' ORDER '");
  });

  it("and is not plain where rows are not those of the table", () => {
    const plain = (text: string) => parseSelect(text)?.plain;
    expect(plain("SELECT a FROM calls")).toBe(true);
    expect(plain("SELECT 'count(' FROM calls")).toBe(true);
    for (const text of [
      "SELECT DISTINCT a FROM calls",
      "SELECT a, count(*) FROM calls GROUP BY a",
      "SELECT count(*) FROM calls",
      "WITH x AS (SELECT 1) SELECT * FROM x",
      "SELECT a FROM calls UNION ALL SELECT b FROM calls",
      "SELECT 1",
    ])
      expect(plain(text), text).toBe(false);
    expect(parseSelect("TRACE a::* FOR 5s")).toBeNull();
  });

  it("into the expressions behind its columns", () => {
    const select = parseSelect("SELECT args->>'a' AS first, args ->> 'b', duration_ns FROM calls") as Select;
    expect(expressionOf(select, "first")).toBe("args->>'a'");
    expect(expressionOf(select, "args ->> 'b'")).toBe("args ->> 'b'");
    expect(expressionOf(select, "duration_ns")).toBe("duration_ns");
    expect(expressionOf(select, "gone")).toBeNull();
    expect(expressionOf(parseSelect("SELECT * FROM calls") as Select, "release")).toBe('"release"');
  });
});

describe("a condition", () => {
  it("is added before what orders and cuts", () => {
    expect(one(withCondition(CALLS, "outcome = 'error'"))).toBe(
      "SELECT function, args->>'sku' AS sku, call_id FROM calls WHERE outcome = 'error' ORDER BY started_at DESC LIMIT 500",
    );
  });

  it("joins those there are, which keep their meaning, and is not added twice", () => {
    const text = "SELECT a FROM calls WHERE b = 1 OR c = 2 LIMIT 5";
    const added = withCondition(text, "d = 3 OR e = 4") as string;
    expect(one(added)).toBe("SELECT a FROM calls WHERE (b = 1 OR c = 2) AND (d = 3 OR e = 4) LIMIT 5");
    expect(withCondition(added, "d = 3 OR e = 4")).toBe(added);
    expect(conditionsOf(added)).toEqual(["(b = 1 OR c = 2)", "(d = 3 OR e = 4)"]);
    expect(one(withoutCondition(added, "(d = 3 OR e = 4)"))).toBe(
      "SELECT a FROM calls WHERE (b = 1 OR c = 2) LIMIT 5",
    );
    expect(one(withoutCondition("SELECT a FROM b WHERE c LIMIT 1", "c"))).toBe("SELECT a FROM b LIMIT 1");
  });

  it("of groups stands around them", () => {
    expect(one(withCondition("SELECT a, count(*) AS n FROM calls GROUP BY a", "n > 5"))).toBe(
      "SELECT * FROM ( SELECT a, count(*) AS n FROM calls GROUP BY a ) WHERE n > 5",
    );
  });

  it("is no part of BETWEEN", () =>
    expect(conjuncts("a BETWEEN 1 AND 2 AND (b AND c) AND d = ' AND '")).toEqual([
      "a BETWEEN 1 AND 2",
      "(b AND c)",
      "d = ' AND '",
    ]));

  it("can be added to SHOW and FIND", () => {
    expect(one(withCondition("SHOW PROBES;", "state = 'active'"))).toBe(
      "SELECT * FROM probes WHERE state = 'active'",
    );
    const found = withCondition("FIND 'it''s' SINCE 5m", "service = 'a'") as string;
    expect(found).toContain("mentions(args, 'it''s')");
    expect(found).toContain("INTERVAL '5 minutes'");
    expect(found).toContain("AND service = 'a'");
    expect(asSelect("TRACE a FOR 5s")).toBeNull();
  });

  it("compares any value, hostile ones too", () => {
    expect(equals("a", "it's")).toBe("a = 'it''s'");
    expect(equals("a", null)).toBe("a IS NULL");
    expect(differs("a", 5)).toBe("a IS DISTINCT FROM 5");
    expect(equals("t", 1_795_168_800_123_456_789n, "time")).toBe(
      "t = TIMESTAMP '2026-11-20T10:00:00.123456789Z'",
    );
    expect(isoTime(-1n)).toBe("1969-12-31T23:59:59.999999999Z");
    expect(jsonPath("args", ["order", 0, "it's"], "text")).toBe("args->'order'->0->>'it''s'");
  });
});

describe("a condition about a column", () => {
  const only = (text: string, column: string, value: string | number) =>
    one(withConditionOn(text, column, (expression) => equals(expression, value)));

  it("names the expression behind it", () => {
    expect(only(CALLS, "sku", "A")).toContain("WHERE args->>'sku' = 'A' ORDER BY");
    expect(only("SELECT args -> 'n' AS n FROM calls", "n", 5)).toContain("WHERE args->>'n' = '5'");
  });

  it("stands outside where that cannot be told", () =>
    expect(only("SELECT service, count(*) FROM calls GROUP BY 1", "service", "a")).toMatch(
      /^SELECT \* FROM \( SELECT service.* \) WHERE service = 'a'$/,
    ));
});

describe("other clicks", () => {
  it("says how many rows it wants at most", () => {
    expect(limitOf(CALLS)).toBe(500);
    expect(limitOf("SELECT a FROM b")).toBeNull();
    expect(limitOf("TREE 1")).toBeNull();
  });

  it("order by a column", () => {
    expect(one(withOrder(CALLS, "sku", true))).toMatch(/FROM calls ORDER BY sku DESC NULLS LAST LIMIT 500$/);
    expect(one(withOrder("SELECT a FROM b LIMIT 3", "a", false))).toBe(
      "SELECT a FROM b ORDER BY a NULLS LAST LIMIT 3",
    );
    expect(one(withOrder("SELECT a FROM b", "Odd Name", false))).toMatch(/ORDER BY "Odd Name" NULLS LAST$/);
  });

  it("add a column before the ids, once", () => {
    const added = withColumn(CALLS, "args->>'n'", "n") as string;
    expect(one(added)).toMatch(/^SELECT function, args->>'sku' AS sku, args->>'n' AS n, call_id FROM calls/);
    expect(withColumn(added, "args->>'n'", "n")).toBe(added);
  });

  it("group by a column, over all rows and not only those shown", () => {
    expect(one(grouped(CALLS, "sku"))).toMatch(
      /^SELECT args->>'sku' AS sku, count\(\*\) AS calls, .*p99_ns.* FROM calls GROUP BY 1 ORDER BY calls DESC LIMIT 1000$/,
    );
    expect(one(grouped("SHOW PROBES", "state"))).toBe(
      "SELECT state, count(*) AS calls FROM probes GROUP BY 1 ORDER BY calls DESC LIMIT 1000",
    );
  });

  it("count, and go on behind what fits", () => {
    expect(one(counting("SELECT a FROM b WHERE c ORDER BY d"))).toBe(
      "SELECT count(*) AS rows FROM b WHERE c",
    );
    expect(one(counting(CALLS))).toContain("LIMIT 500) AS answer");
    expect(one(pageOf("SELECT a FROM b", 7))).toBe("SELECT * FROM ( SELECT a FROM b ) OFFSET 7");
  });
});
