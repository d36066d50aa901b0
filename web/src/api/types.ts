/** Short names for the types generated from the hub's OpenAPI document; nothing is declared by hand. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type StatementAnswer = Schemas["StatementAnswer"];
export type Rows = Schemas["Rows"];
export type Column = Schemas["Column"];
export type ColumnKind = Schemas["ColumnKind"];
export type TreeColumns = Schemas["TreeColumns"];
export type Probe = Schemas["Probe"];
export type Probes = Schemas["Probes"];
export type ProbeState = Schemas["ProbeState"];
export type Selector = Schemas["Selector"];
export type FunctionEntry = Schemas["Function"];
export type Functions = Schemas["Functions"];
export type Instance = Schemas["Instance"];
export type InstanceLoad = Schemas["InstanceLoad"];
export type Instances = Schemas["Instances"];
export type Schema = Schemas["Schema"];
export type Status = Schemas["Status"];
export type LiveEvent = Schemas["LiveEvent"];
export type Pulse = Schemas["Pulse"];
export type Failure = Schemas["Failure"];
export type FailureBody = Schemas["FailureBody"];
export type TailEvent = Schemas["TailEvent"];
export type Fix = Schemas["Fix"];
export type Problem = Schemas["Problem"];
export type Position = Schemas["Position"];
export type DifferenceRequest = Schemas["DifferenceRequest"];
export type Differences = Schemas["Differences"];
export type Difference = Schemas["Difference"];
