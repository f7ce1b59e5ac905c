# SPDX-License-Identifier: BSD-3-Clause
"""`weft` as cmake/Containerfile builds it: it needs the C library alone, runs where there is nothing else, and makes a network."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/static"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: needs root (chroot, network namespaces)")


def _run(*command: object, **more) -> str:
    done = subprocess.run([str(each) for each in command], cwd=ROOT, capture_output=True, text=True, **more)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def _build() -> pathlib.Path:
    """With the options of the image's recipe, whatever they are."""
    recipe = (ROOT / "cmake/Containerfile").read_text().replace("\\\n", " ")
    flags = re.search(r"cmake -S /src -B /build (.*?)&&", recipe)[1]
    more = {"env": {**os.environ, "CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}}
    _run("sh", "-c", f"cmake -S . -B {BUILD} {flags} -DCMAKE_BUILD_TYPE=None", **more)
    _run("cmake", "--build", BUILD, "--target", "weft", "-j", os.cpu_count(), **more)
    return BUILD / "bin/weft"


def test_static_program_makes_a_network(tmp_path) -> None:
    program = _build()
    libraries = {pathlib.Path(path) for path in re.findall(r"(/\S+) \(0x", _run("ldd", program))}
    assert {path.name for path in libraries} == {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"} or os.uname().machine != "x86_64", libraries

    for path in (*libraries, program):
        target = tmp_path / str(path if path in libraries else "/weft").lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shown = json.loads(_run("chroot", tmp_path, "/weft", "version", "--json"))
    assert shown["version"], shown

    scenario = {"name": "static", "nat_models": str(ROOT / "nat-models"), "topology": {"regions": ["here"], "delay_ms": [[2]]},
                "nat": {"home": ["linux-masquerade"]}, "services": {"coordinator": {"region": "here"}, "relays": [{"name": "relay", "region": "here"}]},
                "nodes": [{"name": name, "region": "here", "nat": "home"} for name in "ab"],
                "traffic": [{"kind": "ping", "from": "a", "to": "b", "interval_ms": 100, "count": 20}],
                "expect": [{"kind": "path", "from": "a", "to": "b", "is": "direct"}], "duration_s": 4}
    (tmp_path / "scenario.json").write_text(json.dumps(scenario))
    _run(os.environ["WEFT_LAB_BIN"], "run", tmp_path / "scenario.json", "--world", "kernel", env={**os.environ, "WEFT_BIN": str(program)})
