/** The documentation of what the pointer rests on. */
import { type EditorView, hoverTooltip, type Tooltip } from "@codemirror/view";
import type { Known } from "../language/completion";
import { type Doc, docOf } from "../language/docs";

const PART = /[\w:*.<>-]/;

export function hoverDocs(known: () => Known) {
  return hoverTooltip((view, at): Tooltip | null => {
    const [from, to] = wordAt(view, at);
    const text = view.state.doc.toString();
    const word = text.slice(from, to);
    // A path is one word, but so is each step of `args.sku`.
    const doc = docOf(word, text, known()) ?? docOf(word.split(/[.:*-]/)[0] ?? "", text, known());
    if (!doc || from === to) return null;
    return { pos: from, end: to, above: true, create: () => ({ dom: drawn(doc) }) };
  });
}

function wordAt(view: EditorView, at: number): [number, number] {
  const line = view.state.doc.lineAt(at);
  let [from, to] = [at - line.from, at - line.from];
  while (from > 0 && PART.test(line.text[from - 1] ?? "")) from -= 1;
  while (to < line.length && PART.test(line.text[to] ?? "")) to += 1;
  return [line.from + from, line.from + to];
}

function drawn({ title, kind, text, code }: Doc): HTMLElement {
  const box = element("div", "cm-doc", "");
  const head = element("p", "cm-doc-head", "");
  head.append(element("strong", "", title), element("span", "cm-doc-kind", kind));
  box.append(head);
  if (text) box.append(element("p", "", text));
  for (const line of code) box.append(element("code", "", line));
  return box;
}

function element(name: string, className: string, text: string): HTMLElement {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
