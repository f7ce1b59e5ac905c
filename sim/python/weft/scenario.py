# SPDX-License-Identifier: GPL-2.0-only
"""Scenario files as typed objects.

Each class is an object of docs/schema/scenario.schema.json, and each member a key of it, with the same unit in its name;
`from` and `is` are `from_` and `is_` here. None: the key is not there, and the default of docs/scenario.md holds.
"""

from __future__ import annotations

import json
import pathlib
import types
import typing
from dataclasses import dataclass, field, fields

import numpy as np

from . import _weft


@dataclass
class Part:
    """An object of a scenario file. `extra`: keys that have no member here, kept as they are."""

    extra: dict[str, typing.Any] = field(default_factory=dict, kw_only=True, repr=False)

    def to_dict(self) -> dict[str, typing.Any]:
        """As JSON has it, in the order of the members."""
        return {key: _plain(getattr(self, name)) for name, key in _keys(type(self)).items()
                if getattr(self, name) is not None} | self.extra

    @classmethod
    def from_dict(cls, value: dict[str, typing.Any]) -> typing.Self:
        """The reverse of to_dict(). Nothing is checked here; Scenario.check() does."""
        hints, names = typing.get_type_hints(cls), {key: name for name, key in _keys(cls).items()}
        known = {names[key]: _typed(hints[names[key]], item) for key, item in value.items() if key in names}
        missing = [item.name for item in _members(cls) if item.name not in known]
        return cls(**{name: None for name in missing} | known,
                   extra={key: item for key, item in value.items() if key not in names})


def _members(cls: type) -> list:
    return [item for item in fields(cls) if item.name != "extra" and item.metadata.get("json", True)]


def _keys(cls: type) -> dict[str, str]:
    """Members by name, with their key in JSON."""
    return {item.name: item.name.rstrip("_") for item in _members(cls)}


def _plain(value: typing.Any) -> typing.Any:
    if isinstance(value, Part):
        return value.to_dict()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _typed(hint: typing.Any, value: typing.Any) -> typing.Any:
    """`value` of a JSON document as the type that a member is declared with."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        parts = [each for each in arguments if isinstance(each, type) and issubclass(each, Part)]
        others = [each for each in arguments if each is not type(None) and each not in parts]
        if isinstance(value, dict) and parts:
            return _typed(parts[0], value)
        return _typed(others[0], value) if len(others) == 1 else value
    if origin is list and isinstance(value, list):
        return [_typed(arguments[0], item) for item in value]
    if origin is dict and isinstance(value, dict):
        return {key: _typed(arguments[1], item) for key, item in value.items()}
    if isinstance(hint, type) and issubclass(hint, Part) and isinstance(value, dict):
        return hint.from_dict(value)
    return value


@dataclass
class RoundTrip(Part):
    """A measured round trip between two cities, in ms."""

    between: list[str]
    rtt: float


@dataclass
class Generator(Part):
    """A graph whose shortest paths are the delays; which members count depends on kind."""

    kind: str
    seed: int | None = None
    regions: int | None = None
    arm_ms: float | None = None
    backbones: int | None = None
    regionals: int | None = None
    transits: int | None = None
    stubs: int | None = None
    core_ms: float | None = None
    regional_low_ms: float | None = None
    regional_high_ms: float | None = None
    edge_low_ms: float | None = None
    edge_high_ms: float | None = None
    side_ms: float | None = None
    alpha: float | None = None
    beta: float | None = None


@dataclass
class Topology(Part):
    """The Internet between regions. delay_ms: one way, row by row in the order of regions."""

    regions: list[str] | None = None
    delay_ms: list[list[float]] | None = None
    generator: Generator | None = None
    graphml: str | None = None
    cities: list[str] | None = None
    stretch: float | None = None
    exchange_ms: float | None = None
    rtt_ms: list[RoundTrip] | None = None
    table: str | None = None
    within_ms: float | None = None
    loss_ratio: float | None = None
    repeat_ratio: float | None = None
    hops: int | None = None


@dataclass
class Link(Part):
    """A class of access links. Delays one way in ms, rates in Mb/s, losses as a ratio from 0 to 1."""

    like: str | None = None
    delay_ms: float | None = None
    jitter_ms: float | None = None
    rate_mbps: float | None = None
    up_mbps: float | None = None
    down_mbps: float | None = None
    queue_ms: float | None = None
    loss_ratio: float | None = None
    loss_burst: int | None = None
    mtu_bytes: int | None = None
    black_hole: bool | None = None
    fragments: bool | None = None
    queue_disc: str | None = None


@dataclass
class Coordinator(Part):
    """Where the coordinator is."""

    region: str


@dataclass
class Relay(Part):
    """A relay, its region and its link."""

    name: str
    region: str
    access: str | None = None


@dataclass
class Services(Part):
    """Coordinator and relays; tls: around their streams; ipv6: they have addresses of both families."""

    coordinator: Coordinator
    relays: list[Relay]
    tls: bool | None = None
    ipv6: bool | None = None


@dataclass
class Overlay(Part):
    """Which way packets take between the nodes: mesh, hub (through the node `hub`) or relay_only."""

    topology: str
    hub: str | None = None


@dataclass
class Uplink(Part):
    """A further interface of a node, at a site of its own."""

    name: str
    nat: str
    region: str | None = None
    access: str | None = None
    ipv6: bool | None = None


@dataclass
class Node(Part):
    """A node, or with count a group NAME-1 to NAME-count, of which each seed draws others. ipv6: its site has native IPv6 beside
    IPv4; of a group also the share of its sites, from 0 to 1. relay_for_peers: carries for others, perhaps at most so many Mbit/s."""

    name: str
    region: str | dict[str, float] | None = None
    nat: str | None = None
    access: str | dict[str, float] | None = None
    count: int | None = None
    population: str | None = None
    site: str | None = None
    carrier: str | None = None
    neighbour_flows_per_s: float | None = None
    nodes_per_site: int | None = None
    teams: int | None = None
    uplinks: list[Uplink] | None = None
    sites_per_carrier: int | None = None
    ipv6: bool | float | None = None
    relay_for_peers: bool | int | None = None


@dataclass
class Traffic(Part):
    """Pings, or an application of ns-3 (docs/ns3.md), from one node or group to another."""

    kind: str
    from_: str
    to: str
    start_s: float | None = None
    interval_ms: float | None = None
    count: int | None = None
    peers: int | None = None
    partners: str | None = None
    stop_s: float | None = None
    ipv6: bool | None = None
    bytes: int | None = None
    packet_bytes: int | None = None
    rate_mbps: float | None = None
    on_s: float | None = None
    off_s: float | None = None


@dataclass
class Event(Part):
    """A line of the timeline; at_s counts from the begin of traffic."""

    at_s: float
    kind: str
    node: str | None = None
    uplink: str | None = None
    relay: str | None = None
    nat: str | None = None
    address: str | None = None
    layer: int | None = None
    between: list[str] | None = None
    rate_mbps: float | None = None
    loss_ratio: float | None = None
    mtu_bytes: int | None = None
    delay_ms: float | None = None
    site: str | None = None
    region: str | None = None
    access: str | None = None
    unsynced: str | None = None
    step_s: float | None = None
    drift_ppm: int | None = None
    ipv6: bool | None = None


@dataclass
class MatrixSpec(Part):
    """All pairs of NAT chains; the first node is in regions[0], the second in regions[1]."""

    classes: list[str]
    regions: list[str]
    access: str | None = None
    neighbour_flows_per_s: float | None = None


@dataclass
class Expectation(Part):
    """What must hold; which members count depends on kind (docs/scenario.md)."""

    kind: str
    from_: str | None = None
    to: str | None = None
    node: str | None = None
    is_: str | None = None
    via: str | None = None
    reason: str | None = None
    at_s: float | None = None
    since_s: float | None = None
    until_s: float | None = None
    at_most_ms: float | None = None
    at_most_count: int | None = None
    at_least: float | None = None
    at_most: float | None = None
    at_most_bytes_per_s: float | None = None
    at_most_per_minute: float | None = None
    at_least_bytes: int | None = None
    share_at_least: float | None = None


@dataclass
class StudyLoad(Part):
    """The networks under load of a study (docs/scenario.md); flow_s in seconds, shares from 0 to 1."""

    sites: list[int]
    share_sites: int
    peer_shares: list[float]
    nat: str
    access: str
    hub_access: str
    flow_s: float
    seeds: int


@dataclass
class Study(Part):
    """What a study of hub and mesh does besides running the scenario as each."""

    hub: str
    steady_from_s: float
    hub_dies_s: float
    hub_back_s: float
    load: StudyLoad


def _data_folder() -> pathlib.Path:
    """Where nat-models/ and scenarios/ are: the source tree's root, or the folder of the package weft-lab."""
    root = pathlib.Path(__file__).resolve().parents[3]
    return root if (root / "nat-models").is_dir() else pathlib.Path("/usr/share/weft-lab")


@dataclass
class Scenario(Part):
    """A whole scenario. `file` names it in errors, and relative folders in it (nat_models ...) are resolved against it;
    for a scenario without a file that is the scenarios folder that comes with Weft."""

    name: str
    topology: Topology
    nat: dict[str, list[str]]
    services: Services
    description: str | None = None
    access: dict[str, Link | str] | None = None
    nat_models: str | None = None
    overlay: Overlay | None = None
    populations: str | None = None
    nodes: list[Node] | None = None
    traffic: list[Traffic] | None = None
    ns3_attributes: dict[str, str] | None = None
    events: list[Event] | None = None
    matrix: MatrixSpec | None = None
    expect: list[Expectation] | None = None
    study: Study | None = None
    first_seed: int | None = None
    seeds: int | None = None
    duration_s: float | None = None
    file: pathlib.Path | None = field(default=None, kw_only=True, metadata={"json": False})

    @property
    def path(self) -> str:
        """`file`, or what stands for it."""
        return str(self.file or _data_folder() / "scenarios" / f"{self.name}.json")

    def to_json(self) -> str:
        """The text of the scenario file."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    def save(self, path: str | pathlib.Path) -> None:
        """Writes the file, which is this scenario's from now on: relative folders in it must be right from there."""
        pathlib.Path(path).write_text(self.to_json(), encoding="utf-8")
        self.file = pathlib.Path(path)

    def check(self) -> None:
        """Raises ScenarioError with the sentence of `weft-lab describe` unless it could be run."""
        self.draw(1)

    def draw(self, seed: int = 1) -> "Drawn":
        """What `seed` draws of it, without running anything. Raises ScenarioError."""
        return Drawn(json.loads(_weft.drawn(self.to_json(), self.path, seed)))


class Drawn:
    """A scenario as one seed draws it.

    regions: names, R of them. delay_ms: array (R, R), one way in ms. nodes: structured array (N,) with name, region, nat
    (models from the host outwards, + between; empty: public), access, site, group. relays: name → region. coordinator: region.
    places: latitude and longitude in degrees of the regions that are cities. pings: pairs of names, from and to.
    """

    def __init__(self, drawn: dict[str, typing.Any]) -> None:
        self.regions: list[str] = drawn["regions"]
        self.delay_ms = np.array(drawn["delay_ms"], dtype=float)
        self.relays: dict[str, str] = {each["name"]: each["region"] for each in drawn["relays"]}
        self.coordinator: str = drawn["coordinator"]
        self.places: dict[str, list[float]] = drawn["places"]
        self.pings: list[tuple[str, str]] = [(each["from"], each["to"]) for each in drawn["pings"]]
        self.seeds: int = drawn["seeds"]
        self.duration_s: float = drawn["duration_s"]
        self.has_matrix: bool = drawn["has_matrix"]
        columns = ("name", "region", "nat", "access", "site", "group")
        rows = [tuple("+".join(node[key]) if key == "nat" else node[key] for key in columns) for node in drawn["nodes"]]
        self.nodes = np.array(rows, dtype=[(key, "U128" if key == "nat" else "U64") for key in columns])


def load(path: str | pathlib.Path) -> Scenario:
    """Reads a scenario file. Raises ScenarioError, with file, JSON pointer and remedy, unless it can be run."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise _weft.ScenarioError(f"{path}: {error.strerror}; name a scenario file that can be read") from None
    except UnicodeDecodeError:
        raise _weft.ScenarioError(f"{path}: is not UTF-8; name a scenario file") from None
    _weft.drawn(text, str(path), 1)
    scenario = Scenario.from_dict(json.loads(text))
    scenario.file = pathlib.Path(path)
    return scenario
