import { expect, it } from "vitest";
import { holdsText } from "./search";

it("finds names and values, however deep, in either case", () => {
  const value = { order: { lines: [{ sku: "Teapot-02", quantity: 2n }], coupon: null } };
  for (const text of ["teapot", "QUANTITY", "2", "null", "lines"])
    expect(holdsText("args", value, text)).toBe(true);
  expect(holdsText("args", value, "mug")).toBe(false);
  expect(holdsText("mugs", 1, "mug")).toBe(true);
});

it("looks at so much and no more", () => {
  const wide = Array.from({ length: 200_000 }, () => "x");
  const start = performance.now();
  expect(holdsText(undefined, [wide, wide], "y")).toBe(false);
  expect(performance.now() - start).toBeLessThan(1000);
});
