# SPDX-License-Identifier: BSD-3-Clause
"""Arrows are includes, and arrows only point down (docs/architecture.md)."""

import re

import tree

# What each folder may include besides itself. Cores know base and crypto; services know cores and io; wiring knows all.
BASE = {"mesh/base"}
CORE = BASE | {"mesh/crypto"}
CORES = {f"mesh/{name}" for name in
         ("wireguard", "inner", "stun", "turn", "path", "relay", "control", "policy", "portmap", "dns", "http", "tls")}
SERVICE = CORE | CORES | {"mesh/io", "mesh/transport"}
MESH_SERVICES = {"mesh/agent", "mesh/coordinator", "mesh/relay_server", "mesh/tunnel", "mesh/nat_probe"}
SIM = {"sim/viewer", "sim/nat_probe", "sim/gateway", "sim/portmap", "sim/proxy", "sim/json", "sim/world", "sim/nat", "sim/fabric", "sim/topology", "sim/traffic", "sim/scenario", "sim/strategies", "sim/report", "sim/trace", "sim/ns3", "sim/kernel", "sim/swarm"}

ALLOWED = {
    "mesh/base": set(),
    "mesh/crypto": BASE,
    "mesh/io": BASE,
    **{core: CORE for core in CORES},
    "mesh/turn": CORE | {"mesh/stun"},
    "mesh/control": CORE | {"mesh/policy"},
    "mesh/portmap": CORE | {"mesh/http"},
    "mesh/transport": CORE | {"mesh/io", "mesh/http", "mesh/tls", "mesh/control"},
    **{service: SERVICE for service in MESH_SERVICES},
    "mesh/host": CORE | {"mesh/io"},
    "mesh/bin": SERVICE | MESH_SERVICES | {"mesh/host"},
    "sim/json": BASE,
    "sim/nat": BASE | {"sim/json"},
    "sim/topology": BASE,
    "sim/trace": BASE,
    "sim/world": BASE | {"sim/trace", "mesh/io", "sim/nat"},
    "sim/fabric": CORE | {"mesh/io", "sim/trace", "sim/nat", "sim/topology"},
    "sim/traffic": CORE | {"mesh/io", "sim/fabric", "sim/nat"},
    "sim/ns3": CORE | {"mesh/io", "sim/trace", "sim/world", "sim/nat", "sim/fabric", "sim/topology", "sim/traffic"},
    "sim/scenario": SERVICE | MESH_SERVICES | SIM,
    "sim/study": SERVICE | MESH_SERVICES | SIM,
    "sim/report": CORE | {"sim/json"},
    "sim/swarm": CORE | {"sim/report", "sim/scenario"},
    "sim/strategies": CORE | {"mesh/io", "mesh/path", "mesh/stun"},
    "sim/nat_probe": SERVICE | {"mesh/nat_probe", "mesh/relay_server", "sim/nat", "sim/fabric"},
    "sim/portmap": CORE | {"mesh/io", "mesh/http", "mesh/portmap", "sim/nat"},
    "sim/proxy": CORE | {"mesh/io", "mesh/http"},
    "sim/gateway": CORE | {"mesh/io", "mesh/host", "sim/nat", "sim/fabric", "sim/portmap"},
    "sim/kernel": SERVICE | SIM | {"mesh/host", "mesh/bin"},
    "sim/bin": SERVICE | MESH_SERVICES | SIM | {"sim/study", "mesh/host", "mesh/bin"},
    "sim/viewer": BASE | {"sim/json"},
    "sim/python": SERVICE | MESH_SERVICES | SIM,
}

# Heavy or foreign headers and the only folders that may include them.
FOREIGN = {
    r"boost/asio/buffer\.hpp": {"mesh/host", "mesh/bin", "mesh/http"},
    r"boost/asio": {"mesh/host", "mesh/bin"},
    r"boost/beast": {"mesh/http"},
    r"boost/graph": {"sim/topology"},
    r"ns3/": {"sim/fabric", "sim/ns3", "sim/traffic"},
    r"sqlite3\.h": {"mesh/coordinator"},
    r"openssl/ssl\.h": {"mesh/tls"},
    r"CLI/": {"mesh/bin", "sim/bin"},
}
# Slow headers (0.5 to 2 s each) that stay out of headers everywhere.
NOT_IN_HEADERS = r"nlohmann/json\.hpp|valijson|boost/(asio|beast|graph)|ns3/.*-module\.h"
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.M)


def foreign_problem(folder: str, name: str) -> bool:
    for pattern, folders in FOREIGN.items():
        if re.match(pattern, name):
            return folder not in folders
    return False


def main() -> None:
    problems = []
    files = tree.tracked("mesh/*.h", "mesh/*.cc", "sim/*.h", "sim/*.cc")
    for path in files:
        relative = path.relative_to(tree.root()).as_posix()
        folder = "/".join(relative.split("/")[:2])
        if folder not in ALLOWED:
            problems.append(f"{relative}: folder {folder} has no line in ALLOWED of tests/tidy/layers_test.py")
            continue
        for name in INCLUDE.findall(path.read_text()):
            target = "/".join(name.split("/")[:2])
            if name.startswith(("mesh/", "sim/")) and target != folder and target not in ALLOWED[folder]:
                problems.append(f"{relative}: includes {name}; {folder} may not know {target}")
            if foreign_problem(folder, name):
                problems.append(f"{relative}: includes {name}, which {folder} may not know")
            if path.suffix == ".h" and re.match(NOT_IN_HEADERS, name) and folder != "mesh/host":
                problems.append(f"{relative}: includes {name} in a header; move it to the .cc")
    tree.report("layers", len(files), problems)


main()
