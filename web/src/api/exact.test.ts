import { describe, expect, it } from "vitest";
import { parseExact, stringifyExact } from "./exact";

describe("exact JSON", () => {
  it("writes whole numbers of any size", () => {
    expect(stringifyExact({ id: 7, name: "x" })).toBe('{"id":7,"name":"x"}');
    expect(stringifyExact(undefined)).toBe("null");
  });

  it("leaves other numbers and long digits in texts as they are", () => {
    expect(parseExact('{"a":1.5,"b":"12345678901234567890","c":1e20}')).toEqual({
      a: 1.5,
      b: "12345678901234567890",
      c: 1e20,
    });
  });

  it("refuses what is no JSON", () => expect(() => parseExact("{")).toThrow(SyntaxError));
});
