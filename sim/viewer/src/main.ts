// SPDX-License-Identifier: GPL-2.0-only
import "./style.css";
import { h } from "./dom";
import { matrixView } from "./matrix_view";
import { pairsView } from "./pairs_view";
import { readResult, traceText, type Result } from "./result";
import { timelineView } from "./timeline_view";
import { Trace } from "./trace";

interface Tab {
  name: string;
  element: HTMLElement;
  refresh?: () => void;
}

const search = h("input", { type: "search", id: "search", placeholder: "Search nodes, addresses, reasons, event numbers",
  "aria-label": "Search", input: () => current?.refresh?.() });
let current: Tab | undefined;

function heading(result: Result | null): void {
  const parts = result === null ? [] : [`commit ${result.commit}`,
    result.cells ? `${result.cells.length} cells` : `${result.runs?.length ?? 0} runs`];
  document.title = `${result?.scenario ?? "Trace"} — Weft`;
  (document.getElementById("head") as HTMLElement).replaceChildren(
    h("h1", {}, result?.scenario ?? "Trace"), h("span", { class: "facts" }, parts.join(" · ")), search);
}

function show(tab: Tab): void {
  current = tab;
  for (const button of document.querySelectorAll("#tabs button"))
    button.setAttribute("aria-selected", String(button.textContent === tab.name));
  (document.getElementById("view") as HTMLElement).replaceChildren(tab.element);
  tab.refresh?.();
}

function add(tab: Tab): Tab {
  (document.getElementById("tabs") as HTMLElement).append(h("button", { role: "tab", click: () => show(tab) }, tab.name));
  return tab;
}

async function start(): Promise<void> {
  const result = readResult();
  heading(result);
  const text = () => search.value.trim();
  const tabs: Tab[] = [];
  if (result?.cells) tabs.push(add({ name: "Matrix", element: matrixView(result) }));
  if (result?.runs) tabs.push(add({ name: "Pairs", ...pairsView(result, text) }));
  if (tabs[0]) show(tabs[0]);
  const trace_text = traceText();
  if (trace_text !== "") {
    const waiting = h("span", { class: "facts", id: "loading" });
    (document.getElementById("tabs") as HTMLElement).append(waiting);
    const trace = await Trace.read(trace_text, (share) => (waiting.textContent = `reading the trace: ${Math.round(share * 100)} %`));
    waiting.remove();
    tabs.push(add({ name: "Timeline", ...timelineView(trace, text) }));
    if (tabs.length === 1) show(tabs[0] as Tab);
  }
  if (tabs.length === 0)
    (document.getElementById("view") as HTMLElement).append(h("p", {}, "This page holds no result. `weft-lab view RESULT` writes one."));
  document.body.dataset.ready = "true";
}

void start();
