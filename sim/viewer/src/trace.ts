// SPDX-License-Identifier: GPL-2.0-only
/** A trace (docs/trace.md) in memory: one object an event, indexed by node and by cause. */

export interface Packet {
  protocol?: string;
  from?: string;
  to?: string;
  bytes: number;
  ttl?: number;
  content?: string;
}

export interface TraceEvent {
  id: number;
  cause: number;
  t_ns: number;
  node: string;
  kind: "inner_sent" | "inner_received" | "sent" | "received" | "translated" | "dropped" | "agent";
  interface?: string;
  reason?: string;
  mapping?: number;
  was?: { from: string; to: string };
  packet?: Packet;
  level?: string;
  module?: string;
  name?: string;
  fields?: Record<string, string | number>;
}

/** What one NAT mapping looked like at some time. */
export interface Mapping {
  gateway: string;
  number: number;
  inside: string;
  outside: string;
  peer: string;
  first_ns: number;
  last_ns: number;
  packets: number;
}

const LINES_A_SLICE = 20_000;

export class Trace {
  readonly events: TraceEvent[] = [];
  readonly nodes: string[] = [];
  /** Event numbers of each node, ascending. */
  readonly of_node = new Map<string, number[]>();
  private readonly effects = new Map<number, number[]>();

  /** Reads the text in slices, so that the page answers meanwhile. */
  static async read(text: string, progress: (share: number) => void): Promise<Trace> {
    const trace = new Trace();
    let at = 0;
    let lines = 0;
    while (at < text.length) {
      const end = text.indexOf("\n", at);
      const line = text.slice(at, end < 0 ? text.length : end);
      if (line !== "") trace.add(JSON.parse(line) as TraceEvent);
      at = end < 0 ? text.length : end + 1;
      if (++lines % LINES_A_SLICE === 0) {
        progress(at / text.length);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    }
    return trace;
  }

  private add(event: TraceEvent): void {
    this.events.push(event);
    let numbers = this.of_node.get(event.node);
    if (numbers === undefined) {
      numbers = [];
      this.of_node.set(event.node, numbers);
      this.nodes.push(event.node);
    }
    numbers.push(event.id);
    if (event.cause > 0) {
      const effects = this.effects.get(event.cause);
      if (effects === undefined) this.effects.set(event.cause, [event.id]);
      else effects.push(event.id);
    }
  }

  /** Line n has event n. */
  event(id: number): TraceEvent | undefined {
    return this.events[id - 1];
  }

  get begin_ns(): number {
    return this.events[0]?.t_ns ?? 0;
  }
  get end_ns(): number {
    return this.events[this.events.length - 1]?.t_ns ?? 0;
  }

  /** How many events happened until `t_ns`, itself included. */
  count_until(t_ns: number): number {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.events[middle] as TraceEvent).t_ns <= t_ns) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** From the first cause to the event itself. */
  causes(id: number): TraceEvent[] {
    const chain: TraceEvent[] = [];
    for (let event = this.event(id); event !== undefined; event = this.event(event.cause)) chain.unshift(event);
    return chain;
  }

  /** What came of it, at most `limit` events, in order of time. */
  consequences(id: number, limit: number): TraceEvent[] {
    const found: TraceEvent[] = [];
    const waiting = [...(this.effects.get(id) ?? [])];
    while (waiting.length > 0 && found.length < limit) {
      const next = waiting.shift() as number;
      const event = this.event(next);
      if (event !== undefined) found.push(event);
      waiting.push(...(this.effects.get(next) ?? []));
    }
    return found.sort((a, b) => a.id - b.id);
  }

  /** The NAT tables as their translations up to `t_ns` show them; the one used last comes first. */
  mappings(t_ns: number, gateway?: string): Mapping[] {
    const found = new Map<string, Mapping>();
    const until = this.count_until(t_ns);
    for (let i = 0; i < until; ++i) {
      const event = this.events[i] as TraceEvent;
      if (event.kind !== "translated" || event.mapping === undefined) continue;
      if (gateway !== undefined && event.node !== gateway) continue;
      const key = `${event.node} ${event.mapping}`;
      let mapping = found.get(key);
      if (mapping === undefined) {
        const outwards = event.was?.from !== event.packet?.from;
        mapping = {
          gateway: event.node,
          number: event.mapping,
          inside: (outwards ? event.was?.from : event.packet?.to) ?? "",
          outside: (outwards ? event.packet?.from : event.was?.to) ?? "",
          peer: (outwards ? event.packet?.to : event.packet?.from) ?? "",
          first_ns: event.t_ns,
          last_ns: event.t_ns,
          packets: 0,
        };
        found.set(key, mapping);
      }
      mapping.last_ns = event.t_ns;
      ++mapping.packets;
    }
    return [...found.values()].sort((a, b) => b.last_ns - a.last_ns);
  }

  /** Each agent's last word about each peer's path up to `t_ns`. */
  paths(t_ns: number): TraceEvent[] {
    const last = new Map<string, TraceEvent>();
    const until = this.count_until(t_ns);
    for (let i = 0; i < until; ++i) {
      const event = this.events[i] as TraceEvent;
      if (event.kind === "agent" && event.name === "path") last.set(`${event.node} ${event.fields?.peer}`, event);
    }
    return [...last.values()];
  }
}

export function describe(event: TraceEvent): string {
  const packet = event.packet;
  const flow = packet === undefined ? "" : `${packet.protocol ?? "packet"} ${packet.from ?? ""} → ${packet.to ?? ""}`;
  const size = packet === undefined ? "" : `, ${packet.bytes} bytes${packet.content ? `, ${packet.content}` : ""}`;
  switch (event.kind) {
    case "agent": {
      const fields = Object.entries(event.fields ?? {}).filter(([, value]) => value !== "");
      return `${event.module}: ${event.name} ${fields.map(([key, value]) => `${key}=${value}`).join(" ")}`;
    }
    case "translated":
      return `mapping ${event.mapping ?? "–"}: ${event.was?.from} → ${event.was?.to} becomes ${packet?.from} → ${packet?.to}`;
    case "dropped":
      return `dropped (${event.reason ?? "?"}): ${flow}${size}`;
    case "inner_sent":
      return `a program sends: ${flow}${size}`;
    case "inner_received":
      return `a program gets: ${flow}${size}`;
    default:
      return `${event.kind} at ${event.interface}: ${flow}${size}`;
  }
}
