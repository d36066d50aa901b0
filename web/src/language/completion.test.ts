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

const members = { args: { order: { coupon: {} }, "a b": {} }, returned: { total: {} }, error: {} };
let asked = "";
const membersOf = (condition: string) => {
  asked = condition;
  return Promise.resolve(members);
};

async function offered(text: string): Promise<string[]> {
  const context = new CompletionContext(EditorState.create({ doc: text }), text.length, true);
  const result = await complete(context, known, membersOf);
  return result?.options.map((option) => option.label) ?? [];
}

describe("behind TRACE are offered", () => {
  it("functions, then clauses", async () => {
    expect(await offered("TRACE ")).toContain("shop::pricing::price");
    expect(await offered("TRACE pricing::* ")).toEqual([
      "ON",
      "WHERE",
      "FOR",
      "LIMIT",
      "RATE",
      "SAMPLE",
      "CAPTURE",
    ]);
  });

  it("how much of values is captured, and in which units", async () => {
    expect(await offered("TRACE pricing::* CAPTURE ")).toContain("200 ITEMS");
    expect(await offered("TRACE pricing::* CAPTURE 200 ITEMS, ")).toContain("12 DEEP");
    expect(await offered("TRACE pricing::* CAPTURE 300 ")).toEqual(["ITEMS", "DEEP", "KIB", "BYTES"]);
    expect(await offered("TRACE pricing::* CAPTURE 8 KIB ")).toEqual(["VALUES", "TEXTS"]);
    expect(await offered("TRACE pricing::* CAPTURE 8 KIB TEXTS ")).toContain("FOR");
  });

  it("clauses, though a path begins with the word of another", async () => {
    expect(await offered("TRACE capture::frame ")).toContain("CAPTURE");
  });
});

describe("strings", () => {
  it("are completed by what the column may be, and end at their quote", async () => {
    const pricing = "SELECT 1 FROM calls WHERE function = 'shop::pr";
    expect(await offered(pricing)).toEqual(["shop::pricing::price"]);
    expect(await offered(`${pricing}icing::price' AND function = 'sh`)).toEqual(["shop::pricing::price"]);
    expect(await offered(`${pricing}icing::price' A`)).toContain("AND");
  });
});

describe("behind FIND are offered", () => {
  it("SINCE, then lengths of time", async () => {
    expect(await offered("FIND 'ORD-12345' ")).toEqual(["SINCE"]);
    expect(await offered("FIND 'ORD-12345' SINCE ")).toContain("5m");
  });
});

describe("behind a captured value are offered", () => {
  it("the members it has, of the functions the statement is about", async () => {
    expect(await offered("SELECT args->'order'->>'")).toEqual(["coupon"]);
    expect(await offered("SELECT 1 FROM calls WHERE function = 'a::b' AND returned->>'t")).toEqual(["total"]);
    expect(asked).toBe("function = 'a::b'");
    expect(await offered("TRACE pricing::* WHERE args.order.")).toEqual(["coupon"]);
    expect(asked).toBe("function LIKE '%pricing::%' AND args->'order' IS NOT NULL");
  });
});
