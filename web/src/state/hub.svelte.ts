/** What the hub says of itself: functions, instances, probes, schema, pulse; kept fresh by its live events. */
import {
  asFailure,
  KEY_REFUSED,
  fetchFunctions,
  fetchInstances,
  fetchProbes,
  fetchSchema,
} from "../api/client";
import { listenLive } from "../api/live";
import type {
  Failure,
  FunctionEntry,
  Instance,
  InstanceLoad,
  LiveEvent,
  Probe,
  Pulse,
  Schema,
} from "../api/types";
import { clock } from "./clock.svelte";

/** Pulses kept for the header's line: one minute of them. */
const MAX_PULSES = 60;
/** Changes that come within this time are asked for together. */
const GATHER_MS = 150;

export type Connection = "connecting" | "connected" | "lost";

class Hub {
  functions = $state.raw<FunctionEntry[]>([]);
  functionsPartial = $state<string | null>(null);
  instances = $state.raw<Instance[]>([]);
  /** What capturing takes in instances where it was told after they were asked for. */
  loads = $state.raw<ReadonlyMap<string, InstanceLoad>>(new Map());
  probes = $state.raw<Probe[]>([]);
  schema = $state.raw<Schema>({ tables: [], statements: [] });
  pulses = $state.raw<Pulse[]>([]);
  connection = $state<Connection>("connecting");
  retryAt = $state(0);
  /** Whether functions and instances were answered once: before, nothing is known to be empty. */
  known = $state(false);
  failure = $state.raw<Failure | null>(null);
  /** The hub asks for a key that this page does not have. */
  keyWanted = $state(false);

  readonly pulse = $derived(this.pulses.at(-1));
  readonly connectedInstances = $derived(this.instances.filter((instance) => instance.connected));
  readonly paths = $derived(this.functions.map((entry) => entry.function));
  readonly services = $derived(servicesOf(this.functions, this.instances));
  readonly runningProbes = $derived(this.probes.filter(isRunning));
  readonly probesById = $derived(new Map(this.probes.map((probe) => [probe.id, probe])));

  #stop: () => void = () => undefined;
  /** Loads that were told since instances were asked for last: the answer may be older. */
  #told = new Map<string, InstanceLoad>();
  #gather: ReturnType<typeof setTimeout> | undefined;

  start(): () => void {
    this.#stop = listenLive({
      event: (event) => this.#take(event),
      connected: () => this.#connected(),
      lost: (retryAt, failure) => this.#lost(retryAt, failure),
    });
    return () => this.#stop();
  }

  /** The browser knows at once when the network goes and comes: silence would tell it seconds later. */
  watchNetwork(): () => void {
    const changed = () => this.restart();
    addEventListener("offline", changed);
    addEventListener("online", changed);
    return () => {
      removeEventListener("offline", changed);
      removeEventListener("online", changed);
    };
  }

  /** Connects at once, with the key that was just given. */
  restart(): void {
    this.#stop();
    this.connection = "connecting";
    this.start();
  }

  #lost(retryAt: number, failure: Failure): void {
    this.connection = "lost";
    this.retryAt = retryAt;
    this.keyWanted = failure.code === KEY_REFUSED;
    // Asking again and again with a wrong key helps nobody.
    if (this.keyWanted) this.#stop();
  }

  /** Asks anew for functions and instances, soon. */
  refresh(): void {
    clearTimeout(this.#gather);
    this.#gather = setTimeout(() => void this.#fetch(), GATHER_MS);
  }

  /** The place of a service among all, for its colour; the same for everyone who sees the same services. */
  serviceIndex(service: string): number {
    return this.services.indexOf(service);
  }

  #connected(): void {
    this.connection = "connected";
    this.keyWanted = false;
    void this.#fetch();
    void this.#fetchOnce();
  }

  #take(event: LiveEvent): void {
    this.connection = "connected";
    if (event.event === "probes") this.#setProbes(event.probes);
    else if (event.event === "instances_changed") this.refresh();
    else if (event.event === "loads") this.#setLoads(event.instances);
    else this.#addPulse(event);
  }

  #setProbes(probes: Probe[]): void {
    const running = runningIds(this.probes);
    this.probes = probes;
    // Functions name the running probes that match them.
    if (running !== runningIds(probes)) this.refresh();
  }

  #setLoads(loads: InstanceLoad[]): void {
    for (const load of loads) this.#told.set(load.id, load);
    this.loads = new Map([...this.loads, ...this.#told]);
  }

  #addPulse(pulse: Pulse): void {
    clock.set(pulse.at);
    this.pulses = [...this.pulses, pulse].slice(-MAX_PULSES);
  }

  async #fetch(): Promise<void> {
    const told = (this.#told = new Map());
    try {
      const [functions, instances] = await Promise.all([fetchFunctions(), fetchInstances()]);
      this.functions = functions.functions;
      this.functionsPartial = functions.partial ?? null;
      this.instances = instances.instances;
      this.loads = new Map(told);
      this.known = true;
      this.failure = null;
    } catch (thrown) {
      this.failure = asFailure(thrown);
    }
  }

  async #fetchOnce(): Promise<void> {
    try {
      const [schema, probes] = await Promise.all([fetchSchema(), fetchProbes()]);
      this.schema = schema;
      this.#setProbes(probes.probes);
    } catch (thrown) {
      this.failure = asFailure(thrown);
    }
  }
}

export function isRunning(probe: Probe): boolean {
  return !probe.ended_at && probe.state !== "expired" && probe.state !== "stopped";
}

function runningIds(probes: Probe[]): string {
  return probes
    .filter(isRunning)
    .map((probe) => probe.id)
    .join(" ");
}

function servicesOf(functions: FunctionEntry[], instances: Instance[]): string[] {
  const names = new Set([...functions.map((f) => f.service), ...instances.map((i) => i.service)]);
  return [...names].sort();
}

export const hub = new Hub();
