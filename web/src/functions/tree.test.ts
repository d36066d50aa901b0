import { describe, expect, it } from "vitest";
import type { FunctionEntry } from "../api/types";
import { functionRows, isElsewhere, patternOf } from "./tree";

function entry(service: string, path: string): FunctionEntry {
  return {
    service,
    function: path,
    file: "src/x.rs",
    line: 1,
    arguments: [],
    is_async: false,
    instances: 1,
    probes: [],
  };
}

const ENTRIES = [
  entry("pricing", "pricing::coupons::rules::Coupon::discount"),
  entry("pricing", "pricing::quote"),
  entry("tool", "alpha::run"),
  entry("tool", "beta::run"),
];

/** The rows as an indented drawing. */
function drawing(search = "", closed: string[] = []): string {
  const rows = functionRows(ENTRIES, search, new Set(closed));
  return rows.map((row) => "  ".repeat(row.level) + row.name).join("\n");
}

describe("the tree of functions", () => {
  it("leaves out the crate that a service is made of, and joins lone modules", () => {
    expect(drawing()).toBe(
      [
        "pricing",
        "  coupons::rules::Coupon",
        "    discount",
        "  quote",
        "tool",
        "  alpha",
        "    run",
        "  beta",
        "    run",
      ].join("\n"),
    );
  });

  it("hides what is closed", () => {
    expect(drawing("", ["pricing", "tool alpha::"])).toBe(
      ["pricing", "tool", "  alpha", "  beta", "    run"].join("\n"),
    );
  });

  it("opens what a search finds, in any part of the path", () => {
    expect(drawing("coupon disc", ["pricing"])).toBe(
      ["pricing", "  coupons::rules::Coupon", "    discount"].join("\n"),
    );
    expect(drawing("nothing")).toBe("");
  });

  it("traces a function, a module, a crate, or everything of a service", () => {
    const patterns = functionRows(ENTRIES, "", new Set()).map(patternOf);
    expect(patterns).toEqual([
      "pricing::*",
      "pricing::coupons::rules::Coupon::*",
      "pricing::coupons::rules::Coupon::discount",
      "pricing::quote",
      "*",
      "alpha::*",
      "alpha::run",
      "beta::*",
      "beta::run",
    ]);
  });

  it("names the service where others have the same functions", () => {
    const shared = [...ENTRIES, entry("load", "pricing::quote")];
    const rows = functionRows(shared, "", new Set());
    const named = rows.filter((row) => isElsewhere(row, shared)).map((row) => row.key);
    expect(named).toEqual(["pricing", "pricing pricing::quote", "tool", "load", "load pricing::quote"]);
  });

  it("leaves out the module of the service's name in a crate of several services", () => {
    const rows = functionRows([entry("pricing", "shop::pricing::tax::vat")], "", new Set());
    expect(rows.map((row) => row.name)).toEqual(["pricing", "tax", "vat"]);
    expect(rows.map(patternOf)).toEqual([
      "shop::pricing::*",
      "shop::pricing::tax::*",
      "shop::pricing::tax::vat",
    ]);
  });

  it("opens modules only while there are few functions", () => {
    const many = Array.from({ length: 100 }, (_, at) => entry("big", `big::m${at % 5}::f${at}`));
    expect(functionRows(many, "", new Set())).toHaveLength(6);
    expect(functionRows(many, "", new Set(["big big::m0::"]))).toHaveLength(26);
  });
});
