import { describe, expect, it } from "vitest";
import { compact, compactArguments } from "./compact";
import { markOf, meaning } from "./marker";

const text = (value: unknown, limit = 200) =>
  compact(value, limit)
    .map((piece) => piece.text)
    .join("");

describe("a value on one line", () => {
  it("reads like the program wrote it", () => {
    expect(text({ sku: "A-1", quantity: 2, gift: false, note: null, "odd key": [1, 2n] })).toBe(
      '{sku: "A-1", quantity: 2, gift: false, note: null, "odd key": [1, 2]}',
    );
    expect(
      compactArguments({ sku: "A-1" }, 99)
        .map((piece) => piece.text)
        .join(""),
    ).toBe('sku: "A-1"');
  });

  it("passes over a self that could not be captured", () => {
    const pieces = compactArguments({ self: { $glasshull: "opaque: Pool" }, id: 1 }, 99);
    expect(pieces.map((piece) => piece.text).join("")).toBe("id: 1");
  });

  it("is cut, however large the value", () => {
    const long = text({ a: "x".repeat(10_000_000), b: Array.from({ length: 1_000_000 }) }, 50);
    expect(long.length).toBeLessThan(70);
    expect(long).toContain("…");
  });

  it("draws markers as marks", () => {
    const pieces = compact({ card: { $glasshull: "redacted" } }, 99);
    expect(pieces.find((piece) => piece.kind === "mark")?.text).toBe("redacted");
  });
});

describe("markers", () => {
  it("are objects with the single key", () => {
    expect(markOf({ $glasshull: "failed: Debug panicked: boom" })).toEqual({
      word: "failed",
      detail: "Debug panicked: boom",
    });
    expect(markOf({ $glasshull: "truncated", other: 1 })).toBeNull();
    expect(markOf({ $glasshull: 5 })).toBeNull();
    expect(markOf([])).toBeNull();
  });

  it("are explained, also those this page does not know", () => {
    expect(meaning({ word: "opaque", detail: "Pool" })).toContain("Pool");
    expect(meaning({ word: "new", detail: "" })).not.toBe("");
  });
});
