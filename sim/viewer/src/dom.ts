// SPDX-License-Identifier: GPL-2.0-only
/** Elements without a framework. */

type Child = Node | string | null | undefined;
type Attributes = Record<string, string | number | boolean | ((event: Event) => void)>;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

export function seconds(t_ns: number): string {
  return `${(t_ns / 1e9).toFixed(6)} s`;
}

export function ms(value: number | null): string {
  return value === null ? "–" : `${value.toFixed(1)} ms`;
}

/** A list of any length of which only the rows in sight exist. */
export class RowList<T> {
  readonly element: HTMLElement;
  private readonly space: HTMLElement;
  private rows: T[] = [];

  constructor(
    private readonly row_height: number,
    private readonly draw: (row: T, index: number) => HTMLElement,
    label: string,
  ) {
    this.space = h("div", { class: "row-space" });
    this.element = h("div", { class: "row-list", tabindex: 0, role: "list", "aria-label": label }, this.space);
    this.element.addEventListener("scroll", () => this.render());
    new ResizeObserver(() => this.render()).observe(this.element);
  }

  set(rows: T[]): void {
    this.rows = rows;
    this.space.style.height = `${rows.length * this.row_height}px`;
    this.render();
  }

  show(index: number): void {
    this.element.scrollTop = Math.max(0, index * this.row_height - this.element.clientHeight / 2);
    this.render();
  }

  render(): void {
    const first = Math.max(0, Math.floor(this.element.scrollTop / this.row_height) - 4);
    const last = Math.min(this.rows.length, first + Math.ceil(this.element.clientHeight / this.row_height) + 8);
    const drawn: HTMLElement[] = [];
    for (let index = first; index < last; ++index) {
      const row = this.draw(this.rows[index] as T, index);
      row.classList.add("row");
      row.setAttribute("role", "listitem");
      row.style.top = `${index * this.row_height}px`;
      row.style.height = `${this.row_height}px`;
      drawn.push(row);
    }
    this.space.replaceChildren(...drawn);
  }
}
