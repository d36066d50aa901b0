import { CompletionContext } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import { complete, type Known } from "./completion";

const known = {
  functions: [{ function: "shop::pricing::price", service: "pricing" }],
  instances: [],
  probes: [],
  schema: { statements: [], tables: [] },
} as unknown as Known;

function offered(text: string): string[] {
  const context = new CompletionContext(EditorState.create({ doc: text }), text.length, true);
  return complete(context, known)?.options.map((option) => option.label) ?? [];
}

describe("behind TRACE are offered", () => {
  it("functions, then clauses", () => {
    expect(offered("TRACE ")).toContain("shop::pricing::price");
    expect(offered("TRACE pricing::* ")).toEqual([
      "ON",
      "WHERE",
      "FOR",
      "LIMIT",
      "RATE",
      "SAMPLE",
      "CAPTURE",
    ]);
  });

  it("how much of values is captured, and in which units", () => {
    expect(offered("TRACE pricing::* CAPTURE ")).toContain("200 ITEMS");
    expect(offered("TRACE pricing::* CAPTURE 200 ITEMS, ")).toContain("12 DEEP");
    expect(offered("TRACE pricing::* CAPTURE 300 ")).toEqual(["ITEMS", "DEEP", "KIB", "BYTES"]);
    expect(offered("TRACE pricing::* CAPTURE 8 KIB ")).toEqual(["VALUES", "TEXTS"]);
    expect(offered("TRACE pricing::* CAPTURE 8 KIB TEXTS ")).toContain("FOR");
  });

  it("clauses, though a path begins with the word of another", () => {
    expect(offered("TRACE capture::frame ")).toContain("CAPTURE");
  });
});

describe("strings", () => {
  it("are completed by what the column may be, and end at their quote", () => {
    const pricing = "SELECT 1 FROM calls WHERE function = 'shop::pr";
    expect(offered(pricing)).toEqual(["shop::pricing::price"]);
    expect(offered(`${pricing}icing::price' AND function = 'sh`)).toEqual(["shop::pricing::price"]);
    expect(offered(`${pricing}icing::price' A`)).toContain("AND");
  });
});

describe("behind FIND are offered", () => {
  it("SINCE, then lengths of time", () => {
    expect(offered("FIND 'ORD-12345' ")).toEqual(["SINCE"]);
    expect(offered("FIND 'ORD-12345' SINCE ")).toContain("5m");
  });
});
