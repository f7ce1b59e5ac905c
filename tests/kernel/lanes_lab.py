# SPDX-License-Identifier: BSD-3-Clause
"""One node and some peers on a switch, each in a network namespace with a shipped agent; the node's has several lanes.

    node (10.97.0.1) ──┐
    peer (10.97.0.2) ──┼── switch (10.97.0.254): coordinator, relay
    peer (10.97.0.3) ──┘
"""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

UNDERLAY, SWITCH = "10.97.0", "10.97.0.254"
PORT = 51999


def run(*command: object, timeout: float = 60) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def wait_until(what: str, condition, limit: float = 40) -> None:
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {limit:.0f} s")
        time.sleep(0.05)


class LanesLab:
    """`lanes[i]`: of the agent of node i; the first is the node, the others its peers."""

    def __init__(self, weft: str, lanes: list[int]) -> None:
        self.weft, self.lanes = weft, lanes
        self.names = [f"weft-lanes-{os.getpid()}-{i}" for i in range(len(lanes))]
        self.switch = f"weft-lanes-{os.getpid()}-switch"
        self.processes: list[subprocess.Popen] = []
        self.agents: list[subprocess.Popen] = []
        self.directory = tempfile.TemporaryDirectory(prefix="weft-lanes-")
        self.folder = pathlib.Path(self.directory.name)
        self.token = ""

    def __enter__(self) -> "LanesLab":
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        for name in (*self.names, self.switch):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        self.directory.cleanup()

    def build(self) -> None:
        os.makedirs("/run/netns", exist_ok=True)
        for name in (self.switch, *self.names):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", self.switch, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", self.switch, "addr", "add", f"{SWITCH}/24", "dev", "br0")
        run("ip", "-n", self.switch, "link", "set", "br0", "up")
        for i, name in enumerate(self.names):
            run("ip", "link", "add", f"port{i}", "netns", self.switch, "type", "veth", "peer", "name", "eth0", "netns", name)
            run("ip", "-n", self.switch, "link", "set", f"port{i}", "master", "br0", "up")
            run("ip", "-n", name, "addr", "add", f"{UNDERLAY}.{i + 1}/24", "dev", "eth0")
            run("ip", "-n", name, "link", "set", "eth0", "up")
        self.start(self.switch, "coordinator", "coordinator", "--listen", f"{SWITCH}:443")
        wait_until("the coordinator", (self.folder / "coordinator.sock").exists)
        self.token = run(self.weft, "key", "create", "--reusable", "--socket", self.folder / "coordinator.sock").strip()
        self.start(self.switch, "relay", "relay", "--key", self.token, "--listen", f"{SWITCH}:8443", "--stun", f"{SWITCH}:3478")
        for i in range(len(self.names)):
            self.agents.append(self.start_agent(i))
        wait_until("direct paths", self.all_direct)

    def start_agent(self, i: int, suffix: str = "") -> subprocess.Popen:
        return self.start(self.names[i], f"agent{i}{suffix}", "agent", "--up", "--key", self.token, "--name", f"node{i}{suffix}",
                          "--tun", f"wl{i}{suffix}", "--mtu", 1420, "--udp-port", PORT, "--lanes", self.lanes[i])

    def start(self, space: str, name: str, *arguments: object) -> subprocess.Popen:
        log = open(self.folder / f"{name}.log", "w")
        process = subprocess.Popen(
            ["ip", "netns", "exec", space, *map(str, (self.weft, *arguments, "--state", self.folder / name, "--socket",
                                                      self.folder / f"{name}.sock"))],
            stdout=log, stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process

    def command(self, i: int, *command: object) -> list[str]:
        return ["ip", "netns", "exec", self.names[i], *map(str, command)]

    def status(self, i: int) -> dict:
        done = subprocess.run([self.weft, "status", "--json", "--socket", str(self.folder / f"agent{i}.sock")],
                              capture_output=True)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def address(self, i: int, version: int = 4) -> str:
        return next(each for each in self.status(i)["self"]["addresses"] if (":" in each) == (version == 6))

    def all_direct(self) -> bool:
        """Node 0 and each peer, which a ping makes want each other."""
        peers = self.status(0).get("peers", [])
        if len(peers) < len(self.names) - 1:
            return False
        for peer in peers:
            if peer["path"] != "direct":
                subprocess.run(self.command(0, "ping", "-c1", "-W1", peer["addresses"][0]), capture_output=True)
        return all(peer["path"] == "direct" for peer in peers)

    def thread_seconds(self, i: int) -> list[float]:
        """Processor time of each thread of an agent, the control thread first."""
        ticks = os.sysconf("SC_CLK_TCK")
        tasks = sorted(pathlib.Path(f"/proc/{self.agents[i].pid}/task").iterdir(), key=lambda each: int(each.name))
        fields = [(task / "stat").read_text().rpartition(")")[2].split() for task in tasks]
        return [(int(field[11]) + int(field[12])) / ticks for field in fields]

    def tcp_to_node(self, seconds: int, reverse: bool = False) -> list[float]:
        """Gb/s of one TCP stream between each peer and the node, all at once."""
        peers = range(1, len(self.names))
        target = self.address(0)
        servers = [subprocess.Popen(self.command(0, "iperf3", "-s", "-1", "-B", target, "-p", 5200 + i),
                                    stdout=subprocess.DEVNULL) for i in peers]
        self.processes += servers
        wait_until("iperf3 -s", lambda: run(*self.command(0, "ss", "-Hltn")).count(":52") >= len(servers))
        options = ["-R"] if reverse else []
        clients = [subprocess.Popen(self.command(i, "iperf3", "-c", target, "-p", 5200 + i, "-t", seconds, "-J", *options),
                                    stdout=subprocess.PIPE, text=True) for i in peers]
        self.processes += clients
        rates = []
        for client in clients:
            report = json.loads(client.communicate(timeout=seconds + 40)[0])
            if "sum_received" not in report.get("end", {}):
                raise RuntimeError(f"iperf3: {report.get('error', 'no result')}")
            rates.append(report["end"]["sum_received"]["bits_per_second"] / 1e9)
        return rates

    def logs(self) -> str:
        return "\n".join(f"{file.name}:\n{file.read_text()[-3000:]}" for file in sorted(self.folder.glob("*.log")))
