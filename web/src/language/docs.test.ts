import { describe, expect, it } from "vitest";
import type { Known } from "./completion";
import { docOf } from "./docs";

const known: Known = {
  functions: [
    {
      service: "pricing",
      function: "shop::pricing::quote::price",
      file: "src/quote.rs",
      line: 32,
      arguments: ["order"],
      is_async: false,
      instances: 2,
      probes: ["p7"],
    },
  ],
  instances: [],
  probes: [],
  schema: {
    tables: [
      {
        name: "calls",
        doc: "One row for each captured call.",
        columns: [{ name: "duration_ns", type: "duration", doc: "How long it took." }],
      },
      {
        name: "traces",
        doc: "One row for each trace.",
        columns: [{ name: "errors", type: "number", doc: "Calls." }],
      },
    ],
    statements: [{ word: "TRACE", syntax: "TRACE pattern", doc: "Captures.", example: "TRACE a::*" }],
  },
};
const told = (word: string, statement: string) => {
  const doc = docOf(word, statement, known);
  return doc && `${doc.kind}: ${doc.text} ${doc.code.join(" | ")}`.trim();
};

describe("what a word means", () => {
  it("is told of statements, clauses, columns, tables and functions", () => {
    expect(told("trace", "trace a::* on x=1")).toBe("statement: Captures. TRACE pattern | TRACE a::*");
    expect(told("on", "TRACE a::* ON x=1")).toMatch(/^clause: On which instances/);
    expect(told("duration_ns", "SELECT duration_ns FROM calls")).toBe(
      "duration, column of calls: How long it took.",
    );
    expect(told("calls", "SELECT 1 FROM calls")).toBe("table: One row for each captured call. duration_ns");
    expect(told("quote::price", "TRACE quote::price")).toBe(
      "function: In pricing, on 2 connected instances. Captured by p7. fn price(order) | src/quote.rs:32",
    );
    expect(told("pricing::*", "TRACE pricing::*")).toBe(
      "pattern: Matches 1 function. shop::pricing::quote::price",
    );
  });

  it("is that of the tables the statement names, and nothing where nothing is known", () => {
    expect(told("errors", "SELECT errors FROM traces")).toBe("number, column of traces: Calls.");
    expect(told("errors", "SELECT errors FROM calls")).toBeNull();
    expect(told("ON", "SELECT 1 FROM calls JOIN traces ON x")).toBeNull();
    expect(told("whatever", "SELECT whatever")).toBeNull();
  });
});
