import { expect, it } from "vitest";
import { type Source, sourceOf } from "../language/select";
import { MAX_CALLS, newest, profileOf } from "./question";

it("asks of the calls that match, and of what lies below them in the same time", () => {
  const source = sourceOf("SELECT a FROM calls WHERE b = 1 OR c = 2 LIMIT 5") as Source;
  const asked = profileOf(source, "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z").replace(/\s+/g, " ");
  const within = "started_at BETWEEN TIMESTAMP '2026-11-20T10:00:00Z' AND TIMESTAMP '2026-11-20T11:00:00Z'";
  expect(asked).toContain(`FROM calls WHERE (b = 1 OR c = 2) AND ${within} ) AS selected`);
  expect(asked).toContain(`FROM calls WHERE ${within} GROUP BY parent_id ) AS below`);
});

it("takes the newest where there are too many", () => {
  expect(newest(0n, 1_000n, MAX_CALLS)).toBe(0n);
  expect(newest(0n, 1_000n, MAX_CALLS * 4)).toBe(750n);
});
