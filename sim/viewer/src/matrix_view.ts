// SPDX-License-Identifier: GPL-2.0-only
/** The matrix: a square a pair, the worst class over its seeds; a click shows its runs. */

import { h, ms } from "./dom";
import { PATH_CLASSES, type MatrixCell, type PathClass, type Result } from "./result";

const LETTERS: Record<PathClass, string> = { direct: "D", one_way: "1", relay: "R", none: "–" };

function worst(cells: MatrixCell[]): PathClass {
  return PATH_CLASSES[Math.max(...cells.map((cell) => PATH_CLASSES.indexOf(cell.path)))] as PathClass;
}

export function matrixView(result: Result): HTMLElement {
  const cells = result.cells ?? [];
  const names = [...new Set(cells.flatMap((cell) => [cell.a, cell.b]))];
  const pairs = new Map<string, MatrixCell[]>();
  for (const cell of cells) {
    for (const key of new Set([`${cell.a}\n${cell.b}`, `${cell.b}\n${cell.a}`])) {
      const runs = pairs.get(key);
      if (runs === undefined) pairs.set(key, [cell]);
      else runs.push(cell);
    }
  }
  const detail = h("section", { id: "cell-detail", "aria-live": "polite" }, h("p", {}, "Choose a square to see its runs."));
  const show = (row: string, column: string) => detail.replaceChildren(cellDetail(result, pairs.get(`${row}\n${column}`) ?? []));

  const table = h("table", { class: "matrix" });
  const header = h("tr", {}, h("th"));
  names.forEach((name, index) => header.append(h("th", { scope: "col", title: name }, String(index + 1))));
  table.append(h("thead", {}, header));
  const body = h("tbody");
  names.forEach((row, index) => {
    const line = h("tr", {}, h("th", { scope: "row", title: row }, `${index + 1} ${row}`));
    for (const column of names) {
      const runs = pairs.get(`${row}\n${column}`);
      if (runs === undefined) {
        line.append(h("td"));
        continue;
      }
      const path = worst(runs);
      const differs = runs.some((cell) => cell.path !== path);
      const label = `${row} × ${column}: ${path}${differs ? " in the worst run" : ""}`;
      line.append(
        h("td", {}, h("button", { class: `cell ${path}`, title: label, "aria-label": label, click: () => show(row, column) },
                      differs ? "*" : LETTERS[path])),
      );
    }
    body.append(line);
  });
  table.append(body);

  const reasons = new Map<string, number>();
  for (const cell of cells) if (cell.reason !== null) reasons.set(cell.reason, (reasons.get(cell.reason) ?? 0) + 1);
  const legend = h("p", { class: "legend" });
  for (const path of PATH_CLASSES) {
    const count = cells.filter((cell) => cell.path === path).length;
    legend.append(h("span", { class: `cell ${path}` }, LETTERS[path]), ` ${path.replace("_", " ")}: ${count}   `);
  }
  legend.append("* differs between seeds");
  const why = h("table", { class: "plain" }, h("caption", {}, "Why not direct"));
  for (const [reason, count] of [...reasons].sort((a, b) => b[1] - a[1])) {
    why.append(h("tr", {}, h("td", {}, reason), h("td", { class: "number" }, String(count))));
  }
  return h("div", { class: "columns" }, h("div", { class: "scroll" }, legend, table), h("div", {}, detail, why));
}

function cellDetail(result: Result, runs: MatrixCell[]): HTMLElement {
  const first = runs[0];
  if (first === undefined) return h("p", {}, "No run of this pair.");
  const table = h("table", { class: "plain" },
    h("tr", {}, ...["seed", "path", "first packet", "time to direct", "reason"].map((title) => h("th", {}, title))));
  for (const cell of runs) {
    table.append(h("tr", {},
      h("td", { class: "number" }, String(cell.seed)), h("td", {}, h("span", { class: `cell ${cell.path}` }, LETTERS[cell.path]), ` ${cell.path}`),
      h("td", { class: "number" }, ms(cell.first_packet_ms)), h("td", { class: "number" }, ms(cell.time_to_direct_ms)),
      h("td", {}, cell.reason ?? "")));
  }
  const command = `weft-lab replay ${result.file ?? "SCENARIO"}#${first.a},${first.b} --seed ${first.seed}`;
  return h("div", {}, h("h2", {}, `${first.a} × ${first.b}`), table,
    h("p", {}, "Repeat one run: ", h("code", {}, command)));
}
