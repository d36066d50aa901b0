/**
 * The Rust tests that are written for people. Those of `examples/shop/src/reproduced.rs` are compiled and run with the shop's
 * own tests: here it is proven that the page writes exactly these. UPDATE=1 writes them anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Captured } from "./reproduce";
import { rustTest } from "./rustTest";

const COMMITTED = fileURLToPath(new URL("../../../examples/shop/src/reproduced.rs", import.meta.url));

const CALL: Captured = {
  function: "shop::pricing::tax::vat",
  file: "examples/shop/src/pricing/tax.rs",
  line: 5,
  isAsync: false,
  parameters: ["price", "country"],
  service: "pricing",
  instance: "pricing-green",
  release: "2.4.0-rc.1",
  callId: "13c264d62f00885f",
  traceId: "75ac3e5fd8ac0064fc523a7df704caa8",
  startedAt: "2026-11-21T19:40:36.334054900Z",
  outcome: "returned",
  args: { price: 4450, country: "DE" },
  returned: 845,
  error: undefined,
};

const SHOP: Captured[] = [
  CALL,
  {
    ...CALL,
    function: "shop::pricing::quote::price",
    file: "examples/shop/src/pricing/quote.rs",
    parameters: ["order"],
    callId: "13c264d62f008860",
    args: {
      order: {
        order_id: '4f8e1c7a-"\\ \u202e',
        lines: [{ sku: "TEAPOT-02", quantity: 2 }],
        coupon: "AUTUMN15",
        country: "DE",
        gift_card: null,
      },
    },
    returned: 0,
  },
  {
    ...CALL,
    function: "shop::warehouse::ledger::balance",
    file: "examples/shop/src/warehouse/ledger.rs",
    parameters: ["code"],
    callId: "13c264d62f008861",
    args: { code: "GC-17-0001" },
    outcome: "error",
    returned: undefined,
    error: { message: "gift card GC-17-0001: entry 1 of the ledger cannot be read", causes: [] },
  },
  {
    ...CALL,
    function: "shop::pricing::catalogue::subtotal",
    file: "examples/shop/src/pricing/catalogue.rs",
    parameters: ["lines"],
    callId: "13c264d62f008862",
    args: { lines: [{ sku: "MUG-01", quantity: 3 }] },
    returned: 3870,
  },
  {
    ...CALL,
    function: "shop::warehouse::carrier::Carrier::book",
    file: "examples/shop/src/warehouse/carrier.rs",
    parameters: ["self", "order_id", "country", "parcels"],
    isAsync: true,
    callId: "13c264d62f008863",
    args: {
      self: { $glasshull: "opaque: Carrier" },
      order_id: "4f8e1c7a",
      country: "DE",
      parcels: 1,
    },
    returned: { reference: "x", parcels: 1, when: "tomorrow at 9" },
  },
];

const HEAD = `//! Generated: tests the page has written of calls as they were captured ("Reproduce"), to show that they compile and run.
//! A test of the page writes this file; it holds nothing that was written by hand.

`;

/** What cannot be made of JSON has to be made by hand: the test says so. */
function written(call: Captured): string {
  const test = rustTest(call);
  const byHand =
    '#[tokio::test]\n#[should_panic(expected = "make `self`, a &shop::warehouse::carrier::Carrier, by hand")]';
  return test.replace("#[tokio::test]", byHand);
}

describe("a Rust test of a captured call", () => {
  it("is one that is compiled and run with the shop", () => {
    const fresh = HEAD + SHOP.map(written).join("\n");
    if (process.env["UPDATE"]) writeFileSync(COMMITTED, fresh);
    expect(readFileSync(COMMITTED, "utf8"), "stale: run this test with UPDATE=1").toBe(fresh);
  });

  it("names what was not captured whole, and does not compare with it", () => {
    const test = rustTest({
      ...CALL,
      args: { price: 1, country: { $glasshull: "redacted" } },
      returned: { $glasshull: "truncated" },
    });
    expect(test).toContain("/// Not captured whole: `country`. Put in what is missing.");
    expect(test).not.toContain("assert_eq!");
    expect(test).toContain("drop(returned);");
  });

  it("expects the panic there was", () => {
    const test = rustTest({ ...CALL, outcome: "panicked", error: { message: 'a "quoted" \\ one' } });
    expect(test).toContain('#[should_panic(expected = r#"a "quoted" \\ one"#)]');
  });

  it("does not pretend to call what is no path", () => {
    const test = rustTest({
      ...CALL,
      function: "GET /orders {id}",
      parameters: [],
      args: { "a b": 1, fn: 2, self: 3 },
    });
    expect(test).toContain('todo!("call {} here", "GET /orders {id}");');
    expect(test).toContain('let argument_0 = "1";');
    expect(test).toContain('let argument_1 = "2";');
    expect(test).toContain('let this = "3";');
    expect(test).not.toContain("types_of");
  });

  it("lets nothing that was captured leave its literal or its comment", () => {
    const hostile = '"#; panic!(); //\u202e\n*/ \u0000 \ud83d\ude00';
    const test = rustTest({
      ...CALL,
      instance: hostile,
      file: hostile,
      release: hostile,
      args: { price: hostile },
    });
    const comments = test.split("\n").filter((line) => line.startsWith("///"));
    expect(comments.every((line) => /^[\x20-\x7e]*$/.test(line))).toBe(true);
    expect(test).not.toMatch(/[\u202e\u0000]/);
    expect(test).toContain('r##"');
  });
});
