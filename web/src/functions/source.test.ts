import { describe, expect, it } from "vitest";
import { EDITORS, sourceLink } from "./source";

describe("the link to a source", () => {
  it("opens a file below the reader's folder at its line", () => {
    const [code] = EDITORS;
    expect(sourceLink(code?.template ?? "", "/projects/shop/", "src/a b.rs", 12)).toBe(
      "vscode://file/projects/shop/src/a%20b.rs:12",
    );
    expect(sourceLink(code?.template ?? "", "/projects", "/other/src/x.rs", 3)).toBe(
      "vscode://file/other/src/x.rs:3",
    );
  });

  it("never runs anything in the page, whatever a file is called", () => {
    for (const template of [
      "javascript:alert({line})",
      "data:text/html,{file}",
      "",
      "{file}:{line}",
      "JavaScript:x",
    ])
      expect(sourceLink(template, "/", "a.rs", 1)).toBeNull();
    expect(sourceLink("vscode://file/{root}/{file}:{line}", "/r", `x" onclick="y?#`, 1)).toBe(
      "vscode://file/r/x%22%20onclick%3D%22y%3F%23:1",
    );
  });
});
