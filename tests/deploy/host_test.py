# SPDX-License-Identifier: BSD-3-Clause
"""What an agent does to its host and what the host does to it: neighbours in 100.64.0.0/10, devices that stay, kill -9, suspend,
interfaces that come and go, a network of IPv6 alone."""

import os
import signal

import pytest

from machines import Room, eventually, run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: network namespaces and TUN")


OURS = "proto 87"  # of our routes (mesh/host/linux_routes.h)


def start_pair(room: Room, **services) -> None:
    room.start_services(**services)
    for name in ("a", "b"):
        room.start_agent(name)
    eventually("a knows b", lambda: room["a"].peer("b"))


def test_a_network_of_ipv6_alone() -> None:
    with Room("head", "a", "b", families="6") as room:
        start_pair(room, address=room["head"].v6)
        for version in (4, 6):
            eventually(f"a ping over IPv{version}", lambda version=version: room.ping("a", "b", version=version, check=False))
        eventually("direct", lambda: room["a"].peer("b")["path"] == "direct")
        assert room["a"].peer("b")["endpoint"].startswith("[2001:db8::")


def test_a_neighbour_in_the_same_address_space_keeps_it() -> None:
    with Room("head", "a", "b") as room:
        start_pair(room)
        eventually("a ping", lambda: room.ping("a", "b", check=False))
        peer = next(each for each in room["b"].addresses() if ":" not in each)
        neighbour = peer.rsplit(".", 1)[0]  # another VPN with the /24 in which b's address lies
        a = room["a"]
        a.run("ip", "link", "add", "wt0", "type", "veth", "peer", "name", "wt0-end")
        a.run("ip", "link", "set", "wt0-end", "up")
        a.run("ip", "address", "add", f"{neighbour}.1/24", "dev", "wt0")
        a.run("ip", "link", "set", "wt0", "up")
        conflicts = eventually("status tells of it", lambda: a.status()["conflicts"])
        assert conflicts == [{"interface": "wt0", "prefix": f"{neighbour}.0/24", "addresses": 1}]
        assert f"wt0 uses {neighbour}.0/24 too" in a.weft("status").stdout
        assert "dev wt0" in a.run("ip", "route", "get", peer).stdout, "the neighbour's address is led into our device"
        assert room.ping("a", "b", version=6), "IPv6 does not work beside the neighbour"
        a.run("ip", "link", "del", "wt0")
        eventually("the address is ours again", lambda: not a.status()["conflicts"] and room.ping("a", "b", check=False))


def test_a_neighbour_that_was_there_first_keeps_its_addresses() -> None:
    with Room("head", "a") as room:
        a = room["a"]
        a.run("ip", "link", "add", "wt0", "type", "veth", "peer", "name", "wt0-end")
        a.run("ip", "link", "set", "wt0-end", "up")
        a.run("ip", "address", "add", "100.64.0.1/10", "dev", "wt0")
        a.run("ip", "link", "set", "wt0", "up")
        room.start_services()
        room.start_agent("a")
        ours = a.run("ip", "-o", "address", "show", "dev", "weft0").stdout
        assert "inet6" in ours and "inet " not in ours, ours


def test_kill_9_leaves_nothing_on_the_host() -> None:
    with Room("head", "a", "b") as room:
        clean = room["a"].traces()
        start_pair(room)
        assert room["a"].traces() != clean
        room["a"].daemons["agent"].kill()
        assert room["a"].traces() == clean


def test_a_device_that_stays_is_cleaned_up_after_kill_9() -> None:
    with Room("head", "a", "b") as room:
        a = room["a"]
        a.run("ip", "tuntap", "add", "dev", "weft0", "mode", "tun")
        a.run("ip", "address", "add", "198.51.100.7/32", "dev", "weft0")  # somebody else's, which stays
        a.run("ip", "link", "set", "weft0", "up", "addrgenmode", "none")
        before = a.traces()
        start_pair(room)
        a.daemons["agent"].kill()
        assert OURS in a.traces()["routes"] + a.traces()["routes6"], "a killed agent cannot have cleaned up"
        cleanup = ["debug", "cleanup", "--state", str(a.folder / "agent")]
        a.weft(*cleanup)
        after = a.traces()
        assert after["addresses"] == before["addresses"]
        assert OURS not in after["routes"] + after["routes6"]
        a.daemons["agent"].start()
        eventually("the agent is back", lambda: a.status().get("self", {}).get("addresses"))
        assert a.weft(*cleanup, check=False).returncode == 1, "it must leave a running agent alone"
        assert a.daemons["agent"].end() == 0
        assert OURS not in a.traces()["routes"] + a.traces()["routes6"], "an orderly end leaves routes"


def test_a_stopped_machine_goes_on_when_it_wakes() -> None:
    with Room("head", "a", "b") as room:
        start_pair(room)
        eventually("a ping", lambda: room.ping("a", "b", check=False))
        for name in ("a", "b"):
            os.kill(room[name].daemons["agent"].process.pid, signal.SIGSTOP)
        assert not room.ping("a", "b", count=3, check=False)
        for name in ("a", "b"):
            os.kill(room[name].daemons["agent"].process.pid, signal.SIGCONT)
        eventually("a ping after the pause", lambda: room.ping("a", "b", check=False), 3)


def test_the_interface_goes_and_comes_back_with_another_address() -> None:
    with Room("head", "a", "b") as room:
        start_pair(room)
        eventually("a ping", lambda: room.ping("a", "b", check=False))
        a = room["a"]
        a.run("ip", "link", "set", "eth0", "down")
        a.run("ip", "address", "flush", "dev", "eth0")
        assert not room.ping("a", "b", check=False)
        a.run("ip", "address", "add", "192.0.2.99/24", "dev", "eth0")
        a.run("ip", "link", "set", "eth0", "up")
        a.run("ip", "route", "replace", "default", "dev", "eth0")
        eventually("a ping from the new address", lambda: room.ping("a", "b", check=False), 10)
        eventually("direct from the new address", lambda: room["b"].peer("a")["endpoint"] or "").startswith("192.0.2.99:")
