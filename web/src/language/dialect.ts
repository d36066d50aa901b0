/** SQL as the hub speaks it, with the statements of its own, for highlighting. */
import { HighlightStyle, LanguageSupport, syntaxHighlighting } from "@codemirror/language";
import { SQLDialect } from "@codemirror/lang-sql";
import { tags } from "@lezer/highlight";

export const OWN_WORDS = [
  "TRACE",
  "UNTRACE",
  "TREE",
  "FIND",
  "SINCE",
  "SHOW",
  "FUNCTIONS",
  "INSTANCES",
  "PROBES",
  "TRACES",
  "RATE",
  "PER",
  "SECOND",
  "SAMPLE",
  "CALLS",
  "CAPTURE",
  "ITEMS",
  "DEEP",
  "BYTES",
  "KIB",
  "VALUES",
  "TEXTS",
  "ANCESTORS",
  "DESCENDANTS",
  "SIBLINGS",
  "OF",
  "FOR",
  "ON",
  "IN",
  "ALL",
];

/** The words of SQL worth offering; highlighting knows more. */
export const SQL_WORDS =
  `SELECT FROM WHERE GROUP BY ORDER LIMIT OFFSET AS AND OR NOT IN IS NULL LIKE ILIKE BETWEEN CASE WHEN THEN ELSE END
  DISTINCT HAVING JOIN LEFT INNER ON UNION WITH ASC DESC NULLS FIRST LAST COUNT SUM AVG MIN MAX INTERVAL NOW TIMESTAMP
  DATE_TRUNC APPROX_PERCENTILE_CONT EXPLAIN DESCRIBE CAST TRUE FALSE EXISTS OVER PARTITION FILTER`.split(
    /\s+/,
  );

const BUILTIN = ["COUNT", "SUM", "AVG", "MIN", "MAX", "NOW", "DATE_TRUNC", "APPROX_PERCENTILE_CONT"];

/** Names of columns (`function`, `error`, `class`) are words of SQL too; only what acts as a word is drawn as one. */
const dialect = SQLDialect.define({
  keywords: [...OWN_WORDS, ...SQL_WORDS, "USING", "RECURSIVE", "RIGHT", "FULL", "OUTER", "CROSS", "ESCAPE"]
    .filter((word) => !BUILTIN.includes(word))
    .join(" ")
    .toLowerCase(),
  builtin: BUILTIN.join(" ").toLowerCase(),
  types: "int bigint double float text varchar boolean timestamp date interval",
  operatorChars: "+-*/<>=~!@#%^&|`?:",
  doubleDollarQuotedStrings: false,
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--code-keyword)", fontWeight: "600" },
  { tag: [tags.typeName, tags.standard(tags.name)], color: "var(--code-word)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: [tags.lineComment, tags.blockComment], color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.operator, tags.punctuation, tags.paren, tags.squareBracket], color: "var(--text-muted)" },
]);

export const statementLanguage = [new LanguageSupport(dialect.language), syntaxHighlighting(colours)];
