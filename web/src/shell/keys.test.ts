import { describe, expect, it } from "vitest";
import { KeySequence, shown } from "./keys";

const press = (key: string, mod = false) => ({ key, ctrlKey: mod, metaKey: false, altKey: false });

describe("keys", () => {
  it("mean a command alone, or one after the other", () => {
    const keys = new KeySequence(["?", "e", "g e", "g f", "Mod-k"]);
    expect(keys.push(press("?"), 0)).toBe("?");
    expect(keys.push(press("g"), 10)).toBeNull();
    expect(keys.push(press("f"), 500)).toBe("g f");
    expect(keys.push(press("f"), 510)).toBeNull();
    expect(keys.push(press("g"), 600)).toBeNull();
    expect(keys.push(press("e"), 610)).toBe("g e");
    expect(keys.push(press("e"), 620)).toBe("e");
    expect(keys.push(press("k", true), 700)).toBe("Mod-k");
  });

  it("that come late begin anew", () => {
    const keys = new KeySequence(["e", "g e", "g f"]);
    keys.push(press("g"), 0);
    expect(keys.push(press("e"), 5_000)).toBe("e");
    keys.push(press("g"), 6_000);
    expect(keys.push(press("f"), 9_000)).toBeNull();
  });

  it("are told as they stand on the keyboard", () => {
    expect(shown("Mod-k")).toEqual(["Ctrl", "k"]);
    expect(shown("g f")).toEqual(["g", "f"]);
    expect(shown("-")).toEqual(["-"]);
  });
});
