# SPDX-License-Identifier: BSD-3-Clause
"""`weft-lab gateway` between real kernels: every protocol passes, losses and delays are what was asked for."""

import os
import re
import subprocess

import pytest

from gateway_lab import EXTERNAL, WEFT_LAB, GatewayLab, run

if os.geteuid() != 0:
    pytest.skip("needs root: network namespaces and packet sockets", allow_module_level=True)

SERVER, SERVER6 = "203.0.113.1", "2001:db8::1"
DUAL = (f"{EXTERNAL}/24", "2001:db8::2/64")


@pytest.fixture(params=[True, False], ids=["offloads", "plain"])
def lab(request):
    with GatewayLab(offloads=request.param) as made:
        yield made


@pytest.fixture
def plain():
    with GatewayLab(offloads=False) as made:
        yield made


def ping(lab: GatewayLab, target: str, *options: str) -> str:
    return lab.inside("host", "ping", "-n", "-i", "0.05", "-W", "3", *options, target)


def iperf(lab: GatewayLab, *options: str) -> str:
    server = lab.spawn("server", "iperf3", "-s", "-1", "--forceflush", stdout=subprocess.PIPE)
    for line in server.stdout:
        if "listening" in line:
            break
    return lab.inside("host", "iperf3", "-c", SERVER, *options)


def test_ping_and_arp_both_ways(lab: GatewayLab) -> None:
    lab.start("eim-apdf")
    assert " 0% packet loss" in ping(lab, SERVER, "-c", "5")
    assert EXTERNAL in lab.inside("server", "ip", "neigh")  # who else should have answered for it
    assert lab.control("show")["mappings"] >= 1
    assert lab.stop() == 0


def test_tcp_super_frames_and_unfinished_checksums(lab: GatewayLab) -> None:
    lab.start("linux-masquerade")
    iperf(lab, "-n", "40M")
    iperf(lab, "-n", "40M", "-R")
    shown = lab.control("show")
    assert shown["malformed"] == 0 and shown["outside"]["not_sent"] == 0 and shown["inside"]["not_sent"] == 0


def test_udp_of_every_size_and_fragments(lab: GatewayLab) -> None:
    lab.start("eim-apdf")
    for size in (1, 100, 1372, 1472, 4000, 20000):
        assert " 0% packet loss" in ping(lab, SERVER, "-c", "2", "-s", str(size)), size
    out = iperf(lab, "-u", "-b", "50M", "-n", "5M", "-l", "1372")
    assert "0/" in out and "(0%)" in out, out


def test_ipv6_passes_a_firewall_and_is_answered_for(plain: GatewayLab) -> None:
    plain.start("eim-apdf", external=DUAL)
    run("ip", "netns", "exec", plain.space("host"), "ping", "-n", "-c", "5", "-W", "2", SERVER6, check=False)  # IPv6 comes up later
    assert " 0% packet loss" in ping(plain, SERVER6, "-c", "3")


def test_smaller_outside_answers_too_big(plain: GatewayLab) -> None:
    for space, interface in (("gw", "wan"), ("server", "eth0")):
        plain.inside(space, "ip", "link", "set", interface, "mtu", "1300")
    plain.start("eim-apdf", external=DUAL)
    assert "mtu = 1300" in run("ip", "netns", "exec", plain.space("host"), "ping", "-n", "-c", "1", "-W", "2", "-M", "do",
                               "-s", "1400", SERVER, check=False)
    assert " 0% packet loss" in ping(plain, SERVER, "-c", "2", "-s", "1400", "-M", "dont")
    assert " 0% packet loss" in ping(plain, SERVER6, "-c", "3", "-s", "1252")


def test_delay_and_jitter(plain: GatewayLab) -> None:
    plain.start("eim-apdf", "--delay-ms", "20")
    rtts = [float(each) for each in re.findall(r"time=([\d.]+)", ping(plain, SERVER, "-c", "15"))]
    assert len(rtts) == 15
    assert min(rtts) >= 40.0 and sorted(rtts)[7] <= 60.0, rtts
    plain.control("link", delay_ms=5, jitter_ms=10)
    rtts = [float(each) for each in re.findall(r"time=([\d.]+)", ping(plain, SERVER, "-c", "20"))]
    assert min(rtts) >= 10.0 and 15.0 < sorted(rtts)[10] < 30.0, rtts


def test_loss_is_set_while_it_runs(plain: GatewayLab) -> None:
    plain.start("eim-apdf")
    plain.control("link", loss_ratio=1.0)
    assert "100% packet loss" in run("ip", "netns", "exec", plain.space("host"), "ping", "-n", "-i", "0.05", "-W", "1",
                                     "-c", "5", SERVER, check=False)
    plain.control("link", loss_ratio=0.3, loss_run=4)
    run("ip", "netns", "exec", plain.space("host"), "ping", "-n", "-i", "0.002", "-W", "1", "-c", "2000", SERVER,
        check=False)
    shown = plain.control("show")
    assert 0.2 < (shown["up"]["lost"] - 5) / 2000 < 0.4, shown["up"]


def test_rate_and_queue(plain: GatewayLab) -> None:
    plain.start("eim-apdf", "--rate-mbps", "20", "--queue-ms", "50")
    out = iperf(plain, "-t", "4", "-O", "1", "-f", "m")
    received = float(re.search(r"([\d.]+) Mbits/sec\s+receiver", out).group(1))
    assert 16 <= received <= 20.5, out


def test_restart_forgets_and_changes_address(plain: GatewayLab) -> None:
    plain.start("eim-apdf")
    ping(plain, SERVER, "-c", "1")
    assert plain.control("show")["mappings"] >= 1
    plain.control("restart", external=["203.0.113.77/24"])
    assert plain.control("show")["mappings"] == 0
    ping(plain, SERVER, "-c", "1")
    assert "203.0.113.77" in plain.inside("server", "ip", "neigh")


def test_capture_files(plain: GatewayLab) -> None:
    prefix = str(plain.folder / "seen")
    plain.start("eim-apdf", "--pcap", prefix)
    ping(plain, SERVER, "-c", "3")
    assert plain.stop() == 0
    inside = run("tcpdump", "-nr", f"{prefix}-inside.pcap", "icmp")
    outside = run("tcpdump", "-nr", f"{prefix}-outside.pcap", "icmp")
    assert inside.count("192.168.1.2 > 203.0.113.1") == 3 and outside.count(f"{EXTERNAL} > 203.0.113.1") == 3


def refusal(lab: GatewayLab, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(["ip", "netns", "exec", lab.space("gw"), WEFT_LAB, "gateway", *arguments],
                          capture_output=True, text=True, timeout=20)
    assert done.stdout == "" and done.stderr.startswith("weft-lab: ") and done.stderr.count("\n") == 1, done
    return done.returncode, done.stderr


def test_refusals(plain: GatewayLab) -> None:
    model = plain.model("eim-apdf")
    both = ("--inside", "lan", "--outside", "wan")
    cases = [
        ((*both, "--model", "nowhere.json"), "nowhere.json"),
        ((*both, "--model", model), "--external"),
        ((*both, "--model", model, "--external", "203.0.113"), "203.0.113.2/24"),
        (("--inside", "lan", "--outside", "none0", "--model", model, "--external", EXTERNAL), "none0"),
        (("--inside", "lan", "--outside", "lan", "--model", model, "--external", EXTERNAL), "both lan"),
        (("--inside", "lo", "--outside", "wan", "--model", model, "--external", EXTERNAL), "Ethernet"),
        (("--inside", "wan", "--outside", "lan", "--model", model, "--external", "192.168.1.1"), "kernel"),
        ((*both, "--model", model, "--external", EXTERNAL, "--loss-ratio", "2"), "--loss-ratio"),
        ((*both, "--model", plain.model("enterprise-connect-proxy"), "--external", EXTERNAL), "HTTP proxy"),
    ]
    for arguments, part in cases:
        code, text = refusal(plain, *arguments)
        assert code == 2 and part in text, (arguments, text)
