/** The underline below what a failure speaks of; it goes with the first change of the text. */
import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";

export interface Mark {
  from: number;
  to: number;
}

export const setFailureMark = StateEffect.define<Mark | null>();

const underline = Decoration.mark({ class: "cm-failure", attributes: { "aria-invalid": "true" } });

export const failureMark = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(setFailureMark)) return decorate(effect.value, transaction.state.doc.length);
    }
    return transaction.docChanged ? Decoration.none : marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** A failure at the very end underlines the last character. */
function decorate(mark: Mark | null, length: number): DecorationSet {
  if (!mark || length === 0) return Decoration.none;
  const from = Math.min(mark.from, length - 1);
  const to = Math.min(Math.max(mark.to, from + 1), length);
  return Decoration.set([underline.range(from, to)]);
}
