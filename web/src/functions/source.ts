/** Where a function's source is opened: the reader's own editor, by a link such as `vscode://file/..`. */

/** Editors known by name, and how each is asked to open a line. */
export const EDITORS: readonly { word: string; template: string }[] = [
  { word: "VS Code", template: "vscode://file/{root}/{file}:{line}" },
  { word: "Cursor", template: "cursor://file/{root}/{file}:{line}" },
  { word: "Zed", template: "zed://file/{root}/{file}:{line}" },
  { word: "JetBrains", template: "idea://open?file={root}/{file}&line={line}" },
];

/** Schemes that would run something in the page rather than open something outside of it. */
const INSIDE = /^(javascript|data|vbscript|blob|about|file):/i;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;

/** The link that opens a place; `null` where none is set, or it would not leave the page. */
export function sourceLink(template: string, root: string, file: string, line: number): string | null {
  if (!SCHEME.test(template) || INSIDE.test(template)) return null;
  const whole = file.startsWith("/") ? file : `${root.replace(/\/+$/, "")}/${file}`;
  const path = whole.replace(/^\/+/, "");
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return template
    .replaceAll("{root}/{file}", encoded)
    .replaceAll("{file}", encoded)
    .replaceAll("{root}", encodeURI(root.replace(/^\/+|\/+$/g, "")))
    .replaceAll("{line}", String(line));
}
