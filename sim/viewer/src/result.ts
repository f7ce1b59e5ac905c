// SPDX-License-Identifier: GPL-2.0-only
/** The formats of docs/schema/matrix.schema.json and run.schema.json, as far as the viewer uses them. */

export type PathClass = "none" | "relay" | "one_way" | "direct";
export const PATH_CLASSES: PathClass[] = ["direct", "one_way", "relay", "none"];

export interface MatrixCell {
  a: string;
  b: string;
  seed: number;
  connected: boolean;
  path: PathClass;
  first_packet_ms: number | null;
  time_to_direct_ms: number | null;
  reason: string | null;
}

export interface Pair {
  from: string;
  to: string;
  connected: boolean;
  path: PathClass;
  first_packet_ms: number | null;
  time_to_direct_ms: number | null;
  rtt_ms: number | null;
  pings_sent: number;
  pings_answered: number;
  reason: string | null;
}

export interface Run {
  seed: number;
  pairs: Pair[];
  failures: string[];
  virtual_s: number;
}

export interface Result {
  scenario: string;
  commit: string;
  /** The scenario file as given, for the commands that repeat a run. */
  file?: string;
  cells?: MatrixCell[];
  runs?: Run[];
  wall_s?: number;
}

/** What the page was given. Empty text where nothing was put in: a page that was not written by weft-lab view. */
function embedded(id: string): string {
  const text = document.getElementById(id)?.textContent?.trim() ?? "";
  return text.startsWith("/*WEFT_") ? "" : text;
}

export function readResult(): Result | null {
  const text = embedded("weft-result");
  return text === "" ? null : (JSON.parse(text) as Result);
}

export function traceText(): string {
  return embedded("weft-trace");
}
