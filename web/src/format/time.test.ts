import { describe, expect, it } from "vitest";
import { ago, countdown, duration, moment, parseNanoseconds } from "./time";

describe("durations", () => {
  it.each([
    [0, "0 ns"],
    [812, "812 ns"],
    [1_000, "1.00 µs"],
    [45_249, "45.2 µs"],
    [999_960, "1.00 ms"],
    [1_240_000, "1.24 ms"],
    [123_456_789, "123 ms"],
    [3_050_000_000, "3.05 s"],
    [59_999_000_000, "1 min 00 s"],
    [125_000_000_000, "2 min 05 s"],
    [7_260_000_000_000, "2 h 01 min"],
    [-1_500, "−1.50 µs"],
    [Number.NaN, "–"],
  ])("%d ns reads %s", (ns, text) => expect(duration(ns)).toBe(text));
});

describe("times", () => {
  it("keeps all nine digits", () => {
    expect(parseNanoseconds("1970-01-01T00:00:01.000000001Z")).toBe(1_000_000_001n);
    expect(parseNanoseconds("2026-11-20T10:00:00.123456789Z")).toBe(1_795_168_800_123_456_789n);
  });

  it("reads times with few digits or none", () => {
    expect(parseNanoseconds("1970-01-01T00:00:01.5Z")).toBe(1_500_000_000n);
    expect(parseNanoseconds("1970-01-01T00:00:01Z")).toBe(1_000_000_000n);
  });

  it("says of other texts that they are none", () => {
    expect(parseNanoseconds("soon")).toBeNull();
    expect(moment("<b>")).toBeNull();
  });

  it("names the day only of other days", () => {
    const now = new Date(2026, 10, 20, 12);
    expect(moment(new Date(2026, 10, 20, 9, 5, 3, 7).toISOString(), now)).toEqual({
      day: "",
      clock: "09:05:03.007",
      micros: "000",
    });
    expect(moment(new Date(2026, 10, 19, 9).toISOString(), now)?.day).toBe("Nov 19");
  });
});

it("counts down without going below nothing", () => {
  expect(countdown(47_200)).toBe("48 s");
  expect(countdown(299_000)).toBe("4:59");
  expect(countdown(3_723_000)).toBe("1:02:03");
  expect(countdown(-5)).toBe("0 s");
});

it("tells roughly how long ago", () => {
  expect([500, 12_000, 190_000, 7_300_000, 200_000_000].map(ago)).toEqual([
    "just now",
    "12 s ago",
    "3 min ago",
    "2 h ago",
    "2 d ago",
  ]);
});
