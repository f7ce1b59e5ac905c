# SPDX-License-Identifier: BSD-3-Clause
"""Port mapping with programs that nobody here wrote: Debian's natpmpc and upnpc ask `weft-lab gateway`, and our own
clients ask Debian's miniupnpd."""

import json
import os
import subprocess

import pytest

from gateway_lab import EXTERNAL, GatewayLab, run

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
