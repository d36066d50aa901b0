import { describe, expect, it } from "vitest";
import type { TreeCall } from "../api/types";
import { buildTrace, initialFolds, unfoldWay, visibleNodes } from "./fold";

const MS = 1_000_000;

/** A call as `id level start+duration service`, times in milliseconds. */
function call(text: string): TreeCall {
  const [id = "", level = "0", time = "0+0", service = "shop"] = text.split(" ");
  const [start = "0", length = "0"] = time.split("+");
  return {
    call_id: id,
    level: Number(level),
    started_at: `2026-11-20T10:00:00.${start.padStart(3, "0")}000000Z`,
    duration_ns: Number(length) * MS,
    service,
    matched: false,
    hidden_children: 0,
  } as TreeCall;
}

const TREE = ["a 0 0+100", "b 1 10+30 pricing", "c 2 15+10 pricing", "d 1 20+40", "e 0 50+10"].map(call);

describe("a trace", () => {
  it("knows each call's parent, end and place in time", () => {
    const { nodes, span } = buildTrace(TREE);
    expect(nodes.map((node) => [node.parent, node.end, node.offset / MS])).toEqual([
      [-1, 4, 0],
      [0, 3, 10],
      [1, 3, 15],
      [0, 4, 20],
      [-1, 5, 50],
    ]);
    expect(span).toBe(100 * MS);
  });

  it("marks the hop into another service once", () => {
    expect(buildTrace(TREE).nodes.map((node) => node.hop)).toEqual([false, true, false, false, false]);
  });

  it("counts time in children that ran side by side once", () => {
    const own = buildTrace(TREE).nodes.map((node) => node.self / MS);
    expect(own).toEqual([50, 20, 10, 40, 10]);
  });

  it("is nothing where there are no calls", () => {
    expect(buildTrace([])).toEqual({ nodes: [], span: 0, startedAt: "" });
  });
});

describe("folding", () => {
  it("hides what is below a folded call, and nothing else", () => {
    const { nodes } = buildTrace(TREE);
    const drawn = (folded: string[]) =>
      visibleNodes(nodes, new Set(folded))
        .map((node) => node.call.call_id)
        .join("");
    expect(drawn([])).toBe("abcde");
    expect(drawn(["b"])).toBe("abde");
    expect(drawn(["a", "b"])).toBe("ae");
    expect(drawn(["c"])).toBe("abcde");
  });

  it("opens small traces whole, large ones down to what was asked for", () => {
    expect(initialFolds(buildTrace(TREE).nodes, null).size).toBe(0);
    const many = [call("root 0 0+9")];
    for (let index = 0; index < 400; index += 1) many.push(call(`p${index} 1 0+1`), call(`c${index} 2 0+1`));
    const { nodes } = buildTrace(many);
    const folded = initialFolds(nodes, "c7");
    expect(folded.has("p7")).toBe(false);
    expect(visibleNodes(nodes, folded)).toHaveLength(402);
  });

  it("unfolds the way to a call", () => {
    const { nodes } = buildTrace(TREE);
    const folded = new Set(["a", "b", "d"]);
    unfoldWay(nodes, "c", folded);
    expect([...folded]).toEqual(["d"]);
  });

  it("takes a hundred thousand calls within a second", () => {
    const many = Array.from({ length: 100_000 }, (_, index) => call(`c${index} ${index % 50} 0+1`));
    const start = performance.now();
    const { nodes } = buildTrace(many);
    expect(visibleNodes(nodes, initialFolds(nodes, null)).length).toBeGreaterThan(0);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
