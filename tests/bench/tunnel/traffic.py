# SPDX-License-Identifier: BSD-3-Clause
"""Traffic from side 0 to side 1 through a tunnel, and the figures that it gives."""

import json
import re
import statistics
import subprocess
import time
import typing

from engines import Tunnel
from machine import process_peak_mb, process_seconds
from namespaces import Namespaces, wait_until

LARGE, SMALL = 1372, 64  # bytes of UDP payload
LOAD_PORT = 5300
# Figure, and what the tables call it. The order is theirs.
FIGURES = {
    "tcp1_gbps": "TCP, one stream, Gb/s",
    "tcp4_gbps": "TCP, four streams, Gb/s",
    "cpu_s_per_gb": "CPU seconds per GB, both ends (TCP, one stream)",
    "udp_plain_gbps": f"UDP {LARGE} B, plain sender, Gb/s received",
    "udp_gso_gbps": f"UDP {LARGE} B, GSO sender, Gb/s received",
    "small_plain_kpps": f"UDP {SMALL} B, plain sender, 1000 packets/s received",
    "small_gso_kpps": f"UDP {SMALL} B, GSO sender, 1000 packets/s received",
    "ping_idle_p50_us": "ping idle p50, µs",
    "ping_idle_p99_us": "ping idle p99, µs",
    "ping_loaded_p50_us": "ping under one TCP stream p50, µs",
    "ping_loaded_p99_us": "ping under one TCP stream p99, µs",
    "rss_peak_mb": "peak RSS of one end, whole suite, MB",
}
LOWER_IS_BETTER = {"cpu_s_per_gb", "ping_idle_p50_us", "ping_idle_p99_us", "ping_loaded_p50_us", "ping_loaded_p99_us",
                   "rss_peak_mb"}


def p50(values: list[float]) -> float:
    return statistics.median(values)


def p99(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def start_iperf_server(spaces: Namespaces, address: str) -> subprocess.Popen:
    """A server for one run. One that stays refuses a client whose SYN overtakes the last word of the run before ("the
    server is busy running a test"): it looks at new connections first, and a client does not wait for it at the end."""
    server = spaces.start(1, "iperf3", "-s", "-1", "-B", address)
    wait_until("iperf3 -s", lambda: ":5201" in spaces.run(1, "ss", "-Hltn"))
    return server


class Traffic:
    def __init__(self, tunnel: Tunnel, load: str, seconds: int) -> None:
        self.tunnel, self.spaces, self.target = tunnel, tunnel.spaces, tunnel.target
        self.load, self.seconds = load, seconds

    def engine_seconds(self) -> float:
        return sum(process_seconds(process.pid) for process in self.tunnel.processes)

    def client(self, *options: object) -> list[object]:
        return ["iperf3", "-c", self.target, "-t", self.seconds, "-C", "cubic", "-J", *options]

    def tcp(self, streams: int) -> tuple[float, float]:
        """Gb/s received, and CPU seconds of both engines per GB."""
        server = start_iperf_server(self.spaces, self.target)
        before = self.engine_seconds()
        report = json.loads(self.spaces.run(0, *self.client("-P", streams), timeout=self.seconds + 30))
        if not report.get("end"):
            raise RuntimeError(f"iperf3: {report.get('error', 'no result')}")
        server.wait(20)
        received = report["end"]["sum_received"]
        return received["bits_per_second"] / 1e9, (self.engine_seconds() - before) / (received["bytes"] / 1e9)

    def udp(self, length: int, *options: str) -> dict:
        """What the receiver counted, `datagrams_per_second` and `gbps` with it."""
        address = f"{self.target}:{LOAD_PORT}"
        receiver = self.spaces.start(1, self.load, "udp-receive", address, stdout=subprocess.PIPE)
        wait_until("udp-receive", lambda: f":{LOAD_PORT}" in self.spaces.run(1, "ss", "-Hlun"))
        sent = json.loads(self.spaces.run(0, self.load, "udp-send", address, "--length", length, "--seconds",
                                          self.seconds, *options, timeout=self.seconds + 30))
        received = json.loads(receiver.communicate(timeout=30)[0])
        # A stall at the end must not make the rate better: the sender's time if it is longer.
        seconds = max(received["seconds"], sent["seconds"])
        received["sent"] = sent["datagrams"]
        received["datagrams_per_second"] = received["datagrams"] / seconds
        received["gbps"] = received["bytes"] * 8 / seconds / 1e9
        return received

    def ping(self, count: int, interval: float) -> list[float]:
        """Round trips in µs."""
        text = self.spaces.run(0, "ping", "-n", "-c", count, "-i", interval, "-W", 2, self.target,
                               timeout=count * (interval + 0.05) + 10)
        return [float(ms) * 1000 for ms in re.findall(r"time=([\d.]+) ms", text)]

    def loaded_ping(self) -> list[float]:
        server = start_iperf_server(self.spaces, self.target)
        load = self.spaces.start(0, *self.client())
        time.sleep(1)  # past slow start
        round_trips = self.ping(int((self.seconds - 2) / 0.01), 0.01)
        load.wait(self.seconds + 30)
        server.wait(20)
        return round_trips


def figures_tcp1(traffic: Traffic) -> dict:
    gbps, cpu = traffic.tcp(1)
    return {"tcp1_gbps": gbps, "cpu_s_per_gb": cpu}


def figures_idle(traffic: Traffic) -> dict:
    idle = traffic.ping(300, 0.01)
    return {"ping_idle_p50_us": p50(idle), "ping_idle_p99_us": p99(idle)}


def figures_loaded(traffic: Traffic) -> dict:
    loaded = traffic.loaded_ping()
    return {"ping_loaded_p50_us": p50(loaded), "ping_loaded_p99_us": p99(loaded)}


def figures_memory(traffic: Traffic) -> dict:
    return {"rss_peak_mb": max((process_peak_mb(process.pid) for process in traffic.tunnel.processes), default=0)}


# Each measurement, in the order in which they are taken, and the figures that it gives.
MEASUREMENTS: list[tuple[tuple[str, ...], typing.Callable[[Traffic], dict]]] = [
    (("ping_idle_p50_us", "ping_idle_p99_us"), figures_idle),
    (("tcp1_gbps", "cpu_s_per_gb"), figures_tcp1),
    (("tcp4_gbps",), lambda traffic: {"tcp4_gbps": traffic.tcp(4)[0]}),
    (("udp_plain_gbps",), lambda traffic: {"udp_plain_gbps": traffic.udp(LARGE)["gbps"]}),
    (("udp_gso_gbps",), lambda traffic: {"udp_gso_gbps": traffic.udp(LARGE, "--gso")["gbps"]}),
    (("small_plain_kpps",), lambda traffic: {"small_plain_kpps": traffic.udp(SMALL)["datagrams_per_second"] / 1e3}),
    (("small_gso_kpps",), lambda traffic: {"small_gso_kpps": traffic.udp(SMALL, "--gso")["datagrams_per_second"] / 1e3}),
    (("ping_loaded_p50_us", "ping_loaded_p99_us"), figures_loaded),
    (("rss_peak_mb",), figures_memory),
]


def measure(traffic: Traffic, wanted: set[str]) -> dict:
    found = {}
    for names, measurement in MEASUREMENTS:
        if wanted & set(names):
            found |= measurement(traffic)
    return {name: found[name] for name in FIGURES if name in found and name in wanted}
