#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws the tables of the NATs of a run over time: a line for each mapping, with a bar while packets use it. Takes the trace of
`weft-lab run --trace` (docs/trace.md), or the short form of it that --table writes."""

import json
import pathlib

import plot_style as style
from plot_style import plt

PAUSE_S = 5.0  # two packets further apart are two bars


def tables_of(trace: pathlib.Path, began_s: float) -> dict:
    """What the gateways' mappings were used for: {"gateways": {name: [{"mapping", "inside", "outside", "protocol", "spans":
    [[first_s, last_s, packets], ...]}, ...]}}, in seconds since traffic began."""
    gateways: dict[str, dict[int, dict]] = {}
    try:
        with open(trace, encoding="utf-8") as lines:
            for line in lines:
                if '"kind":"translated"' not in line or '"mapping":' not in line:
                    continue
                event = json.loads(line)
                outward = event["interface"] == "inside"  # where it came in
                was, now = event["was"], event["packet"]
                inside, outside = (was["from"], now["from"]) if outward else (now["to"], was["to"])
                mapping = gateways.setdefault(event["node"], {}).setdefault(
                    event["mapping"], {"mapping": event["mapping"], "protocol": now["protocol"], "inside": inside, "outside": outside, "spans": []})
                add_use(mapping["spans"], round(event["t_ns"] / 1e9 - began_s, 3))
    except (OSError, ValueError, KeyError) as error:
        style.refuse(f"{trace}: is not a trace of weft-lab run --trace ({error}); name one")
    return {"version": 1, "gateways": {name: list(mappings.values()) for name, mappings in gateways.items()}}


def add_use(spans: list[list], at_s: float) -> None:
    if spans and at_s - spans[-1][1] <= PAUSE_S:
        spans[-1][1] = at_s
        spans[-1][2] += 1
    else:
        spans.append([at_s, at_s, 1])


def draw(axes: plt.Axes, name: str, mappings: list[dict], most: int) -> None:
    """Mappings by their first use; those with the fewest packets are left out beyond `most`."""
    packets = {mapping["mapping"]: sum(span[2] for span in mapping["spans"]) for mapping in mappings}
    kept = sorted(sorted(mappings, key=lambda each: -packets[each["mapping"]])[:most], key=lambda each: each["spans"][0][0])
    for y, mapping in enumerate(kept):
        udp = mapping["protocol"] == "udp"
        for begin, end, count in mapping["spans"]:
            axes.barh(y, max(end - begin, 0.4), left=begin, height=0.62, facecolor="#17456f" if udp else "#f2c879",
                      hatch="" if udp else "////", edgecolor=style.HATCH_COLOUR, linewidth=0.5)
        axes.text(mapping["spans"][-1][1] + 1, y, f"{packets[mapping['mapping']]} packets", va="center", fontsize=7)
    axes.set_yticks(range(len(kept)), [f"{each['protocol']:>4} {each['inside']} → {each['outside']}" for each in kept], fontsize=7, family="monospace")
    axes.set_ylim(len(kept) - 0.4, -0.6)
    axes.grid(False, axis="y")
    left = f", the {most} busiest" if len(mappings) > most else ""
    axes.set_title(f"{name}: {len(mappings)} mappings{left}", loc="left", pad=16)


def main() -> None:
    options = style.parser(__doc__)
    options.add_argument("trace", type=pathlib.Path, help="NDJSON trace, or a file of --table")
    options.add_argument("--run", type=pathlib.Path, help="run.json of the same run, for the moment when traffic began")
    options.add_argument("--gateway", action="append", help="show only these; default all")
    options.add_argument("--most", type=int, default=12, help="mappings of each gateway; default %(default)s")
    options.add_argument("--scenario", type=pathlib.Path, help="the scenario's file, for its events")
    options.add_argument("--table", type=pathlib.Path, help="also write the table over time as JSON")
    given = options.parse_args()
    if given.trace.suffix == ".json":
        table = style.read(given.trace, "gateways")
    else:
        run = style.read(given.run, "runs")["runs"][0] if given.run else {"traffic_began_s": 0.0}
        table = tables_of(given.trace, run["traffic_began_s"])
    if given.table is not None:
        lines = ",\n".join(f" {json.dumps(name)}: [\n" + ",\n".join(f"  {json.dumps(each)}" for each in mappings) + "\n ]"
                           for name, mappings in table["gateways"].items())
        given.table.write_text(f'{{"version": 1, "gateways": {{\n{lines}\n}}}}\n')
    gateways = {name: mappings for name, mappings in table["gateways"].items() if not given.gateway or name in given.gateway}
    if not gateways:
        style.refuse(f"{given.trace}: no such gateway translated anything; there are {', '.join(table['gateways']) or 'none'}")
    rows = [min(len(mappings), given.most) for mappings in gateways.values()]
    figure, many = plt.subplots(len(gateways), 1, figsize=(10, 1.2 + 0.22 * sum(rows) + 0.45 * len(rows)), sharex=True,
                                height_ratios=[count + 1 for count in rows], squeeze=False)
    for axes, (name, mappings) in zip(many[:, 0], gateways.items()):
        draw(axes, name, mappings, given.most)
        if given.scenario is not None:
            for event in style.read(given.scenario, "events")["events"]:
                axes.axvline(event["at_s"], color="#000000", linewidth=1, linestyle=(0, (1, 2)))
                axes.text(event["at_s"], -0.55, f" {event['kind'].replace('_', ' ')} {event.get('node', '')}", fontsize=7, va="bottom")
    many[-1, 0].set_xlabel("virtual time since traffic began (s)")
    many[0, 0].legend(handles=[style.Patch(facecolor="#17456f", edgecolor=style.HATCH_COLOUR, label="UDP"),
                               style.Patch(facecolor="#f2c879", hatch="////", edgecolor=style.HATCH_COLOUR, label="TCP, ICMP")],
                      loc="lower right", bbox_to_anchor=(1, 1.02), ncols=2)
    style.save(figure, given.out)


if __name__ == "__main__":
    main()
