# SPDX-License-Identifier: BSD-3-Clause
"""What scripts and operators rely on: settings, waiting, JSON with published schemas, who may call, metrics, bundles, completion.
usage: product_test.py BINARY [CLASS]"""

import base64
import copy
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.request

import jsonschema

import weft_process
from cli_test import NOBODY, needs_namespace, wait_until
from weft_process import WeftTest

SCHEMAS = pathlib.Path(__file__).parents[2] / "docs" / "schema"


def closed(schema):
    """The schema with every object closed, so that a member that is not published fails."""
    if isinstance(schema, dict):
        schema = {key: closed(value) for key, value in schema.items()}
        if schema.get("properties") and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
    elif isinstance(schema, list):
        schema = [closed(item) for item in schema]
    return schema


class Network(WeftTest):
    """A coordinator, a relay and agents in one network namespace."""

    def start_network(self) -> str:
        self.coordinator()
        key = self.create_key("--reusable")
        self.start("relay", "--key", key, "--name", "fra", "--state", self.path("relay"), "--listen",
                   f"{self.address()}:4500").wait_ready()
        return key

    def start_agent(self, name: str, *flags: str, wrapper: tuple[str, ...] = (), **environment):
        return self.start("agent", "--state", self.path(name), "--socket", self.path(name + ".sock"), *flags,
                          wrapper=wrapper).wait_ready()

    def start_up_agent(self, name: str, key: str):
        return self.start_agent(name, "--up", "--key", key, "--name", name, "--tun", "weft-" + name)

    def ask(self, name: str, *arguments: str, code: int = 0, wrapper: tuple[str, ...] = ()) -> str:
        run = self.weft(*arguments, "--socket", self.path(name + ".sock"), wrapper=wrapper)
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        return run.stdout

    def status(self, name: str, *flags: str) -> dict:
        return json.loads(self.ask(name, "status", "--json", *flags))

    def assert_published(self, text: str, name: str) -> dict:
        """The text is a document of docs/schema/NAME with no member that the schema does not tell of."""
        document = json.loads(text)
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
        jsonschema.validate(document, schema)
        try:
            jsonschema.validate(document, closed(schema))
        except jsonschema.ValidationError as error:
            self.fail(f"docs/schema/{name}.schema.json does not tell of this: {error.message} at {list(error.path)}")
        return document


class Settings(Network):
    @needs_namespace
    def test_set_and_get_keep_what_is_not_named(self):
        agent = self.start_agent("a")
        self.ask("a", "set", "name=desk", "mtu=1380")
        self.assertEqual(self.ask("a", "get", "name"), "desk\n")
        self.assertEqual(self.ask("a", "get"), "behind_hub=\nhub=\nmasquerade=off\nmtu=1380\nname=desk\nport_mapping=on\nrelay_for_peers=off\ntopology=mesh\ntun=weft0\nudp_port=0\n")
        self.assertEqual(self.assert_published(self.ask("a", "get", "--json"), "weft-get")["settings"]["mtu"], 1380)
        self.assertEqual(self.assert_published(self.ask("a", "get", "mtu", "--json"), "weft-get")["settings"], {"mtu": 1380})
        for value, shown in (("on", "20"), ("5", "5"), ("off", "off")):
            self.ask("a", "set", f"relay_for_peers={value}")
            self.assertEqual(self.ask("a", "get", "relay_for_peers"), shown + "\n")
            self.assert_published(self.ask("a", "get", "--json"), "weft-get")
        agent.end(kill=True)
        self.start_agent("a")
        self.assertEqual(self.ask("a", "get", "mtu"), "1380\n")

    @needs_namespace
    def test_refusals_name_the_setting(self):
        self.start_agent("a")
        at = ("--socket", self.path("a.sock"))
        self.assert_refused(self.weft("set", "colour=red", *at), 2, "colour", "weft get")
        self.assert_refused(self.weft("set", "mtu=900", *at), 2, "mtu", "1280")
        self.assert_refused(self.weft("set", "udp_port=70000", *at), 2, "udp_port", "65535")
        self.assert_refused(self.weft("set", "tun=a name that is long", *at), 2, "tun", "15")
        self.assert_refused(self.weft("set", "name", *at), 2, "KEY=VALUE")
        self.assert_refused(self.weft("set", "relay_for_peers=much", *at), 2, "relay_for_peers", "65535")
        self.assert_refused(self.weft("set", "relay_for_peers=on", "topology=relay_only", *at), 2, "topology=mesh")
        self.assert_refused(self.weft("get", "colour", *at), 2, "colour")
        self.assert_refused(self.weft("set", "name=x", *at, wrapper=NOBODY), 1, "root")
        self.assertEqual(self.ask("a", "get", "mtu", wrapper=NOBODY), "1400\n")

    @needs_namespace
    def test_a_running_agent_takes_settings_at_once_and_up_resets_none(self):
        key = self.start_network()
        self.start_agent("a")
        self.ask("a", "set", "name=desk", "tun=weft-a", "udp_port=41641")
        self.ask("a", "up", "--key", key)
        self.ask("a", "up")
        self.assertEqual(self.status("a")["self"]["udp_port"], 41641)
        self.assertEqual(self.status("a")["self"]["name"], "desk")
        self.ask("a", "set", "udp_port=41642")
        self.assertEqual(self.status("a")["self"]["udp_port"], 41642)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("0.0.0.0", 41643))
            self.ask("a", "set", "udp_port=41643", code=10)
        self.assertEqual(self.ask("a", "get", "udp_port"), "41642\n")  # what worked still holds
        self.assertTrue(self.status("a")["up"])

    @needs_namespace
    def test_logout_forgets_the_network_and_keeps_the_settings(self):
        key = self.start_network()
        self.start_agent("a")
        self.ask("a", "up", "--key", key, "--tun", "weft-a", "--name", "desk")
        self.assertTrue(self.status("a")["self"]["addresses"])
        before = self.status("a")["self"]["node_key"]
        self.ask("a", "down")
        self.assertEqual(self.status("a")["up"], False)
        self.ask("a", "up")  # down keeps the membership
        self.ask("a", "logout")
        left = sorted(path.name for path in pathlib.Path(self.path("a")).iterdir())
        self.assertEqual(left, ["agent.lock", "wishes.json"])
        refused = self.weft("up", "--socket", self.path("a.sock"))
        self.assert_refused(refused, 4, "weft up --key")
        self.assertEqual(self.ask("a", "get", "tun"), "weft-a\n")
        self.ask("a", "up", "--key", key)
        self.assertNotEqual(self.status("a")["self"]["node_key"], before)

    @needs_namespace
    def test_state_of_a_later_version_is_refused_and_of_the_first_one_is_read(self):
        state = pathlib.Path(self.path("a"))
        state.mkdir(mode=0o700)
        (state / "wishes.json").write_text('{"version": 99, "up": false, "name": "x"}')
        self.assert_refused(self.weft("agent", "--state", str(state), "--socket", self.path("a.sock")), 1, "later version")
        (state / "wishes.json").write_text('{"up": false, "name": "old", "udp_port": 5, "tun": "weft7", "mtu": 1300, "more": 1}')
        self.start_agent("a")
        self.assertEqual(self.ask("a", "get"), "behind_hub=\nhub=\nmasquerade=off\nmtu=1300\nname=old\nport_mapping=on\nrelay_for_peers=off\ntopology=mesh\ntun=weft7\nudp_port=5\n")

    def test_flag_beats_environment_beats_file(self):
        file = self.directory / "weft.json"
        file.write_text('{"metrics": "from-file", "group": "no-such-group"}')
        listen = ("coordinator", "--listen", f"{self.address()}:4430", "--state", self.path("c"), "--socket", self.path("c.sock"))
        self.assert_refused(self.weft(*listen, WEFT_CONFIG=str(file)), 2, "no-such-group")
        self.assert_refused(self.weft(*listen, WEFT_CONFIG=str(file), WEFT_GROUP="root"), 2, "from-file")
        self.assert_refused(self.weft(*listen, WEFT_CONFIG=str(file), WEFT_GROUP="root", WEFT_METRICS="from-env"), 2, "from-env")
        flagged = self.weft(*listen, "--metrics", "from-flag", WEFT_CONFIG=str(file), WEFT_GROUP="root", WEFT_METRICS="from-env")
        self.assert_refused(flagged, 2, "from-flag")
        again = ("coordinator", "--state", self.path("c"), "--socket", self.path("c.sock"))
        self.assert_refused(self.weft(*again, WEFT_LISTEN="from-env"), 2, "from-env")
        self.assert_refused(self.weft(*again, "--listen", "from-flag", WEFT_LISTEN="from-env"), 2, "from-flag")


class Waiting(Network):
    @needs_namespace
    def test_up_waits_for_peers_paths_and_ports(self):
        key = self.start_network()
        self.start_up_agent("b", key)
        self.start_agent("a")
        up = self.ask("a", "up", "--key", key, "--name", "a", "--tun", "weft-a", "--wait=coordinator,peer:b,direct")
        self.assertRegex(up, r"^a 100\.")
        address = next(each for each in self.status("b")["self"]["addresses"] if ":" not in each)
        with socket.create_server((address, 0)) as server:
            port = server.getsockname()[1]
            self.ask("a", "up", f"--wait=peer:b,tcp:{port}")
        at = ("--timeout", "1s", "--socket", self.path("a.sock"))
        refused = self.weft("up", f"--wait=peer:b,tcp:{port}", *at)
        self.assert_refused(refused, 8, f"peer:b,tcp:{port}", "refused")
        self.assert_refused(self.weft("up", "--wait=peer:nobody", *at), 5, "peer:nobody", "no such peer")
        self.ask("a", "up", "--wait", *at[:2])
        for text in ("tcp:5432", "direct", "peer:", "peer:b,tcp:x", "peer:b,tcp:0", "b"):
            self.assert_refused(self.weft("up", f"--wait={text}", *at), 2, "--wait")

    @needs_namespace
    def test_a_peer_that_has_gone_is_named_with_the_reason(self):
        key = self.start_network()
        other = self.start_up_agent("b", key)
        self.start_up_agent("a", key)
        self.ask("a", "up", "--wait=peer:b")
        other.end(kill=True)
        refused = self.weft("up", "--wait=peer:b", "--timeout", "1s", "--socket", self.path("a.sock"))
        self.assert_refused(refused, 5, "peer:b")
        self.assertRegex(refused.stderr, "offline|does not answer")


class Json(Network):
    @needs_namespace
    def test_outputs_are_as_their_published_schemas_say(self):
        key = self.start_network()
        self.start_agent("a")
        self.assert_published(self.ask("a", "status", "--json"), "weft-status")  # down
        self.ask("a", "up", "--key", key, "--name", "a", "--tun", "weft-a")
        self.start_up_agent("b", key)
        self.ask("a", "up", "--wait=peer:b,direct")
        status = self.assert_published(self.ask("a", "status", "--json"), "weft-status")
        self.assertEqual([peer["name"] for peer in status["peers"]], ["b"])
        self.assertGreater(status["datagrams"]["received"], 0)
        for line in self.ask("a", "ping", "b", "-c", "2", "--json").splitlines():
            self.assertTrue(self.assert_published(line, "weft-ping")["answered"])
        for peer in ("b", status["peers"][0]["addresses"][1]):
            line = self.assert_published(self.ask("a", "ping", peer, "-c", "1", "--layer", "icmp", "--json"), "weft-ping")
            self.assertEqual((line["layer"], line["path"]), ("icmp", "direct"))
        self.assertIn("(ICMP)", self.ask("a", "ping", "b", "--layer", "icmp"))
        self.assert_published(self.weft("version", "--json").stdout, "weft-version")
        at = ("--socket", self.path("coordinator.sock"))
        self.assert_published(self.weft("key", "create", "--json", "--expires", "1h", *at).stdout, "weft-key")
        keys = self.assert_published(self.weft("key", "list", "--json", *at).stdout, "weft-keys")
        self.assertEqual(len(keys["keys"]), 2)
        nodes = self.assert_published(self.weft("node", "list", "--json", *at).stdout, "weft-nodes")
        self.assertEqual(sorted(node["name"] for node in nodes["nodes"]), ["a", "b", "fra"])

    @needs_namespace
    def test_malformed_datagrams_are_counted_and_shown(self):
        key = self.start_network()
        self.start_agent("a", "--up", "--key", key, "--name", "a", "--tun", "weft-a", "--udp-port", "41641")
        wait_until(lambda: self.status("a")["self"]["addresses"])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for datagram in (b"nonsense", b"\x04\x00\x00\x00" + bytes(60)):  # no protocol of ours; no session of ours
                sender.sendto(datagram, (self.address(), 41641))
        self.assertTrue(wait_until(lambda: self.status("a")["datagrams"]["malformed"] == 1))
        self.assertTrue(wait_until(lambda: self.status("a")["datagrams"]["refused"] == 1))
        self.assertIn("dropped on arrival: 1 malformed and 1 refused", self.ask("a", "status"))

    @needs_namespace
    def test_filters_narrow_the_peers(self):
        key = self.start_network()
        for name in ("a", "db-1", "db-2"):
            last = self.start_up_agent(name, key)
        self.ask("a", "up", "--wait=peer:db-1,direct,peer:db-2,direct")
        names = lambda *flags: [peer["name"] for peer in self.status("a", *flags)["peers"]]
        self.assertEqual(names("--peer", "db-1"), ["db-1"])
        self.assertEqual(names("--peer", "db-*"), ["db-1", "db-2"])
        self.assertEqual(names("--peer", "web"), [])
        self.assertEqual(names("--direct"), ["db-1", "db-2"])
        self.assertEqual(names("--relayed"), [])
        last.end()
        self.assertTrue(wait_until(lambda: names("--offline") == ["db-2"]))
        self.assertEqual(names("--online"), ["db-1"])
        self.assertEqual(names("--online", "--offline", "--peer", "db-2,db-1"), ["db-1", "db-2"])


class Access(Network):
    @needs_namespace
    def test_members_of_the_group_may_change_things_and_others_not(self):
        self.start_agent("a", "--group", "nogroup")
        member = ("setpriv", "--reuid=65534", "--regid=100", "--groups=65534", "--inh-caps=-all", "--bounding-set=-all")
        stranger = ("setpriv", "--reuid=65534", "--regid=100", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
        self.assert_refused(self.weft("set", "name=x", "--socket", self.path("a.sock"), wrapper=stranger), 1, "--group")
        self.ask("a", "set", "name=member", wrapper=member)
        self.ask("a", "set", "name=primary", wrapper=NOBODY)  # its primary group is nogroup
        self.assertEqual(self.ask("a", "get", "name", wrapper=stranger), "primary\n")


class Metrics(Network):
    def scrape(self, port: int, path: str = "/metrics", method: str = "GET") -> tuple[str, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    def assert_text_format(self, text: str) -> dict[str, float]:
        """The text format 0.0.4: each sample follows HELP and TYPE of its family."""
        samples, family = {}, None
        self.assertTrue(text.endswith("\n"))
        for line in text.splitlines():
            if line.startswith("# HELP "):
                family = line.split()[2]
            elif line.startswith("# TYPE "):
                self.assertEqual(line.split()[2], family)
                self.assertIn(line.split()[3], ("gauge", "counter"))
            else:
                found = re.fullmatch(r'([a-z_]+)(\{[a-z_]+="(?:[^"\\]|\\.)*"(?:,[a-z_]+="(?:[^"\\]|\\.)*")*\})? (\S+)', line)
                self.assertTrue(found and found[1] == family, line)
                samples[found[1] + (found[2] or "")] = float(found[3])
        return samples

    @needs_namespace
    def test_three_daemons_answer_prometheus(self):
        self.start("coordinator", "--state", self.path("coordinator"), "--socket", self.path("coordinator.sock"), "--listen",
                   f"{self.address()}:4430", "--metrics", "9101").wait_ready()
        key = self.create_key("--reusable")
        self.start("relay", "--key", key, "--name", "fra", "--state", self.path("relay"), "--listen", f"{self.address()}:4500",
                   "--metrics", "127.0.0.1:9102").wait_ready()
        self.start_agent("a", "--up", "--key", key, "--name", "a", "--tun", "weft-a", "--metrics", "9100")
        self.start_up_agent("b", key)
        self.ask("a", "up", "--wait=peer:b,direct")
        kind, text = self.scrape(9100)
        self.assertEqual(kind, "text/plain; version=0.0.4; charset=utf-8")
        agent = self.assert_text_format(text)
        self.assertEqual((agent["weft_up"], agent["weft_coordinator_connected"], agent['weft_peers{path="direct"}']), (1, 1, 1))
        self.assertGreater(agent["weft_datagrams_received_total"], 0)
        self.assertIn('weft_peer_receive_bytes_total{peer="b"}', agent)
        coordinator = self.assert_text_format(self.scrape(9101)[1])
        self.assertEqual(coordinator['weft_nodes{role="node",state="online"}'], 2)
        relay = self.assert_text_format(self.scrape(9102)[1])
        self.assertEqual(relay["weft_relay_clients"], 2)
        for path, method, code in (("/", "GET", 404), ("/metrics", "POST", 405)):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.scrape(9100, path, method)
            self.assertEqual(refused.exception.code, code)
        with socket.create_connection(("127.0.0.1", 9100)) as rude:
            rude.settimeout(10)
            rude.sendall(b"\x16\x03\x01 not http\r\n\r\n")
            self.assertEqual(rude.recv(100), b"")
        self.assertEqual(self.scrape(9100)[0], kind)
        with self.assertRaises(ConnectionRefusedError):  # on loopback alone
            socket.create_connection((self.address(), 9100), 5)


class Bundle(Network):
    @needs_namespace
    def test_a_bundle_helps_and_holds_no_secret(self):
        key = self.start_network()
        planted = {"in a name": base64.b64encode(os.urandom(32)).decode(), "in the configuration": "hunter2-" + os.urandom(6).hex()}
        self.start_agent("a", "--log", "debug")
        self.ask("a", "up", "--key", key, "--name", planted["in a name"][:42].replace("/", "-").replace("+", "-"), "--tun", "weft-a")
        made = self.weft("up", "--key", key[:-1] + ("a" if key[-1] != "a" else "b"), "--socket", self.path("a.sock"))  # a wrong one, into the log
        self.assertEqual(made.returncode, 2, made.stderr)
        file = self.path("bundle.json")
        run = self.weft("debug", "bundle", file, "--socket", self.path("a.sock"), WEFT_KEY=key)
        self.assertEqual((run.returncode, run.stdout), (0, file + "\n"), run.stderr)
        self.assertEqual(pathlib.Path(file).stat().st_mode & 0o777, 0o600)
        text = pathlib.Path(file).read_text()
        bundle = self.assert_published(text, "weft-bundle")
        self.assertIn("datagrams", bundle["agent"]["status"])
        self.assertIn("VERSION_ID", bundle["system"]["files"]["/etc/os-release"])
        identity = (pathlib.Path(self.path("a")) / "identity").read_bytes()
        secrets = {"the setup key": key, "a part of it": key[6:40], "the planted name": planted["in a name"][:42].replace("/", "-").replace("+", "-")}
        for number, private in enumerate((identity[2:34], identity[34:66])):
            secrets |= {f"key {number} in base64": base64.b64encode(private).decode(), f"key {number} in hex": private.hex(),
                        f"key {number} in base32": base64.b32encode(private).decode().rstrip("=")}
        for what, secret in secrets.items():
            self.assertNotIn(secret.lower(), text.lower(), what)
        self.assert_refused(self.weft("debug", "bundle", file, "--socket", self.path("a.sock")), 1, file)  # none is overwritten
        stranger = self.weft("debug", "bundle", "/tmp/no", "--socket", self.path("a.sock"), wrapper=NOBODY)
        self.assert_refused(stranger, 1, "root")

    def test_without_an_agent_it_tells_of_the_machine(self):
        file = self.path("bundle.json")
        config = self.directory / "weft.json"
        run = self.weft("debug", "bundle", file, "--socket", self.path("none.sock"))
        self.assertEqual(run.returncode, 0, run.stderr)
        bundle = self.assert_published(pathlib.Path(file).read_text(), "weft-bundle")
        self.assertIsNone(bundle["agent"])
        self.assertIn("no agent", bundle["agent_error"])


class Shell(WeftTest):
    def complete(self, *words: str) -> list[str]:
        script = self.directory / "completion"
        script.write_text(self.weft("completion", "bash").stdout)
        line = " ".join(f"'{word}'" for word in ("weft", *words))
        done = subprocess.run(["bash", "-euc", f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _weft; "
                               "echo \"${COMPREPLY[@]}\""], capture_output=True, text=True, check=True)
        return done.stdout.split()

    def test_bash_completes_commands_and_flags(self):
        self.assertEqual(self.complete("stat"), ["status"])
        self.assertEqual(self.complete("key", ""), ["create", "list", "revoke", "--help"])
        self.assertEqual(self.complete("key", "create", "--reu"), ["--reusable"])
        self.assertEqual(self.complete("status", "--json", "--rel"), ["--relayed"])
        for command in self.weft("--help").stdout.split("Subcommands:")[1].splitlines():
            if command.strip() and not command.startswith("     "):
                self.assertIn(command.split()[0], self.complete(""))

    @unittest.skipUnless(shutil.which("zsh"), "needs zsh")
    def test_zsh_reads_its_script(self):
        script = self.directory / "_weft"
        script.write_text(self.weft("completion", "zsh").stdout)
        done = subprocess.run(["zsh", "-fc", f"autoload -U compinit; compinit -D; source {script}; whence -w _weft"], capture_output=True, text=True)
        self.assertEqual((done.stdout.strip(), done.stderr), ("_weft: function", ""))

    def test_the_manual_tells_of_every_command_and_exit_code(self):
        page = self.directory / "weft.1"
        page.write_text(self.weft("manual").stdout)
        done = subprocess.run(["groff", "-mdoc", "-Tascii", "-ww", "-P-cbou", str(page)], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        for words in ("weft key create", "weft up", "--until-direct", "WEFT_LISTEN", "/etc/weft/weft.json", "/var/lib/weft"):
            self.assertIn(words, done.stdout)
        table = (SCHEMAS.parent / "cli.md").read_text().split("## Exit codes")[1].split("\n## ")[0]
        codes = [int(code) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.M) for code in row.split(",")]
        told = page.read_text().split(".Sh EXIT STATUS")[1].split(".Sh")[0]
        self.assertEqual(codes, [int(code) for code in re.findall(r"^\.It (\d+)", told, re.M)])


def main() -> None:
    weft_process.BINARY = os.path.abspath(sys.argv[1])
    if not weft_process.enter_namespace():
        print("not root: tests that need a TUN device are skipped", file=sys.stderr)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)


if __name__ == "__main__":
    main()
