# SPDX-License-Identifier: BSD-3-Clause
"""coturn's RFC 5780 client, behind our gateway process, against coturn's server: each pure type is what its model declares.

    turnutils_natdiscovery ── lan [weft-lab gateway] wan ── turnserver on 203.0.113.1 and .3, ports 3478 and 3479
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

if os.geteuid() != 0 or not shutil.which("turnserver") or not shutil.which("turnutils_natdiscovery"):
    pytest.skip("needs root and coturn (apt install coturn)", allow_module_level=True)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "kernel"))

from gateway_lab import WEFT_LAB, GatewayLab  # noqa: E402

MAPPINGS = {"eim": "Endpoint Independent Mapping", "adm": "Address Dependent Mapping", "apdm": "Address and Port Dependent Mapping"}
FILTERINGS = {"eif": "Endpoint Independent Filtering", "adf": "Address Dependent Filtering",
              "apdf": "Address and Port Dependent Filtering"}
TYPES = [f"{mapping}-{filtering}{allocation}" for mapping in MAPPINGS for filtering in FILTERINGS
         for allocation in ("", "-random") if mapping != "eim" or not allocation]


@pytest.fixture(scope="module")
def lab():
    with GatewayLab(offloads=False) as made:
        server = made.spawn("server", "turnserver", "-n", "--no-auth", "--no-tls", "--no-dtls", "--no-cli", "--log-file", "stdout",
                            "--pidfile", str(made.folder / "turnserver.pid"), "--userdb", str(made.folder / "turn.sqlite"),
                            "-L", "203.0.113.1", "-L", "203.0.113.3", "-p", "3478", stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
        for _ in range(100):  # until all four sockets are open
            if made.inside("server", "ss", "-Hlun").count(":347") >= 4:
                break
            assert server.poll() is None, "turnserver ended"
            made.inside("server", "ss", "-Hlun")
        yield made


def discover(lab: GatewayLab, kind: str, port: int) -> str:
    """What the client prints; its own port, so that its two runs do not meet."""
    done = subprocess.run(["ip", "netns", "exec", lab.space("host"), "turnutils_natdiscovery", kind, "-L", "192.168.1.2", "-l",
                           str(port), "203.0.113.1"], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def words(text: str, kind: str) -> str:
    """The verdict, of the line `NAT with … Mapping!`; lines in between look alike but have no exclamation mark."""
    verdicts = [line.strip() for line in text.splitlines() if kind in line and line.strip().endswith("!")]
    assert verdicts, text
    return verdicts[-1]


@pytest.mark.parametrize("model", ["eim-eif", "adm-adf", "apdm-apdf-random"])
def test_our_prober_agrees_on_real_time(lab: GatewayLab, model: str) -> None:
    lab.start(model)
    try:
        found = json.loads(lab.inside("host", WEFT_LAB, "probe-nat", "--server", "203.0.113.1", "--quick", "--json"))
        mapping, filtering = model.split("-")[:2]
        assert found["mapping"].replace("_", " ") == MAPPINGS[mapping].removesuffix(" Mapping").lower()
        assert found["filtering"].replace("_", " ") == FILTERINGS[filtering].removesuffix(" Filtering").lower()
        assert found["ports"]["allocation"] == ("random" if "random" in model else "preserve")
    finally:
        assert lab.stop() == 0


@pytest.mark.parametrize("model", TYPES)
def test_classifies_as_declared(lab: GatewayLab, model: str) -> None:
    mapping, filtering = model.split("-")[:2]
    lab.start(model)
    try:
        port = 41000 + 10 * TYPES.index(model)
        with concurrent.futures.ThreadPoolExecutor() as both:
            mapped = both.submit(discover, lab, "-m", port)
            filtered = both.submit(discover, lab, "-f", port + 5)
        assert words(mapped.result(), "Mapping") == f"NAT with {MAPPINGS[mapping]}!"
        assert words(filtered.result(), "Filtering") == f"NAT with {FILTERINGS[filtering]}!"
    finally:
        assert lab.stop() == 0
