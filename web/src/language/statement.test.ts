import { describe, expect, it } from "vitest";
import type { Probe } from "../api/types";
import {
  callsOfProbe,
  callsWithValue,
  firstWord,
  indexOfByte,
  onlyAsks,
  quote,
  traceStatement,
} from "./statement";

describe("what a statement is", () => {
  it("is told by its first word, behind comments", () => {
    expect(firstWord("-- why\n /* so */ trace x::*")).toBe("TRACE");
    expect(firstWord("  ")).toBe("");
  });

  it("only asks, or waits for a person", () => {
    const questions = ["SELECT 1", "with a as (select 1) select 1", "SHOW PROBES", "TREE 4b", "find 4b"];
    expect(questions.every(onlyAsks)).toBe(true);
    expect(["TRACE a::*", "untrace all", "--\nTRACE a", "", "DELETE FROM calls"].some(onlyAsks)).toBe(false);
  });
});

describe("statements the page writes", () => {
  it("quote what comes from outside", () => {
    expect(quote("O'Brien")).toBe("'O''Brien'");
    expect(callsWithValue("x'; --")).toBe("FIND 'x''; --'");
    expect(callsWithValue("x'\n")).toContain("args LIKE '%x''\\\\n%'");
  });

  it("find a text as it is, though it holds what stands for others", () => {
    expect(callsWithValue("100%_off\t")).toContain("args LIKE '%100\\%\\_off");
    // As JSON, in which values are kept, and then as LIKE takes it.
    expect(callsWithValue('C:\\a "b"\n')).toContain("error LIKE '%C:\\\\\\\\a \\\\\"b\\\\\"\\\\n%'");
    const probe = { patterns: ["*::plan_walk*"], selectors: [], created_at: "2026-11-20T10:00:00Z" };
    expect(callsOfProbe(probe as unknown as Probe, [])).toContain("function LIKE '%::plan\\_walk%'");
  });

  it("trace on labels, quoted where they are no words", () => {
    const selectors = [
      { key: "class", value: "blue" },
      { key: "zone", value: "eu west" },
    ];
    expect(traceStatement({ pattern: "pricing::*", selectors, duration: "60s" })).toBe(
      "TRACE pricing::* ON class=blue, zone='eu west' FOR 60s",
    );
    expect(traceStatement({ pattern: "a::b", selectors: [], duration: "5m" })).toBe("TRACE a::b FOR 5m");
    expect(traceStatement({ pattern: "a::it's one", selectors: [], duration: "5m" })).toBe(
      "TRACE 'a::it''s one' FOR 5m",
    );
  });

  it("ask for the calls of a probe", () => {
    const probe = {
      patterns: ["pricing::*", "cart::add"],
      selectors: [
        { key: "class", value: "blue" },
        { key: "host", value: "h1" },
      ],
      created_at: "2026-11-20T10:00:00Z",
    } as Probe;
    const statement = callsOfProbe(probe, ["pricing::quote", "shop::cart::add"]);
    expect(statement).toContain("(function LIKE 'pricing::%' OR function LIKE '%::cart::add')");
    expect(statement).toContain("AND class = 'blue'");
    expect(statement).not.toContain("host");
    expect(callsOfProbe({ ...probe, patterns: ["*", "a"] }, [])).not.toContain("function LIKE");
    expect(callsOfProbe({ ...probe, patterns: ["a::b"] }, [])).toContain(
      "(function = 'a::b' OR function LIKE '%::a::b')",
    );
    expect(callsOfProbe({ ...probe, patterns: ["file:src/a.rs:12"] }, [])).toContain("file LIKE '%src/a.rs'");
  });
});

it("finds the character a byte offset means", () => {
  const text = "é𝄞x";
  expect([0, 2, 6, 7, 99].map((offset) => indexOfByte(text, offset))).toEqual([0, 1, 3, 4, 4]);
});
