import { describe, expect, it } from "vitest";
import { addMembers, functionCondition, type Members, membersAt, pathAt } from "./paths";

describe("a member's place", () => {
  it("is found behind arrows, quoted or not yet", () => {
    expect(pathAt("SELECT args->>'", false)).toEqual({ column: "args", above: [], typed: "", quoted: true });
    expect(pathAt("SELECT args->'order'->>'cou", false)).toEqual({
      column: "args",
      above: ["order"],
      typed: "cou",
      quoted: true,
    });
    expect(pathAt("WHERE returned->", false)).toEqual({
      column: "returned",
      above: [],
      typed: "",
      quoted: false,
    });
    expect(pathAt("SELECT args->>'sku' = ", false)).toBeNull();
  });

  it("is found behind dots in a probe's condition only", () => {
    expect(pathAt("TRACE a WHERE args.order.co", true)).toEqual({
      column: "args",
      above: ["order"],
      typed: "co",
      quoted: true,
    });
    expect(pathAt("SELECT args.order.co", false)).toBeNull();
  });
});

describe("members", () => {
  it("are those of all values that were seen", () => {
    const members: Members = {};
    addMembers(members, { order: { coupon: "A" }, sku: "x" });
    addMembers(members, { order: { order_id: 7 }, lines: [{ sku: 1 }] });
    addMembers(members, null);
    expect(membersAt(members, [])).toEqual(["order", "sku", "lines"]);
    expect(membersAt(members, ["order"])).toEqual(["coupon", "order_id"]);
    expect(membersAt(members, ["nothing", "there"])).toEqual([]);
  });

  it("with hostile names, deep or many, harm nobody", () => {
    const members: Members = {};
    addMembers(members, JSON.parse('{"__proto__": {"x": 1}, "constructor": {"y": 2}}'));
    expect(membersAt(members, ["__proto__"])).toEqual(["x"]);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
    addMembers(members, Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`m${n}`, 1])));
    expect(membersAt(members, []).length).toBeLessThanOrEqual(100);
    addMembers(members, JSON.parse('{"a":'.repeat(2_000) + "1" + "}".repeat(2_000)));
  });
});

it("only the functions of the statement are looked at", () => {
  expect(functionCondition("SELECT 1 FROM calls WHERE function LIKE '%::price' AND x")).toBe(
    "function LIKE '%::price'",
  );
  expect(functionCondition("TRACE pricing::* WHERE args.")).toBe("function LIKE '%pricing::%'");
  expect(functionCondition("SELECT 1")).toBe("");
});
