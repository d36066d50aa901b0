import { describe, expect, it } from "vitest";
import { candidate, search } from "./fuzzy";

const texts = (typed: string, from: string[]) =>
  search(
    from.map((text) => candidate(text, text)),
    typed,
    5,
  ).map(({ item }) => item);

describe("what is meant", () => {
  it("is the name that holds the word, before one that only has its letters", () => {
    expect(
      texts("price", [
        "shop::pricing::engine::rule_cache",
        "shop::pricing::price",
        "shop::price_list::load",
      ])[0],
    ).toBe("shop::pricing::price");
  });

  it("is found by first letters, and by words in any order", () => {
    expect(texts("pqp", ["shop::pricing::quote::price", "shop::warehouse::plan"])).toEqual([
      "shop::pricing::quote::price",
    ]);
    expect(texts("walk ware", ["shop::warehouse::plan_walk", "shop::pricing::walk"])).toEqual([
      "shop::warehouse::plan_walk",
    ]);
    expect(texts("xyz", ["shop::pricing"])).toEqual([]);
  });

  it("is not what only has the letters somewhere, where something has the word", () => {
    expect(texts("price", ["shop::pricing::gift_card::balance", "shop::quote::price"])).toEqual([
      "shop::quote::price",
    ]);
  });

  it("is everything while nothing is typed", () => {
    expect(texts("", ["b", "a"])).toHaveLength(2);
  });

  it("tells which letters were meant", () => {
    const [match] = search([candidate(0, "shop::pricing::price")], "price", 1);
    expect(match?.places).toEqual([15, 16, 17, 18, 19]);
  });
});
