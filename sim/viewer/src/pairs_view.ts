// SPDX-License-Identifier: GPL-2.0-only
/** The pairs with traffic of a run, with what became of them. */

import { h, ms, RowList } from "./dom";
import type { Pair, Result } from "./result";

interface Row extends Pair {
  seed: number;
}

export function pairsView(result: Result, search: () => string): { element: HTMLElement; refresh: () => void } {
  const all: Row[] = (result.runs ?? []).flatMap((run) => run.pairs.map((pair) => ({ ...pair, seed: run.seed })));
  const failures = (result.runs ?? []).flatMap((run) => run.failures.map((text) => `seed ${run.seed}: ${text}`));
  const count = h("p", { id: "pair-count" });
  const list = new RowList<Row>(26, (row) =>
    h("div", { class: "pair" },
      h("span", { class: `cell ${row.path}` }, row.path.replace("_", " ")),
      h("span", {}, `${row.from} → ${row.to}`), h("span", {}, `seed ${row.seed}`),
      h("span", {}, `${row.pings_answered}/${row.pings_sent} pings`), h("span", {}, `rtt ${ms(row.rtt_ms)}`),
      h("span", {}, `direct after ${ms(row.time_to_direct_ms)}`), h("span", {}, row.reason ?? "")),
    "Pairs with traffic");
  const refresh = () => {
    const text = search();
    const rows = text === "" ? all : all.filter((row) => `${row.from} ${row.to} ${row.path} ${row.reason ?? ""}`.includes(text));
    count.textContent = `${rows.length} of ${all.length} pairs`;
    list.set(rows);
  };
  refresh();
  return {
    element: h("div", { class: "stack" },
      ...failures.map((text) => h("p", { class: "failure" }, text)), count, list.element),
    refresh,
  };
}
