import { describe, expect, it } from "vitest";
import type { Probe } from "../api/types";
import { costDetails, cutBack, ofBudget, spent } from "./cost";

const cost = {
  instance: "shop-1",
  cpu_share: 0.004,
  cpu_budget: 0.01,
  cpu_left: 0.005,
  governor_one_in: 4,
  cut_back_instances: 1,
  cpu_ns: 45_600_000,
  condition_ns: 0,
  captured_bytes: 1536,
};

function probe(more: Partial<Probe["cost"]> = {}, state: Probe["state"] = "limited", instances = 1): Probe {
  return { cost: { ...cost, ...more }, state, instances } as Probe;
}

describe("what a probe costs", () => {
  it("is told as a part of what it may", () => {
    expect([ofBudget(cost), spent(cost)]).toEqual(["0.4 % of 1 % CPU", 0.4]);
    expect(spent({ cpu_share: 0.03, cpu_budget: 0.01 })).toBe(1);
  });

  it("has nothing to be a part of without a limit", () => {
    expect([ofBudget({ cpu_share: 0.02, cpu_budget: 0 }), spent({ cpu_share: 0.02, cpu_budget: 0 })]).toEqual(
      ["2 % CPU", null],
    );
  });

  it("is not told before anybody has reported", () => {
    expect([ofBudget({}), spent({})]).toEqual(["", null]);
    expect(costDetails(probe({ instance: null, cpu_left: null }))).toBe(
      "So far 45.6 ms of CPU time and 1.5 KiB of values.",
    );
  });

  it("comes with what the condition took of it, where there is one", () => {
    expect(costDetails(probe({ instance: null, condition_ns: 1_500_000 }))).toBe(
      "So far 45.6 ms of CPU time (its condition: 1.50 ms) and 1.5 KiB of values.",
    );
  });

  it("comes with the place where it is most, and with what is left there", () => {
    expect(costDetails(probe())).toBe(
      "Most on shop-1, where all probes together leave 0.5 %. So far 45.6 ms of CPU time and 1.5 KiB of values.",
    );
  });
});

it("says how far a probe is cut back, and where it is not so everywhere", () => {
  expect(cutBack(probe())).toBe("1 request in 4 (governor)");
  expect(cutBack(probe({}, "active", 3))).toBe("1 request in 4 (governor) on 1 of 3 instances");
  expect(cutBack(probe({ governor_one_in: 1024 }, "suspended"))).toBe("suspended (governor)");
  expect(cutBack(probe({ governor_one_in: 1 }))).toBe("");
});
