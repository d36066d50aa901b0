/** A statement laid out: words in capitals, a line for each clause. What is quoted or commented is left as it is. */
import { OWN_WORDS, SQL_WORDS } from "./dialect";
import { firstWord } from "./statement";

interface Token {
  text: string;
  kind: "word" | "blank" | "line comment" | "quoted" | "sign";
}

const TOKEN =
  /(\s+)|(--[^\n]*)|(\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*'?|"(?:[^"]|"")*"?)|([\p{L}\p{N}_]+)|(->>|->|::|<=|>=|<>|!=|\|\||[\s\S])/gu;

/** Names of functions and columns that are words of SQL as well stay as they were written. */
const LEFT = new Set([
  "COUNT",
  "SUM",
  "AVG",
  "MIN",
  "MAX",
  "NOW",
  "DATE_TRUNC",
  "APPROX_PERCENTILE_CONT",
  "TIMESTAMP",
]);
const CAPITALS = new Set(
  [...SQL_WORDS, "USING", "OUTER", "CROSS", "RIGHT", "FULL"].filter((word) => !LEFT.has(word)),
);

/** What a clause of SQL begins with. */
const CLAUSES = [
  "FROM",
  "WHERE",
  "GROUP",
  "HAVING",
  "ORDER",
  "LIMIT",
  "OFFSET",
  "UNION",
  "JOIN",
  "LEFT",
  "INNER",
];
const CONDITIONS = new Set(["AND", "OR"]);

/** The same statement, easier to read. Formatting it again changes nothing. */
export function format(statement: string): string {
  const own = !["SELECT", "WITH", "EXPLAIN", "VALUES"].includes(firstWord(statement));
  const capitals = own ? new Set([...OWN_WORDS, ...CAPITALS]) : CAPITALS;
  const layout = new Layout(own);
  const all = tokens(statement);
  for (const [place, token] of all.entries()) {
    if (token.kind === "blank") layout.blank();
    else layout.add(isName(all, place) ? token : inCapitals(token, capitals), token.kind);
  }
  return layout.text();
}

function tokens(statement: string): Token[] {
  return Array.from(statement.matchAll(TOKEN), (match): Token => {
    const [text, blank, comment, , quoted, word] = match;
    if (blank !== undefined) return { text, kind: "blank" };
    if (comment !== undefined) return { text, kind: "line comment" };
    if (quoted !== undefined) return { text, kind: "quoted" };
    return { text, kind: word === undefined ? "sign" : "word" };
  });
}

/** Parts of paths and of values (`a::on`, `args.for`, `class=all`) are names, whatever word they are. */
function isName(all: readonly Token[], place: number): boolean {
  const joins = /^(::|:|\.|\*|=|-)$/;
  const [before, after] = [all[place - 1], all[place + 1]];
  return joins.test(before?.text ?? "") || /^(::|\.)$/.test(after?.text ?? "");
}

function inCapitals(token: Token, capitals: ReadonlySet<string>): Token {
  const upper = token.text.toUpperCase();
  return token.kind === "word" && capitals.has(upper) ? { ...token, text: upper } : token;
}

class Layout {
  #lines: string[] = [""];
  #depth = 0;
  #blank = false;
  /** The `AND` of `BETWEEN a AND b` begins no line. */
  #between = false;
  #last = "";

  constructor(readonly own: boolean) {}

  blank(): void {
    this.#blank = true;
  }

  add({ text }: Token, kind: Token["kind"]): void {
    if (text === ")") this.#depth -= 1;
    if (kind === "word" && this.#begins(text)) this.#newLine();
    else if (this.#blank && this.#line !== "") this.#append(" ");
    this.#append(text);
    if (text === "(") this.#depth += 1;
    if (kind === "line comment") this.#newLine();
    this.#blank = false;
    this.#last = text;
  }

  text(): string {
    return this.#lines
      .map((line) => line.trimEnd())
      .filter(Boolean)
      .join("\n");
  }

  get #line(): string {
    return (this.#lines.at(-1) ?? "").trim();
  }

  #append(text: string): void {
    this.#lines.push((this.#lines.pop() ?? "") + text);
  }

  #newLine(): void {
    this.#lines.push("");
  }

  /** Whether a word begins a line; within parentheses none does. */
  #begins(word: string): boolean {
    if (this.#line === "" || this.#depth > 0) return false;
    if (word === "BETWEEN") this.#between = true;
    if (CONDITIONS.has(word)) {
      const begins = !this.#between && !this.own;
      this.#between = false;
      if (begins) this.#newLine();
      if (begins) this.#append("  ");
      return false;
    }
    if (word === "JOIN" && /^(LEFT|INNER|OUTER|FULL|RIGHT|CROSS)$/.test(this.#last)) return false;
    return !this.own && CLAUSES.includes(word);
  }
}
