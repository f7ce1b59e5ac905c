# SPDX-License-Identifier: BSD-3-Clause
"""`weft up --topology hub`: two spokes whose traffic goes through a hub, which forwards between them and masquerades to what lies
behind it; and `--topology relay_only`."""

import os
import re

import pytest

from machines import Room, eventually, run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: network namespaces and TUN")

BEHIND = "198.51.100"  # a network behind the hub, that no other machine has a route to


def start_star(room: Room, **more: list[str]) -> None:
    """Daemons first, then `weft up` with the same flags on the hub and on the spokes."""
    room.start_services()
    for name in ("gw", "a", "b"):
        machine = room[name]
        machine.weft_daemon("agent")
        eventually("the socket is there", lambda machine=machine: machine.weft("status", check=False).returncode == 0)
        machine.weft("up", "--key", room.key, "--name", name, "--topology", "hub", "--hub", "gw", *more.get(name, []))
    for name in ("a", "b"):
        eventually(f"{name} knows all", lambda name=name: len(room[name].status()["peers"]) == 2)


def hops(room: Room, source: str, target: str, ttl: int) -> str:
    address = next(each for each in room[target].addresses() if ":" not in each)
    return run(*room[source].command("ping", "-n", "-c", "1", "-W", "2", "-t", str(ttl), address), check=False).stdout


def test_spokes_talk_through_the_hub_alone() -> None:
    with Room("head", "gw", "a", "b") as room:
        start_star(room)
        for version in (4, 6):
            eventually(f"a ping over IPv{version}", lambda version=version: room.ping("a", "b", version=version, check=False))
        eventually("a is direct with the hub", lambda: room["a"].peer("gw")["path"] == "direct")
        status = room["a"].status()
        assert (status["topology"], status["hub"]) == ("hub", "gw")
        b = room["a"].peer("b")
        assert (b["path"], b["reason"], b["relay"]) == ("relay", "by_hub", "gw")
        assert room["gw"].status()["packets"]["forwarded"] >= 4
        # The hub is a hop: it says so to who asks with TTL 1, and what arrives has one less.
        gateway = next(each for each in room["gw"].addresses() if ":" not in each)
        assert f"From {gateway}" in hops(room, "a", "b", 1)
        assert re.search(r"ttl=63\b", hops(room, "a", "b", 64))
        # One path of its own: to the hub. And what it cannot say, it says.
        refused = room["a"].weft("ping", "b", check=False)
        assert refused.returncode != 0 and "reached through the hub gw" in refused.stderr
        assert room["a"].weft("ping", "b", "-c", "1", "--layer", "icmp").returncode == 0
        # Large packets, and a hub that goes away and comes back.
        address = next(each for each in room["b"].addresses() if ":" not in each)
        room["a"].run("ping", "-n", "-c", "1", "-W", "2", "-M", "do", "-s", "1372", address)
        room["gw"].weft("down")
        assert not room.ping("a", "b", check=False)
        room["gw"].weft("up")
        eventually("the hub is back", lambda: room.ping("a", "b", check=False))
        assert room["gw"].weft("get", "hub").stdout == "gw\n", "`up` resets no setting"


def test_a_hub_masquerades_to_what_lies_behind_it() -> None:
    with Room("head", "gw", "a", "b", "server") as room:
        gw, server = room["gw"], room["server"]
        # gw ── 198.51.100.0/24 ── server, which has no route to the overlay
        gw.run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns", str(server.holder.pid))
        for machine, number in ((gw, 1), (server, 2)):
            machine.run("ip", "address", "add", f"{BEHIND}.{number}/24", "dev", "lan0")
            machine.run("ip", "link", "set", "lan0", "up")
        server.run("ip", "route", "del", "default")
        spoke = ["--behind-hub", f"{BEHIND}.0/24"]
        before = gw.traces()["filters"]
        gw.shell("sysctl -q -w net.ipv4.ip_forward=0")
        room.start_services()
        gw.weft_daemon("agent")
        eventually("the socket is there", lambda: gw.weft("status", check=False).returncode == 0)
        refused = gw.weft("up", "--key", room.key, "--topology", "hub", "--hub", "gw", "--masquerade", "on", check=False)
        assert refused.returncode != 0 and "net.ipv4.ip_forward=1" in refused.stderr, refused.stderr
        gw.shell("sysctl -q -w net.ipv4.ip_forward=1")
        gw.weft("up", "--key", room.key, "--name", "gw", "--topology", "hub", "--hub", "gw", "--masquerade", "on")
        room.start_agent("a", "--topology", "hub", "--hub", "gw", *spoke)
        reached = room["a"].command("ping", "-n", "-c", "1", "-W", "2", f"{BEHIND}.2")
        eventually("the server behind the hub", lambda: run(*reached, check=False).returncode == 0)
        assert "masquerade" in gw.traces()["filters"]
        gw.daemons["agent"].kill()
        eventually("kill -9 leaves no packet filter", lambda: gw.traces()["filters"] == before)


def test_a_default_route_leads_all_but_the_tunnel_itself_through_the_hub() -> None:
    with Room("head", "gw", "a", "server") as room:
        gw, a, server = room["gw"], room["a"], room["server"]
        # a has no route to coordinator, relay and hub but the default one, which the tunnel's own would take.
        a.shell(f"ip address del {a.v4}/24 dev eth0; ip address add {a.v4}/32 dev eth0; ip route replace default dev eth0\n"
                f"ip address del {a.v6}/64 dev eth0; ip address add {a.v6}/128 dev eth0 nodad; ip -6 route replace default dev eth0")
        gw.run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns", str(server.holder.pid))
        for machine, number in ((gw, 1), (server, 2)):
            machine.shell(f"ip address add {BEHIND}.{number}/24 dev lan0; ip address add 2001:db8:7::{number}/64 dev lan0 nodad; ip link set lan0 up")
        server.shell("ip route del default; ip -6 route del default; ip link set eth0 down")
        gw.shell("sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        before = a.traces()
        room.start_services()
        room.start_agent("gw", "--topology", "hub", "--hub", "gw", "--masquerade", "on")

        def reaches(address: str) -> bool:
            return run(*a.command("ping", "-n", "-c", "1", "-W", "1", address), check=False).returncode == 0

        def all_through_the_hub() -> None:
            for address in (f"{BEHIND}.2", "2001:db8:7::2"):
                eventually(f"{address} behind the hub", lambda address=address: reaches(address))
            eventually("a is direct with the hub", lambda: a.peer("gw")["path"] == "direct")
            assert a.status()["coordinator"]["connected"], a.status()["coordinator"]

        room.start_agent("a", "--topology", "hub", "--hub", "gw", "--behind-hub", "0.0.0.0/0,::/0")
        all_through_the_hub()
        assert "dev weft0" in a.shell("ip route get 203.0.113.9") and "dev weft0" in a.shell("ip route get 2001:db8:99::1")
        assert "dev eth0" in a.shell("ip route get 203.0.113.9 mark 0x57000000")
        # The hub restarts: its peer finds it again although nothing but the tunnel leads there.
        gw.daemons["agent"].kill()
        gw.daemons["agent"].start()
        eventually("the hub is back", lambda: reaches(f"{BEHIND}.2"))
        # kill -9 closes no way: the rules that stay lead nowhere, and go with the cleanup, or with the next start.
        a.daemons["agent"].kill()
        eventually("the device is gone", lambda: "weft0" not in a.traces()["links"])
        assert reaches(room["head"].v4) and reaches(room["head"].v6)
        a.weft("debug", "cleanup", "--state", str(a.folder / "agent"))
        assert a.traces()["rules"] == before["rules"] and a.traces()["rules6"] == before["rules6"]
        a.daemons["agent"].start()
        all_through_the_hub()
        a.daemons["agent"].kill()
        a.daemons["agent"].start()
        all_through_the_hub()
        a.weft("down")
        eventually("all is as before", lambda: all(a.traces()[what] == before[what] for what in ("rules", "rules6", "routes", "routes6")))
        # A filter that would drop the relay's answers is named.
        a.shell("sysctl -q -w net.ipv4.conf.eth0.rp_filter=1")
        a.weft("up", check=False)
        eventually("the refusal is in the log", lambda: "strict reverse path filter of eth0" in a.logs())


def test_flags_that_do_not_go_together_are_refused() -> None:
    with Room("head", "a") as room:
        room.start_services()
        room["a"].weft_daemon("agent")
        eventually("the socket is there", lambda: room["a"].weft("status", check=False).returncode == 0)
        for flags, says in ((["--topology", "hub"], "needs the name of the hub"),
                            (["--behind-hub", "10.0.0.0/8"], "behind_hub and masquerade are about the topology hub")):
            done = room["a"].weft("up", "--key", room.key, *flags, check=False)
            assert (done.returncode, says in done.stderr) == (2, True), done.stderr


def test_relay_only_looks_for_no_direct_path() -> None:
    with Room("head", "a", "b") as room:
        room.start_services()
        for name in ("a", "b"):
            room.start_agent(name, "--topology", "relay_only")
        eventually("a ping", lambda: room.ping("a", "b", check=False))
        assert room.ping("a", "b", count=3)
        for one, other in (("a", "b"), ("b", "a")):
            peer = room[one].peer(other)
            assert (peer["path"], peer["reason"], peer["endpoint"]) == ("relay", "relay_only", None)
