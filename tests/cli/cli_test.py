# SPDX-License-Identifier: BSD-3-Clause
"""Every refusal that docs/cli.md documents, and the daemons' beginning and end. usage: cli_test.py BINARY [CLASS]"""

import base64
import datetime
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import unittest
import zlib

import weft_process
from weft_process import WeftTest

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")


def as_if_simulated(token: str) -> str:
    """The same setup key with the flag that a simulated coordinator sets (mesh/control/token.h)."""
    text = token.removeprefix("weft1_").upper()
    content = bytearray(base64.b32decode(text + "=" * (-len(text) % 8))[:-4])
    content[1] |= 1
    whole = bytes(content) + zlib.crc32(content).to_bytes(4, "big")
    return "weft1_" + base64.b32encode(whole).decode().rstrip("=").lower()


def needs_namespace(test):
    return unittest.skipUnless(os.environ.get("WEFT_CLI_NAMESPACE"), "needs root: no network namespace, no TUN")(test)


def wait_until(condition, seconds: float = 20) -> bool:
    """Asks again and again; True once it holds."""
    end = datetime.datetime.now() + datetime.timedelta(seconds=seconds)
    pause = threading.Event()
    while not condition():
        if datetime.datetime.now() > end:
            return False
        pause.wait(0.05)
    return True


class Usage(WeftTest):
    def test_unknown_flag_and_command(self):
        self.assert_refused(self.weft("status", "--colour"), 2, "--colour")
        self.assert_refused(self.weft("frobnicate"), 2, "frobnicate")
        self.assert_refused(self.weft(), 2)
        self.assert_refused(self.weft("key"), 2)

    def test_help_and_version_go_to_standard_output(self):
        for arguments in (["--help"], ["ping", "--help"], ["key", "create", "--help"]):
            run = self.weft(*arguments)
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            self.assertIn("--help", run.stdout)
        self.assertRegex(self.weft("version").stdout, r"^\d+\.\d+\.\d+\n$")
        self.assertEqual(self.weft("--version").stdout, self.weft("version").stdout)

    def test_values_are_named_with_their_flag(self):
        self.assert_refused(self.weft("coordinator", "--listen", "localhost"), 2, "--listen", "localhost")
        self.assert_refused(self.weft("relay", "--listen", "1.2.3.4:5", "--stun", "x"), 2, "--stun")
        self.assert_refused(self.weft("ping", "peer", "--timeout", "5 parsecs"), 2, "--timeout")
        self.assert_refused(self.weft("ping", "peer", "-c", "0"), 2, "1 to 1000000")
        self.assert_refused(self.weft("agent", "--key", "x"), 2, "--up")
        self.assert_refused(self.weft("key", "create", "--expires", "0h"), 2, "--expires")

    def test_settings_file_is_checked_and_weaker_than_environment_and_flags(self):
        file = self.directory / "weft.json"
        file.write_text('{"sockets": "/x"}')
        self.assert_refused(self.weft("status", WEFT_CONFIG=str(file)), 2, str(file), "/sockets")
        file.write_text("[")
        self.assert_refused(self.weft("status", WEFT_CONFIG=str(file)), 2, str(file))
        self.assert_refused(self.weft("status", WEFT_CONFIG=self.path("missing")), 2, "missing")
        file.write_text('{"socket": "/from-file"}')
        self.assert_refused(self.weft("status", WEFT_CONFIG=str(file)), 3, "/from-file")
        self.assert_refused(self.weft("status", WEFT_CONFIG=str(file), WEFT_SOCKET="/from-env"), 3, "/from-env")
        self.assert_refused(self.weft("status", "--socket", "/from-flag", WEFT_SOCKET="/from-env"), 3, "/from-flag")

    def test_no_daemon_names_the_command_that_starts_one(self):
        for command in (["status"], ["status", "--json"], ["up"], ["down"], ["ping", "x"], ["netcheck"], ["explain", "x"]):
            self.assert_refused(self.weft(*command, "--socket", self.path("none")), 3, "weft agent")
        for command in (["key", "create"], ["key", "list"], ["node", "list"]):
            self.assert_refused(self.weft(*command, "--socket", self.path("none")), 3, "weft coordinator")


class Coordinator(WeftTest):
    def test_one_line_starts_it_and_one_token_is_printed(self):
        daemon = self.coordinator()
        made = self.weft("key", "create", "--socket", self.path("coordinator.sock"))
        self.assertRegex(made.stdout, r"^weft1_[a-z2-7]+\n$")
        self.assertEqual(daemon.end(), 0)
        self.assertEqual(pathlib.Path(self.path("coordinator")).stat().st_mode & 0o777, 0o700)
        for file in pathlib.Path(self.path("coordinator")).iterdir():
            self.assertEqual(file.stat().st_mode & 0o777, 0o600, file)
        self.assertFalse(pathlib.Path(self.path("coordinator.sock")).exists())

    def test_taken_port_socket_and_state(self):
        self.coordinator()
        again = ["coordinator", "--listen", f"{self.address()}:4430"]
        self.assert_refused(self.weft(*again, "--state", self.path("b"), "--socket", self.path("b.sock")), 10, ":4430")
        again[-1] = f"{self.address()}:4431"
        self.assert_refused(
            self.weft(*again, "--state", self.path("b"), "--socket", self.path("coordinator.sock")), 10, "coordinator.sock")
        taken = self.weft(*again, "--state", self.path("coordinator"), "--socket", self.path("b.sock"))
        self.assert_refused(taken, 1, "coordinator")

    def test_keys_are_listed_and_revoked(self):
        self.coordinator()
        self.create_key("--reusable", "--ephemeral", "--expires", "24h", "--note", "lab")
        self.create_key()
        keys = self.list("key")
        self.assertEqual([key["note"] for key in keys], ["lab", ""])
        self.assertTrue(keys[0]["reusable"] and keys[0]["ephemeral"] and keys[0]["expires"])
        self.assertIsNone(keys[1]["expires"])
        self.assertEqual(self.weft("key", "revoke", str(keys[1]["id"]), "--socket", self.path("coordinator.sock")).returncode, 0)
        self.assertTrue(self.list("key")[1]["revoked"])
        self.assert_refused(self.weft("key", "revoke", "4711", "--socket", self.path("coordinator.sock")), 1)
        self.assert_refused(self.weft("node", "remove", "nobody", "--socket", self.path("coordinator.sock")), 1, "nobody")

    @needs_namespace
    def test_only_root_or_its_own_user_may_use_it(self):
        self.coordinator()
        refused = self.weft("key", "create", "--socket", self.path("coordinator.sock"), wrapper=NOBODY)
        self.assert_refused(refused, 1, "root")

    def test_killed_while_keys_are_made_it_keeps_every_key_it_acknowledged(self):
        for round_number in range(3):
            daemon = self.coordinator()
            before = len(self.list("key"))
            acknowledged = []

            def create():
                while True:
                    run = self.weft("key", "create", "--socket", self.path("coordinator.sock"))
                    if run.returncode != 0:
                        return
                    acknowledged.append(run.stdout.strip())

            makers = [threading.Thread(target=create) for _ in range(3)]
            for maker in makers:
                maker.start()
            self.assertTrue(wait_until(lambda: len(acknowledged) >= 5 + 7 * round_number))
            self.assertEqual(daemon.end(kill=True), -signal.SIGKILL)
            for maker in makers:
                maker.join()
            daemon = self.coordinator()
            kept = len(self.list("key")) - before
            self.assertGreaterEqual(kept, len(acknowledged))
            self.assertLessEqual(kept, len(acknowledged) + len(makers))  # one per maker was under way
            self.assertEqual(daemon.end(), 0)

    def test_the_socket_refuses_what_is_not_of_its_protocol(self):
        daemon = self.coordinator()
        for line in (b"nonsense\n", b"[1]\n", b'{"method": 1}\n', b'{"method": "no.such"}\n',
                     b'{"method": "key.revoke", "params": {"id": "x"}}\n', b'{"method": "key.list", "params": 3}\n'):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(self.path("coordinator.sock"))
                client.sendall(line)
                self.assertEqual(json.loads(client.makefile().readline())["error"]["code"], "usage", line)
        with socket.socket(socket.AF_UNIX) as client:  # a line without end is cut off
            client.connect(self.path("coordinator.sock"))
            client.settimeout(20)
            try:
                client.sendall(b"x" * 1024 * 1024)
                self.assertEqual(client.recv(1), b"")
            except (BrokenPipeError, ConnectionResetError):
                pass
        self.assertIsNone(daemon.process.poll())


class Refusals(WeftTest):
    def agent_once(self, key: str, name: str = "agent", tun: str = "weft0", wrapper: tuple[str, ...] = ()):
        return self.weft("agent", "--up", "--key", key, "--tun", tun, "--state", self.path(name), "--socket",
                         self.path(name + ".sock"), "--log", "error", wrapper=wrapper)

    @needs_namespace
    def test_no_permission_for_a_tun_device(self):
        self.coordinator()
        key = self.create_key()
        pathlib.Path(self.path("home")).mkdir()
        os.chown(self.path("home"), 65534, 65534)
        self.assert_refused(self.agent_once(key, "home/agent", wrapper=NOBODY), 11, "CAP_NET_ADMIN")

    @needs_namespace
    def test_bad_token(self):
        self.coordinator()
        key = self.create_key()
        self.assert_refused(self.agent_once(key[:-3] + "aaa"), 2)
        self.assert_refused(self.agent_once("hello"), 2)
        missing = self.weft("agent", "--up", "--state", self.path("a"), "--socket", self.path("a.sock"))
        self.assert_refused(missing, 4, "key")

    @needs_namespace
    def test_keys_of_a_simulation(self):
        self.coordinator()
        key = as_if_simulated(self.create_key())
        self.assert_refused(self.agent_once(key), 2, "simulat")
        relay = self.weft("relay", "--key", key, "--state", self.path("r"), "--listen", f"{self.address()}:4500")
        self.assert_refused(relay, 2, "simulat")

    @needs_namespace
    def test_wrong_coordinator_key(self):
        daemon = self.coordinator("first")
        key = self.create_key(name="first")
        daemon.end()
        self.coordinator("second")
        self.assert_refused(self.agent_once(key), 13)

    @needs_namespace
    def test_expired_used_and_revoked_keys(self):
        self.coordinator()
        expiring = self.create_key("--expires", "1s")
        once = self.create_key()
        revoked = self.create_key()
        self.weft("key", "revoke", str(self.list("key")[2]["id"]), "--socket", self.path("coordinator.sock"))
        self.start("agent", "--up", "--key", once, "--state", self.path("first"), "--socket",
                   self.path("first.sock")).wait_ready()
        self.assertTrue(wait_until(lambda: self.list("node")))
        expires = datetime.datetime.fromisoformat(self.list("key")[0]["expires"])
        self.assertTrue(wait_until(
            lambda: datetime.datetime.now(datetime.timezone.utc) > expires + datetime.timedelta(seconds=1)))
        for name, key in (("expired", expiring), ("used", once), ("revoked", revoked)):
            self.assert_refused(self.agent_once(key, name, "weft1"), 14)

    @needs_namespace
    def test_unreachable_coordinator(self):
        daemon = self.coordinator()
        key = self.create_key()
        daemon.end()
        agent = self.start("agent", "--state", self.path("agent"), "--socket", self.path("agent.sock")).wait_ready()
        up = self.weft("up", "--key", key, "--socket", self.path("agent.sock"))
        self.assert_refused(up, 12)
        self.coordinator()  # the daemon has gone on trying
        self.assertTrue(wait_until(lambda: self.list("node"), 40))
        self.assertIsNone(agent.process.poll())

    @needs_namespace
    def test_relay_without_a_key_belongs_to_no_network(self):
        self.assert_refused(self.weft("relay", "--listen", "127.0.0.1:0", "--state", self.path("r")), 4, "--key")

    def test_relay_with_taken_port_or_used_key(self):
        self.coordinator()
        key = self.create_key()
        at = f"{self.address()}:4430"
        taken = self.weft("relay", "--key", key, "--state", self.path("r"), "--listen", at, "--log", "error")
        self.assert_refused(taken, 10, ":4430")
        self.start("relay", "--key", key, "--state", self.path("r"), "--listen", f"{self.address()}:4500").wait_ready()
        self.assertTrue(wait_until(lambda: self.list("node")))
        second = self.weft("relay", "--key", key, "--state", self.path("r2"), "--listen", f"{self.address()}:4501", "--stun",
                           f"{self.address()}:3480", "--log", "error")
        self.assert_refused(second, 14)


class Daemons(WeftTest):
    def agent(self, name: str, tun: str, *flags: str):
        return self.start("agent", "--state", self.path(name), "--socket", self.path(name + ".sock"), "--name", name,
                          "--tun", tun, *flags).wait_ready()

    def status(self, name: str, wrapper: tuple[str, ...] = ()) -> dict:
        run = self.weft("status", "--json", "--socket", self.path(name + ".sock"), wrapper=wrapper)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    @staticmethod
    def interfaces() -> str:
        return subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout

    @needs_namespace
    def test_up_status_ping_down(self):
        self.coordinator()
        key = self.create_key("--reusable")
        self.start("relay", "--key", key, "--name", "fra", "--state", self.path("relay"), "--listen",
                   f"{self.address()}:4500").wait_ready()
        a = self.start("agent", "--state", self.path("a"), "--socket", self.path("a.sock")).wait_ready()
        down = self.status("a")
        self.assertEqual((down["up"], down["peers"], down["coordinator"]["connected"]), (False, [], False))
        self.assert_refused(self.weft("ping", "b", "--socket", self.path("a.sock")), 3, "weft up")
        up = self.weft("up", "--key", key, "--name", "a", "--tun", "weft-a", "--socket", self.path("a.sock"))
        self.assertEqual(up.returncode, 0, up.stderr)
        self.assertRegex(up.stdout, r"^a 100\.\d+\.\d+\.\d+ f[cd]")
        self.agent("b", "weft-b", "--up", "--key", key)
        self.assertTrue(wait_until(lambda: [peer["name"] for peer in self.status("a")["peers"]] == ["b"]))
        status = self.status("a", NOBODY)
        self.assertEqual(status["schema"], "weft.status/1")
        for field in ("name", "addresses", "path", "endpoint", "relay", "rtt_ms", "rx_bytes", "tx_bytes", "last_handshake_s"):
            self.assertIn(field, status["peers"][0])
        self.assertTrue(status["coordinator"]["connected"])
        self.assertLess(status["coordinator"]["data_age_s"], 60)
        again = self.weft("up", "--key", key, "--socket", self.path("a.sock"))  # the same again disturbs nothing
        self.assertEqual(again.stdout, up.stdout, again.stderr)
        self.assertEqual(self.status("a")["self"]["udp_port"], status["self"]["udp_port"])
        ping = self.weft("ping", "b", "--until-direct", "--socket", self.path("a.sock"))
        self.assertEqual(ping.returncode, 0, ping.stdout + ping.stderr)
        self.assertIn("b via direct ", ping.stdout)
        self.assertEqual(self.weft("netcheck", "--json", "--socket", self.path("a.sock")).returncode, 0)
        line = self.weft("netcheck", "--format", "json-line", "--socket", self.path("a.sock")).stdout
        self.assertEqual(line.count("\n"), 1)
        self.assertIn("port_mapping", json.loads(line))
        self.assertIn("mapping", self.weft("netcheck", "--socket", self.path("a.sock")).stdout)
        told = self.weft("explain", "b", "--socket", self.path("a.sock")).stdout
        self.assertIn("path              direct ", told)
        self.assertIn("others' mappings", told)
        json.loads(self.weft("explain", "b", "--json", "--socket", self.path("a.sock")).stdout)
        nobody = self.weft("explain", "nobody", "--socket", self.path("a.sock"))
        self.assertEqual((nobody.returncode, nobody.stdout), (1, ""))
        self.assertIn("weft-a", self.interfaces())
        self.assert_refused(self.weft("down", "--socket", self.path("a.sock"), wrapper=NOBODY), 1, "root")
        self.assertEqual(self.weft("down", "--socket", self.path("a.sock")).returncode, 0)
        self.assertNotIn("weft-a", self.interfaces())
        self.assertEqual(self.weft("up", "--socket", self.path("a.sock")).returncode, 0)  # no key: it is known
        self.assertEqual(a.end(), 0)

    @needs_namespace
    def test_a_restarted_agent_goes_on_without_its_coordinator(self):
        coordinator = self.coordinator()
        key = self.create_key("--reusable")
        agent = self.agent("a", "weft-a", "--up", "--key", key)
        self.agent("berta", "weft-b", "--up", "--key", key)
        stored = pathlib.Path(self.path("a")) / "map"
        self.assertTrue(wait_until(lambda: stored.exists() and b"berta" in stored.read_bytes()))
        addresses = self.status("a")["self"]["addresses"]
        coordinator.end()
        self.assertEqual(agent.end(kill=True), -signal.SIGKILL)
        self.assertNotIn("weft-a", self.interfaces())
        again = self.start("agent", "--state", self.path("a"), "--socket", self.path("a.sock")).wait_ready()
        status = self.status("a")
        self.assertEqual(status["self"]["addresses"], addresses)
        self.assertEqual([peer["name"] for peer in status["peers"]], ["berta"])
        self.assertFalse(status["coordinator"]["connected"])
        self.assertIn("weft-a", self.interfaces())
        self.assertEqual(again.end(), 0)
        self.assertNotIn("weft-a", self.interfaces())

    @needs_namespace
    def test_an_idle_agent_is_small(self):
        self.coordinator()
        agent = self.agent("a", "weft-a", "--up", "--key", self.create_key())
        self.assertTrue(wait_until(lambda: self.status("a")["coordinator"]["connected"]))

        def resident_kb() -> int:
            lines = pathlib.Path(f"/proc/{agent.process.pid}/status").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))

        at_start = resident_kb()  # the code that only the start needs is given back some seconds later
        self.assertTrue(wait_until(lambda: resident_kb() <= 12 * 1024), f"{resident_kb()} KB resident")
        print(f"idle agent: {resident_kb()} KB resident, {at_start} at the start")


def main() -> None:
    weft_process.BINARY = os.path.abspath(sys.argv[1])
    if not weft_process.enter_namespace():
        print("not root: tests that need a TUN device are skipped", file=sys.stderr)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)


if __name__ == "__main__":
    main()
