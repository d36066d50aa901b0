/** What is loaded when the first trace is looked at. */
export { default as TraceLoader } from "./TraceLoader.svelte";
export { default as TraceView } from "./TraceView.svelte";
