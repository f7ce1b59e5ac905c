# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 of an agent, the relay or the coordinator at random moments, again and again, under traffic.

Four machines on one Ethernet; `b` pings `a`, whose path is direct, and `c`, whose UDP is blocked, through the relay, every 20 ms.
After each restart both must answer within 3 s, the process must have loaded its state, and with the coordinator dead a restarted
agent must reach its peers from its saved map. WEFT_KILLS: how many (10), WEFT_SEED: which (1)."""

import json
import os
import pathlib
import random
import select
import statistics
import subprocess
import sys
import time

from machines import Machine, Room, eventually, pause

KILLS = int(os.environ.get("WEFT_KILLS", "10"))
SEED = int(os.environ.get("WEFT_SEED", "1"))
BAR_S = 3.0
VICTIMS = ("agent a", "agent c", "relay", "coordinator", "agent a without coordinator", "agent c without coordinator")


class Pinger:
    """Echo requests from one machine to an address; when their answers came."""

    def __init__(self, machine: Machine, address: str):
        script = str(pathlib.Path(__file__).with_name("pinger.py"))
        self.process = subprocess.Popen(machine.command(sys.executable, script, address), stdout=subprocess.PIPE)
        self.answers: list[float] = []
        self.rest = b""

    def read(self) -> None:
        while select.select([self.process.stdout], [], [], 0)[0]:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise AssertionError("the pinger has ended")
            *lines, self.rest = (self.rest + data).split(b"\n")
            self.answers += [float(line.split()[0]) for line in lines]

    def first_after(self, moment: float) -> float | None:
        self.read()
        return next((answer for answer in self.answers if answer > moment), None)

    def forget(self) -> None:
        self.answers = self.answers[-10:]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def wait_answer(pinger: Pinger, moment: float, what: str) -> float:
    """Seconds from `moment` to the first answer after it."""
    eventually(f"an answer after {what}", lambda: pinger.first_after(moment), 15)
    return pinger.first_after(moment) - moment


def build(room: Room) -> dict[str, Pinger]:
    room.start_services()
    # UDP only to and from the relay's machine does not help c: its relay speaks TCP, all other UDP is lost.
    room["c"].network("nft", "-f", "-", stdin="table inet lab { chain out { type filter hook output priority 0; oifname eth0 meta l4proto udp drop; };"
                      " chain in { type filter hook input priority 0; iifname eth0 meta l4proto udp drop; }; }")
    for name in ("a", "b", "c"):
        room.start_agent(name)
    pingers = {}
    for name, path in (("a", "direct"), ("c", "relay")):
        eventually(f"a ping of {name}", lambda name=name: room.ping("b", name, check=False))
        address = next(each for each in room[name].addresses() if ":" not in each)
        pingers[name] = Pinger(room["b"], address)
        eventually(f"b reaches {name} by {path}", lambda name=name, path=path: room["b"].peer(name).get("path") == path)
    return pingers


class Rounds:
    def __init__(self, room: Room, pingers: dict[str, Pinger]):
        self.room = room
        self.pingers = pingers
        self.random = random.Random(SEED)
        self.recovery: dict[str, list[float]] = {}
        self.over: list[str] = []

    def one(self, number: int) -> None:
        victim = self.random.choice(VICTIMS)
        moment = self.random.uniform(0, 1)
        down_for = self.random.choice((0.0, 0.3, 1.0))
        what = f"round {number} (seed {SEED}): kill {victim} after {moment:.3f} s, down for {down_for:g} s"
        pause(moment)
        orphaned = victim.endswith("without coordinator")
        head = self.room["head"]
        if orphaned:
            head.daemons["coordinator"].kill()
        machine, key = (head, victim) if victim in ("relay", "coordinator") else (self.room[victim.split()[1]], "agent")
        machine.daemons[key].kill()
        killed = time.monotonic()
        pause(down_for)
        begun = machine.daemons[key].start()
        # What must answer again: what the victim carries; the rest must not have noticed.
        touched = {"relay": ["c"], "coordinator": []}.get(victim, [machine.name])
        for name, pinger in self.pingers.items():
            took = wait_answer(pinger, begun if name in touched else killed, what)
            if name in touched:
                self.recovery.setdefault(victim, []).append(took)
            if took > BAR_S:
                self.over.append(f"{what}: {name} answered after {took:.2f} s")
        if orphaned:
            head.daemons["coordinator"].start()
        self.check_state(what, victim, machine, key)
        for pinger in self.pingers.values():
            pinger.forget()

    def check_state(self, what: str, victim: str, machine: Machine, key: str) -> None:
        """The process runs, and knows what it knew."""
        assert machine.daemons[key].process.poll() is None, f"{what}: {key} has ended\n{machine.logs()}"
        head = self.room["head"]
        if key == "agent":
            status = eventually("the agent answers", machine.status)
            assert status["self"]["id"] != 0, f"{what}: the agent has lost its place in the network"
        if victim == "coordinator":
            listed = eventually("the coordinator answers", lambda: head.weft("node", "list", "--json", socket="coordinator", check=False).stdout)
            names = sorted(node["name"] for node in json.loads(listed)["nodes"])
            assert names == ["a", "b", "c", "fra"], f"{what}: the coordinator knows {names}"

    def report(self) -> None:
        for victim, seconds in sorted(self.recovery.items()):
            print(f"{victim}: {len(seconds)} kills, back after {statistics.median(seconds):.2f} s (median), {max(seconds):.2f} s (worst)")


def main() -> int:
    if os.geteuid() != 0:
        print("needs root: network namespaces and TUN; skipped", file=sys.stderr)
        return 77
    with Room("head", "a", "b", "c") as room:
        pingers = build(room)
        rounds = Rounds(room, pingers)
        for number in range(1, KILLS + 1):
            rounds.one(number)
        rounds.report()
        for pinger in pingers.values():
            pinger.end()
        print(f"{KILLS} kills, seed {SEED}: {len(rounds.over)} answers later than {BAR_S:g} s")
        assert not rounds.over, "\n".join(rounds.over)
    return 0


if __name__ == "__main__":
    sys.exit(main())
