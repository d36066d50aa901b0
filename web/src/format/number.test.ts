import { expect, it } from "vitest";
import { brief, bytes, count, counted, percent } from "./number";

it("writes numbers short enough for a header", () => {
  expect([0, 987, 12_345, 999_999, 4_500_000, 2_000_000_000].map(brief)).toEqual([
    "0",
    "987",
    "12.3k",
    "1M",
    "4.5M",
    "2G",
  ]);
});

it("counts with the right word", () => {
  expect([counted(1, "call"), counted(1_200, "call"), counted(0, "class", "classes")]).toEqual([
    "1 call",
    "1,200 calls",
    "0 classes",
  ]);
  expect(count(1_234_567)).toBe("1,234,567");
});

it("writes bytes with their unit", () => {
  expect([512, 1536, 5 * 1024 ** 3].map(bytes)).toEqual(["512 B", "1.5 KiB", "5.0 GiB"]);
});

it("writes shares in percent", () => {
  expect([0, 0.000002, 0.003917, 0.004, 0.01, 1].map(percent)).toEqual([
    "0 %",
    "<0.01 %",
    "0.39 %",
    "0.4 %",
    "1 %",
    "100 %",
  ]);
});
