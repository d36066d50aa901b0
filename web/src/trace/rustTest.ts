/**
 * A call as a Rust test. What is known of the function is its path, the names of its parameters and whether it is async; not their
 * types. The test has the compiler find these: it hands the function itself to a function that is generic over its
 * parameters, and makes each of them of JSON in the way its type allows. So it compiles for owned and borrowed parameters,
 * for texts and slices, and for types that cannot be made of JSON at all; with those it fails where it runs, and says which
 * one has to be made by hand.
 */
import { stringifyExact } from "../api/exact";
import { isPlainObject } from "../values/compact";
import { errorText } from "./error";
import { type Captured, isWhole, nameOf } from "./reproduce";

/** Letters of type parameters: as many as functions sensibly have parameters. */
const LETTERS = "ABCDEFGHIJKLMNOPQSTUVWXYZ";

const PLAIN_PATH = /^[A-Za-z_]\w*(::[A-Za-z_]\w*)+$/;

interface Argument {
  /** What the test calls it. */
  name: string;
  /** What the function calls it. */
  of: string;
  value: unknown;
}

export function rustTest(call: Captured): string {
  const given = argumentsOf(call);
  return [
    ...heading(call, given),
    ...signature(call),
    ...values(given),
    ...invocation(call, given),
    ...expectation(call),
    "",
    ...(PLAIN_PATH.test(call.function) ? helpers(given.length, isCompared(call)) : []),
    "}",
    "",
  ].join("\n");
}

function argumentsOf(call: Captured): Argument[] {
  const args = isPlainObject(call.args) ? call.args : {};
  const names = call.parameters.length > 0 ? call.parameters : Object.keys(args);
  return names
    .slice(0, LETTERS.length)
    .map((of, at) => ({ name: variable(of, at), of, value: args[of] ?? null }));
}

/** `self` and patterns have no name that a variable could have. */
function variable(name: string, at: number): string {
  if (name === "self") return "this";
  return /^[a-z_][a-z0-9_]*$/.test(name) && name !== "_" && !KEYWORDS.has(name) ? name : `argument_${at}`;
}

const KEYWORDS = new Set(
  "as async await box break const continue crate do dyn else enum extern false final fn for gen if impl in let loop macro match mod move mut pub ref return static struct super trait true try type unsafe use virtual where while yield abstract become override priv typeof unsized".split(
    " ",
  ),
);

function heading(call: Captured, given: readonly Argument[]): string[] {
  const missing = given
    .filter((argument) => !isWhole(argument.value))
    .map((argument) => `\`${argument.name}\``);
  const place = call.file
    ? [`/// Put it into ${plain(call.file)}, from where the function can be seen.`]
    : [];
  const gaps =
    missing.length > 0 ? [`/// Not captured whole: ${missing.join(", ")}. Put in what is missing.`] : [];
  return [
    `/// Call ${call.callId} of trace ${call.traceId}, as captured on ${plain(call.instance)} (${plain(`${call.service} ${call.release}`.trim())})`,
    `/// at ${call.startedAt}. It ${ended(call)}.`,
    "///",
    ...place,
    "/// It needs `serde` and `serde_json`.",
    ...gaps,
  ];
}

/** In a line of a comment nothing may end the line. */
function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}

function ended(call: Captured): string {
  const words: Record<string, string> = {
    returned: "returned",
    error: "ended in an error",
    panicked: "panicked",
    cancelled: "was cancelled",
    running: "had not ended",
  };
  return words[call.outcome] ?? "ended";
}

function signature(call: Captured): string[] {
  const name = `${identifier(nameOf(call))}_as_captured_${call.callId.slice(-8)}`;
  const panics =
    call.outcome === "panicked" ? [`#[should_panic(expected = ${text(errorText(call.error))})]`] : [];
  return call.isAsync
    ? ["#[tokio::test]", ...panics, ALLOWED, `async fn ${name}() {`]
    : ["#[test]", ...panics, ALLOWED, `fn ${name}() {`];
}

const ALLOWED = "#[allow(dead_code, clippy::all, clippy::pedantic)]";

function identifier(name: string): string {
  const plainName = name
    .replace(/\W+/g, "_")
    .replace(/^_+|_+$/g, "")
    .toLowerCase();
  return /^[a-z]/.test(plainName) ? plainName : `call_${plainName}`;
}

function values(given: readonly Argument[]): string[] {
  return given.map(({ name, value }) => `    let ${name} = ${text(json(value, 2))};`);
}

function invocation(call: Captured, given: readonly Argument[]): string[] {
  const path = call.function.replace(/^[^:]+::/, "crate::");
  if (!PLAIN_PATH.test(call.function)) return [`    todo!("call {} here", ${text(call.function)});`];
  const wait = call.isAsync ? ".await" : "";
  const taken = given.map((argument, at) => `(&&&types.${at}).given(${text(argument.of)}, ${argument.name})`);
  const types = given.length > 0 ? ["", `    let types = types_of(${path});`] : [];
  const list = taken.length > 0 ? `\n${taken.map((one) => `        ${one},\n`).join("")}    ` : "";
  return [...types, `    let returned = ${path}(${list})${wait};`];
}

function isCompared(call: Captured): boolean {
  if (!PLAIN_PATH.test(call.function)) return false;
  return expected(call) !== null;
}

/** What the function has to give again; `null` where that is not known. */
function expected(call: Captured): unknown {
  if (call.outcome === "error" && errorText(call.error)) return { error: errorText(call.error) };
  const known = call.outcome === "returned" && call.returned !== undefined && isWhole(call.returned);
  return known ? { returned: call.returned } : null;
}

function expectation(call: Captured): string[] {
  if (!PLAIN_PATH.test(call.function)) return [];
  const wanted = expected(call);
  if (wanted === null) return ["    drop(returned);"];
  return [
    "    if let Some(told) = (&&&Got(&returned)).told() {",
    `        assert_eq!(told, json::<serde_json::Value>(${text(json(wanted, 2))}));`,
    "    }",
  ];
}

/** JSON without what rustc takes for a trick in a source file: signs that turn the direction of writing. */
function json(value: unknown, indent: number): string {
  return stringifyExact(value ?? null, indent).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** As a literal, whatever is in it. */
function text(of: string): string {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(of)) return `"${of}"`;
  if (/[^\x0a\x20-\x7e\u00a1-\uffff]/.test(of)) return escaped(of);
  let fence = "#";
  while (of.includes(`"${fence}`)) fence += "#";
  return `r${fence}"${of}"${fence}`;
}

function escaped(of: string): string {
  const signs = [...of].map((sign) => {
    if (sign === "\\" || sign === '"') return `\\${sign}`;
    return /^[\x20-\x7e]$/.test(sign) ? sign : `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`;
  });
  return `"${signs.join("")}"`;
}

function helpers(parameters: number, compared: boolean): string[] {
  return [
    "    // From here on nothing is about this call: the compiler finds out of what types the parameters are.",
    "    use std::{any::type_name, marker::PhantomData};",
    "",
    "    use serde::Deserialize;",
    ...(parameters > 0 ? typesOf(parameters) : []),
    ...JSON_HELPER,
    ...(parameters > 0 ? GIVEN : []),
    ...(compared ? TOLD : []),
  ].map((line) => line.trimEnd());
}

function typesOf(parameters: number): string[] {
  const letters = [...LETTERS.slice(0, parameters)];
  const all = letters.join(", ");
  return [
    "",
    "    struct Type<T>(PhantomData<T>);",
    `    fn types_of<${all}, R>(_: fn(${all}) -> R) -> ${tuple(letters.map((letter) => `Type<${letter}>`))} {`,
    `        ${tuple(letters.map(() => "Type(PhantomData)"))}`,
    "    }",
  ];
}

/** One alone is a tuple by its comma. */
function tuple(parts: string[]): string {
  return parts.length === 1 ? `(${parts[0]},)` : `(${parts.join(", ")})`;
}

const JSON_HELPER = `
    fn json<T: Deserialize<'static>>(text: &'static str) -> T {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text} is no {}: {error}", type_name::<T>()))
    }`.split("\n");

const GIVEN = `
    fn kept<T: Deserialize<'static>>(text: &'static str) -> &'static mut T {
        Box::leak(Box::new(json(text)))
    }
    trait Reference<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T: Deserialize<'static>> Reference<&'static T> for &&Type<&'static T> {
        fn given(&self, _: &str, text: &'static str) -> &'static T {
            kept(text)
        }
    }
    impl<T: Deserialize<'static>> Reference<&'static mut T> for &&Type<&'static mut T> {
        fn given(&self, _: &str, text: &'static str) -> &'static mut T {
            kept(text)
        }
    }
    impl<T: Deserialize<'static>> Reference<&'static [T]> for &&Type<&'static [T]> {
        fn given(&self, _: &str, text: &'static str) -> &'static [T] {
            kept::<Vec<T>>(text)
        }
    }
    impl Reference<&'static str> for &&Type<&'static str> {
        fn given(&self, _: &str, text: &'static str) -> &'static str {
            kept::<String>(text)
        }
    }
    trait Owned<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T: Deserialize<'static>> Owned<T> for &Type<T> {
        fn given(&self, _: &str, text: &'static str) -> T {
            json(text)
        }
    }
    trait ByHand<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T> ByHand<T> for Type<T> {
        fn given(&self, name: &str, text: &'static str) -> T {
            panic!("make \`{name}\`, a {}, by hand: captured was {text}", type_name::<T>())
        }
    }`.split("\n");

const TOLD = `
    struct Got<'a, T>(&'a T);
    trait OfResult {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T: serde::Serialize, E: std::fmt::Display> OfResult for &&Got<'_, Result<T, E>> {
        fn told(&self) -> Option<serde_json::Value> {
            Some(match self.0 {
                Ok(value) => serde_json::json!({"returned": value}),
                Err(error) => serde_json::json!({"error": error.to_string()}),
            })
        }
    }
    trait OfValue {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T: serde::Serialize> OfValue for &Got<'_, T> {
        fn told(&self) -> Option<serde_json::Value> {
            Some(serde_json::json!({"returned": self.0}))
        }
    }
    trait Untold {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T> Untold for Got<'_, T> {
        fn told(&self) -> Option<serde_json::Value> {
            None
        }
    }`.split("\n");
