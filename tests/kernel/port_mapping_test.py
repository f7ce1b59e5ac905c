# SPDX-License-Identifier: BSD-3-Clause
"""Port mapping with programs that nobody here wrote: Debian's natpmpc and upnpc ask `weft-lab gateway`, and our own
clients ask Debian's miniupnpd."""

import json
import os
import subprocess

import pytest

from gateway_lab import EXTERNAL, GatewayLab, run
from lab import eventually

if os.geteuid() != 0:
    pytest.skip("needs root: network namespaces and packet sockets", allow_module_level=True)

ECHO = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', {port})); "
        "print('bound', flush=True); d, a = s.recvfrom(99); s.sendto(d, a)")
KNOCK = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2); s.bind(('203.0.113.4', 9)); "
         "s.sendto(b'knock', ('{address}', {port})); print(s.recvfrom(99))")


@pytest.fixture
def lab():
    with GatewayLab() as made:
        yield made


def reaches(lab: GatewayLab, external_port: int, internal_port: int, external: str = EXTERNAL) -> bool:
    """A datagram from an address that the host never sent to arrives, and its answer leaves by the mapped port."""
    echo = lab.spawn("host", "/usr/bin/python3", "-c", ECHO.format(port=internal_port), stdout=subprocess.PIPE)
    assert echo.stdout.readline().strip() == "bound"
    answer = lab.inside("server", "/usr/bin/python3", "-c", KNOCK.format(address=external, port=external_port), check=False)
    echo.kill()
    echo.wait()
    return f"('{external}', {external_port})" in answer


@pytest.mark.parametrize("model", ["eim-apdf", "linux-masquerade", "apdm-apdf-random"])
def test_natpmpc(lab: GatewayLab, model: str) -> None:
    lab.start(model, "--port-mapping", "nat-pmp,pcp")
    assert EXTERNAL in lab.inside("host", "natpmpc")
    assert not reaches(lab, 7001, 5001)
    out = lab.inside("host", "natpmpc", "-a", "7001", "5001", "udp", "120")
    assert "Mapped public port 7001 protocol UDP to local port 5001" in out and "time 120" in out, out
    assert reaches(lab, 7001, 5001)
    assert lab.control("show")["port_mappings"][0]["internal"] == "192.168.1.2:5001"
    lab.inside("host", "natpmpc", "-a", "7001", "5001", "udp", "0")
    assert lab.control("show")["port_mappings"] == []


def test_upnpc(lab: GatewayLab) -> None:
    public = "9.0.0.2"  # upnpc takes a gateway with a documentation address for one that is not connected
    lab.inside("server", "ip", "address", "add", "9.0.0.1/24", "dev", "eth0")
    lab.start("eim-apdf", "--port-mapping", "upnp-igd", external=(f"{public}/24",))
    out = lab.inside("host", "upnpc", "-m", "eth0", "-s")
    assert f"ExternalIPAddress = {public}" in out, out
    out = lab.inside("host", "upnpc", "-m", "eth0", "-e", "test", "-a", "192.168.1.2", "5002", "7002", "udp", "300")
    assert "is redirected to internal 192.168.1.2:5002" in out, out
    assert reaches(lab, 7002, 5002, public)
    assert "UDP  7002->192.168.1.2:5002" in lab.inside("host", "upnpc", "-m", "eth0", "-l")
    refused = lab.inside("host", "upnpc", "-m", "eth0", "-a", "192.168.1.9", "5002", "7003", "udp", "300", check=False)
    assert "failed" in refused, refused
    lab.inside("host", "upnpc", "-m", "eth0", "-d", "7002", "udp")
    assert lab.control("show")["port_mappings"] == []


def test_a_restart_forgets(lab: GatewayLab) -> None:
    lab.start("eim-apdf", "--port-mapping", "nat-pmp")
    lab.inside("host", "natpmpc", "-a", "7001", "5001", "udp", "120")
    lab.control("restart")
    assert lab.control("show")["port_mappings"] == []
    out = lab.inside("host", "natpmpc")
    assert "epoch = 0" in out or "epoch = 1" in out or "epoch = 2" in out, out


WEFT = os.environ.get("WEFT_BIN", "")
KNOCK_V6 = ("import socket; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.settimeout(2); s.bind(('2001:db8::1', {port})); "
            "s.sendto(b'knock', ('fd00:1::2', 5003)); print(s.recvfrom(99))")
ECHO_V6 = ECHO.replace("AF_INET", "AF_INET6").replace("0.0.0.0", "::")


def test_a_pinhole_over_ipv6_is_open_while_our_client_holds_it(lab: GatewayLab) -> None:
    """IPv6 passes a gateway that translates IPv4 alone, behind its filter; PCP opens the host's own endpoint there."""
    lab.start("eim-apdf", "--port-mapping", "pcp")
    link = json.loads(lab.inside("gw", "ip", "-j", "-6", "address", "show", "dev", "wan", "scope", "link"))
    via = link[0]["addr_info"][0]["local"]
    lab.inside("server", "ip", "-6", "route", "add", "fd00:1::/64", "via", via, "dev", "eth0")

    def open_to(port: int) -> bool:
        echo = lab.spawn("host", "/usr/bin/python3", "-c", ECHO_V6.format(port=5003), stdout=subprocess.PIPE)
        assert echo.stdout.readline().strip() == "bound"
        answer = lab.inside("server", "/usr/bin/python3", "-c", KNOCK_V6.format(port=port), check=False)
        echo.kill()
        echo.wait()
        return "('fd00:1::2', 5003" in answer

    assert not open_to(9)
    client = lab.spawn("host", WEFT, "debug", "portmap", "5003", "--ipv6", stdout=subprocess.PIPE)
    states = []
    for line in client.stdout:
        states.append(json.loads(line))
        if states[-1]["state"] in ("mapped", "unavailable"):
            break
    assert states[-1]["state"] == "mapped" and states[-1]["method"] == "pcp", states
    assert states[-1]["external"] == "[fd00:1::2]:5003", states
    assert open_to(10)
    client.terminate()
    assert client.wait(10) == 0
    eventually("the pinhole is withdrawn", lambda: lab.control("show")["port_mappings"] == [])
    assert not open_to(11)


# --- our clients and Debian's miniupnpd, which maps in the kernel of the gateway's namespace ---

TABLES = """
table inet filter {
  chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname "lan" accept; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
  chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd; oifname "wan" masquerade; }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
}
"""
CONFIG = """
ext_ifname=wan
listening_ip=lan
enable_natpmp=yes
enable_upnp=yes
secure_mode=yes
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
lease_file={folder}/leases
uuid=77656674-0000-4000-8000-0000000000ff
allow 1024-65535 192.168.1.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""
PUBLIC = "9.0.0.2"  # miniupnpd maps nothing on a documentation address


@pytest.fixture
def miniupnpd(lab: GatewayLab) -> GatewayLab:
    lab.inside("gw", "sysctl", "-qw", "net.ipv4.ip_forward=1")
    lab.inside("gw", "ip", "address", "add", f"{PUBLIC}/24", "dev", "wan")
    lab.inside("gw", "ip", "route", "add", "203.0.113.0/24", "dev", "wan")
    lab.inside("server", "ip", "address", "add", "9.0.0.1/24", "dev", "eth0")
    lab.inside("gw", "nft", "-f", "-", stdin=TABLES)
    config = lab.folder / "miniupnpd.conf"
    config.write_text(CONFIG.format(folder=lab.folder))
    with open(lab.folder / "miniupnpd.log", "wb") as log:
        daemon = lab.spawn("gw", "miniupnpd", "-d", "-f", str(config), "-P", str(lab.folder / "pid"), stdout=log, stderr=log)
    yield lab
    daemon.terminate()
    daemon.wait(10)


@pytest.mark.parametrize("method", ["pcp", "nat-pmp", "upnp-igd", "auto"])
def test_our_clients_and_miniupnpd(miniupnpd: GatewayLab, method: str) -> None:
    lab = miniupnpd
    client = lab.spawn("host", WEFT, "debug", "portmap", "5003", "--method", method, stdout=subprocess.PIPE)
    states = []
    for line in client.stdout:
        states.append(json.loads(line))
        if states[-1]["state"] in ("mapped", "unavailable"):
            break
    log = (lab.folder / "miniupnpd.log").read_text()[-2000:]
    assert states[-1]["state"] == "mapped", (states, log)
    assert states[-1]["method"] == ("pcp" if method == "auto" else method)
    address, port = states[-1]["external"].split(":")
    assert address == PUBLIC and states[-1]["lifetime_s"] == 3600, states
    assert reaches(lab, int(port), 5003, PUBLIC), lab.inside("gw", "nft", "list", "ruleset")
    client.terminate()
    assert client.wait(10) == 0
    rules = lab.inside("gw", "nft", "list", "chain", "inet", "filter", "prerouting_miniupnpd")
    assert "5003" not in rules, rules


def test_the_agent_is_reached_through_miniupnpd(miniupnpd: GatewayLab) -> None:
    """A candidate once a relay has come through, told by netcheck; the rule goes with the agent."""
    lab, outside = miniupnpd, "9.0.0.1"
    socket = {name: str(lab.folder / f"{name}.sock") for name in ("coordinator", "agent")}
    state = {name: str(lab.folder / name) for name in ("coordinator", "relay", "agent")}
    lab.spawn("server", WEFT, "coordinator", "--listen", f"{outside}:443", "--state", state["coordinator"],
              "--socket", socket["coordinator"], stderr=subprocess.DEVNULL)
    token = eventually("the coordinator makes a key", lambda: run(
        WEFT, "key", "create", "--reusable", "--socket", socket["coordinator"], check=False).strip())
    lab.spawn("server", WEFT, "relay", "--key", token, "--listen", f"{outside}:8443", "--state", state["relay"],
              stderr=subprocess.DEVNULL)
    agent = lab.spawn("host", WEFT, "agent", "--up", "--key", token, "--state", state["agent"], "--socket", socket["agent"],
                      stderr=subprocess.DEVNULL)

    def verified() -> dict | None:
        out = run(WEFT, "netcheck", "--format", "json-line", "--socket", socket["agent"], check=False)
        found = json.loads(out) if out else {}
        return found if found.get("port_mapping", {}).get("state") == "verified" else None

    found = eventually("a relay comes through the mapping", verified)
    mapping = found["port_mapping"]
    assert mapping["method"] == "pcp" and mapping["relay_sees"] == PUBLIC, mapping
    assert mapping["endpoint"].startswith(f"{PUBLIC}:"), mapping
    assert {"kind": "port_mapped", "endpoint": mapping["endpoint"]} in found["candidates"]
    rules = ("nft", "list", "chain", "inet", "filter", "prerouting_miniupnpd")
    assert str(found["udp_port"]) in lab.inside("gw", *rules)
    agent.terminate()
    assert agent.wait(10) == 0
    eventually("the mapping is withdrawn", lambda: str(found["udp_port"]) not in lab.inside("gw", *rules))
