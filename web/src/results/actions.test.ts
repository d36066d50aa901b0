import { describe, expect, it } from "vitest";
import { cellActions, leafActions, leavesOf, pathText } from "./actions";

const CALLS = "SELECT function, duration_ns, args, call_id FROM calls LIMIT 5";
const ARGS = '{"order":{"lines":[{"sku":"A-1","n":2}],"coupon":null},"card":{"$glasshull":"redacted"}}';

describe("a click on a cell", () => {
  const labels = (...cell: Parameters<typeof cellActions>) =>
    cellActions(...cell).map((action) => action.label);

  it("offers what fits to what stands there", () => {
    expect(labels(CALLS, { name: "function", type: "text" }, "a::b")).toEqual([
      "Only these",
      "Without these",
      "What is different about these?",
      "Group by function",
      "Find everywhere",
    ]);
    expect(labels(CALLS, { name: "duration_ns", type: "duration" }, 7)).toEqual([
      "Only these",
      "Without these",
      "This and more",
      "This and less",
      "What is different about these and more?",
    ]);
    expect(labels("TREE 1", { name: "a", type: "text" }, "b")).toEqual([]);
  });

  it("writes conditions a person would write", () => {
    const [only, without] = cellActions(CALLS, { name: "function", type: "text" }, "it's");
    expect(only?.statement).toMatch(/WHERE function = 'it''s'\nLIMIT 5$/);
    expect(without?.detail).toBe("function IS DISTINCT FROM 'it''s'");
  });
});

describe("a value inside a cell", () => {
  it("is known by its path; what was withheld is none", () =>
    expect(leavesOf(ARGS).map((leaf) => [pathText(leaf.path), leaf.value])).toEqual([
      ["order.lines[0].sku", "A-1"],
      ["order.lines[0].n", 2],
      ["order.coupon", null],
    ]));

  it("becomes a condition, a column, a group", () => {
    const [sku, n, coupon] = leavesOf(ARGS);
    const actions = (leaf: typeof sku) =>
      leaf ? leafActions(CALLS, { name: "args", type: "json" }, leaf) : [];
    const of = (leaf: typeof sku, label: string) =>
      actions(leaf).find((action) => action.label === label)?.statement;
    expect(of(sku, "Only these")).toContain("WHERE args->'order'->'lines'->0->>'sku' = 'A-1'");
    expect(of(sku, "Column sku")).toContain("args->'order'->'lines'->0->>'sku' AS sku, call_id");
    expect(of(n, "This and more")).toContain("TRY_CAST(args->'order'->'lines'->0->>'n' AS double) >= 2");
    expect(of(coupon, "Only these")).toContain("args->'order'->>'coupon' IS NULL");
    const unlike = actions(n).find((action) => action.label === "What is different about these?");
    expect(unlike).toEqual({
      label: "What is different about these?",
      detail: "args->'order'->'lines'->0->>'n' = '2'",
    });
    expect(of(sku, "Group by sku")).toMatch(/^SELECT args->.* AS sku,/);
  });
});
