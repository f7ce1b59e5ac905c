// SPDX-License-Identifier: GPL-2.0-only
/** A trace over time: a strip of activity for each node, a scrubber, paths and NAT tables at that time, the events
 * around it, and for each event what led to it and what came of it. */

import { h, RowList, seconds } from "./dom";
import { describe, type Trace, type TraceEvent } from "./trace";

const BINS = 400;
const CONSEQUENCES = 60;

export function timelineView(trace: Trace, search: () => string): { element: HTMLElement; refresh: () => void } {
  const begin = trace.begin_ns;
  const span = Math.max(1, trace.end_ns - begin);
  let now_ns = trace.end_ns;
  let node: string | undefined;

  const scrubber = h("input", {
    type: "range", id: "scrubber", min: 0, max: 10_000, value: 10_000, "aria-label": "Time",
    input: () => {
      now_ns = begin + Math.round((Number(scrubber.value) / 10_000) * span);
      refresh();
    },
  });
  const clock = h("output", { id: "clock" });
  const bins = densities(trace, begin, span);
  let peak = 1;
  for (const strip of bins.values()) for (const count of strip) peak = Math.max(peak, count);

  const nodes = new RowList<string>(22, (name) => {
    const canvas = h("canvas", { width: BINS, height: 16 });
    drawStrip(canvas, bins.get(name) as Uint32Array, peak, (now_ns - begin) / span);
    return h("button", { class: `node${name === node ? " chosen" : ""}`, click: () => choose(name) },
      h("span", {}, name), canvas);
  }, "Nodes");
  const events = new RowList<TraceEvent>(20, (event) =>
    h("button", { class: `event ${event.kind}`, click: () => explain(event) },
      h("span", { class: "time" }, seconds(event.t_ns)), h("span", { class: "who" }, event.node), h("span", {}, describe(event))),
    "Events");
  const count = h("p", { id: "event-count" });
  const state = h("section", { id: "state" });
  const why = h("section", { id: "why", "aria-live": "polite" },
    h("p", {}, "Choose an event to see what led to it and what came of it."));

  function choose(name: string): void {
    node = node === name ? undefined : name;
    refresh();
  }

  function explain(event: TraceEvent): void {
    const line = (one: TraceEvent) =>
      h("li", { class: one.id === event.id ? "chosen" : "" },
        h("button", { class: `event ${one.kind}`, click: () => explain(one) },
          h("span", { class: "time" }, seconds(one.t_ns)), h("span", { class: "who" }, one.node), h("span", {}, describe(one))));
    const after = trace.consequences(event.id, CONSEQUENCES);
    why.replaceChildren(
      h("h2", {}, `Event ${event.id}: what led to it`), h("ol", {}, ...trace.causes(event.id).map(line)),
      h("h2", {}, after.length === 0 ? "Nothing came of it" : "What came of it"), h("ol", {}, ...after.map(line)));
  }

  function refresh(): void {
    clock.textContent = seconds(now_ns);
    nodes.set(trace.nodes);
    const text = search();
    const shown = chosenEvents(trace, node, text);
    count.textContent = `${shown.length} of ${trace.events.length} events${node === undefined ? "" : ` at ${node}`}`;
    events.set(shown);
    events.show(lastUntil(shown, now_ns));
    state.replaceChildren(stateAt(trace, now_ns, node));
  }

  refresh();
  return {
    element: h("div", { class: "timeline" },
      h("div", { class: "scrub" }, scrubber, clock),
      h("div", { class: "panes" }, nodes.element, h("div", { class: "stack" }, count, events.element),
        h("div", { class: "halves" }, why, state))),
    refresh,
  };
}

function densities(trace: Trace, begin: number, span: number): Map<string, Uint32Array> {
  const bins = new Map<string, Uint32Array>(trace.nodes.map((name) => [name, new Uint32Array(BINS)]));
  for (const event of trace.events) {
    const strip = bins.get(event.node) as Uint32Array;
    const bin = Math.min(BINS - 1, Math.floor(((event.t_ns - begin) / span) * BINS));
    strip[bin] = (strip[bin] ?? 0) + 1;
  }
  return bins;
}

function drawStrip(canvas: HTMLCanvasElement, strip: Uint32Array, peak: number, now: number): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.fillStyle = "#2166ac";
  strip.forEach((count, bin) => {
    if (count === 0) return;
    const height = Math.max(2, (Math.log(count + 1) / Math.log(peak + 1)) * 16);
    context.fillRect(bin, 16 - height, 1, height);
  });
  context.fillStyle = "#b2182b";
  context.fillRect(Math.min(BINS - 1, Math.floor(now * BINS)), 0, 1, 16);
}

function chosenEvents(trace: Trace, node: string | undefined, text: string): TraceEvent[] {
  const events = node === undefined ? trace.events : (trace.of_node.get(node) ?? []).map((id) => trace.event(id) as TraceEvent);
  if (text === "") return events;
  return events.filter((event) => event.node.includes(text) || describe(event).includes(text) || String(event.id) === text);
}

function lastUntil(events: TraceEvent[], t_ns: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle] as TraceEvent).t_ns <= t_ns) low = middle + 1;
    else high = middle;
  }
  return low;
}

function stateAt(trace: Trace, t_ns: number, node: string | undefined): HTMLElement {
  const paths = h("table", { class: "plain", id: "paths" }, h("caption", {}, "Paths at this time"),
    h("tr", {}, ...["agent", "peer", "state", "path", "reason", "endpoint"].map((title) => h("th", {}, title))));
  const told = trace.paths(t_ns).filter((event) => node === undefined || event.node === node || event.fields?.peer === node);
  for (const event of told.slice(0, 200)) {
    const field = (name: string) => String(event.fields?.[name] ?? "");
    paths.append(h("tr", {}, h("td", {}, event.node), h("td", {}, field("peer")), h("td", {}, field("state")),
      h("td", {}, h("span", { class: `cell ${field("path")}` }, field("path").replace("_", " "))), h("td", {}, field("reason")),
      h("td", {}, field("endpoint"))));
  }
  const gateway = node !== undefined && trace.of_node.get(node)?.some((id) => trace.event(id)?.kind === "translated") ? node : undefined;
  const mappings = h("table", { class: "plain", id: "mappings" }, h("caption", {}, "NAT mappings used so far, the latest first"),
    h("tr", {}, ...["gateway", "no.", "inside", "outside", "peer", "packets", "last used"].map((title) => h("th", {}, title))));
  for (const one of trace.mappings(t_ns, gateway).slice(0, 200)) {
    mappings.append(h("tr", {}, h("td", {}, one.gateway), h("td", { class: "number" }, String(one.number)), h("td", {}, one.inside),
      h("td", {}, one.outside), h("td", {}, one.peer), h("td", { class: "number" }, String(one.packets)),
      h("td", { class: "number" }, `${((t_ns - one.last_ns) / 1e9).toFixed(1)} s ago`)));
  }
  return h("div", {}, paths, mappings);
}
