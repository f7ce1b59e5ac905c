# SPDX-License-Identifier: BSD-3-Clause
"""An agent that gets out by an HTTP proxy alone, Debian's tinyproxy on its gateway, which asks for a password."""

import os
import shutil
import subprocess

import pytest

from lab import WEFT, Lab, eventually


def test_an_agent_behind_a_connect_proxy_is_connected_by_relay() -> None:
    with Lab("connect-proxy", "linux-masquerade", proxy="http://agent:secret@192.168.1.1:3128") as lab:
        lab.ping("a", "b")
        for site in ("a", "b"):
            eventually(f"host-{site} is on the relay", lambda site=site: lab.path(site) == "relay")
        eventually("the reason is known", lambda: lab.peer("a")["reason"] == "udp_blocked_local")
        assert lab.status("a")["self"]["relay_transport"] == "stream"
        lab.send_through_tcp("a", "b", 1 << 20)
        lab.send_through_tcp("b", "a", 1 << 20)


def test_a_wrong_password_is_named_and_ends_up_with_code_12() -> None:
    with Lab("connect-proxy", "linux-masquerade", proxy="http://agent:secret@192.168.1.1:3128") as lab:
        agent = lab.daemons[2]
        agent.terminate()
        assert agent.wait(10) == 0
        shutil.rmtree(lab.folder / "agent-a")
        lab.start_daemon("host-a", "agent-a", "agent", "--state", str(lab.folder / "agent-a"), "--socket", lab.socket("agent-a"),
                         HTTPS_PROXY="http://agent:wrong@192.168.1.1:3128")
        eventually("the agent answers", lambda: lab.status("a"))
        up = run_weft("up", "--key", lab.token, "--name", "host-a", "--socket", lab.socket("agent-a"))
        assert up.returncode == 12, up.stderr
        assert "through the HTTP proxy http://192.168.1.1:3128: the proxy answered 40" in up.stderr  # tinyproxy says 401
        assert "user and password" in up.stderr and "wrong@" not in up.stderr


def test_a_proxy_that_cannot_be_used_is_refused_at_once(tmp_path) -> None:
    for url, words in (("https://proxy:3128", "only http:// is spoken"), ("http://proxy:0", "no port")):
        done = run_weft("agent", "--state", str(tmp_path), "--socket", str(tmp_path / "s"), HTTPS_PROXY=url)
        assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1, done.stderr


def run_weft(*arguments: str, **environment: str):
    return subprocess.run([WEFT, *arguments], capture_output=True, text=True, timeout=30, env={**os.environ, **environment})


if os.geteuid() != 0 or shutil.which("tinyproxy") is None:
    pytestmark = pytest.mark.skip(reason="needs root (network namespaces, nftables, TUN) and tinyproxy")
