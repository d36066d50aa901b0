import { describe, expect, it } from "vitest";
import { changed, layoutOf, moved, toldLayout } from "./layout";

const NAMES = ["a", "b~c", "-d", "e,f"];

describe("the layout of columns", () => {
  const there = (told: string | null) => layoutOf(NAMES, told).map((place) => place.name);

  it("is the answer's where nobody chose another", () => {
    expect(there(null)).toEqual(NAMES);
    expect(toldLayout(layoutOf(NAMES, null), NAMES)).toBeNull();
  });

  it("comes back from the address as it was, whatever the names", () => {
    let places = changed(layoutOf(NAMES, null), "e,f", { pinned: true, width: 120 });
    places = changed(places, "b~c", { hidden: true });
    places = moved(places, "-d", -1);
    const told = toldLayout(places, NAMES) as string;
    expect(told).toBe("a,%2Dd,-b%7Ec,*e%2Cf~120");
    expect(layoutOf(NAMES, told)).toEqual([places[3], places[0], places[1], places[2]]);
  });

  it("passes over columns that are gone, and puts new ones behind", () => {
    expect(there("gone,e%2Cf,%")).toEqual(["e,f", "a", "b~c", "-d"]);
  });

  it("moves no column out of it", () => {
    expect(moved(layoutOf(NAMES, null), "a", -5).map((place) => place.name)).toEqual(NAMES);
    expect(moved(layoutOf(NAMES, null), "a", 99).at(-1)?.name).toBe("a");
  });
});
