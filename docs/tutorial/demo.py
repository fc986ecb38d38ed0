"""Play the tutorial on the local target: every command as a user types it, every result checked."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

COMMAND = [sys.executable, "-m", "dubbopy_cli"]
SERVER = "dubbo-go-server"
CLIENT = "dubbo-go-client"


class Demo:
    """One play in a folder and a state of its own, so that nothing of the user's is touched."""

    def __init__(self, work: Path, lang: str) -> None:
        self.work = work
        self.lang = lang
        self.started = time.monotonic()
        self.env = {**os.environ, "DUBBOPY_STATE_DIR": str(work / "state"), "NO_COLOR": "1", "COLUMNS": "110"}
        self.addresses: set[int] = set()
        self.pids: set[int] = set()

    def title(self, text: str) -> None:
        print(f"\n=== {text}  [{time.monotonic() - self.started:.0f} s]", flush=True)

    def run(self, *words: str, folder: str = ".", status: int = 0) -> str:
        """Show a command and what it prints; it must end with ``status``."""
        place = f"cd {folder} && " if folder != "." else ""
        print(f"\n$ {place}dubbopy-cli {shlex.join(words)}", flush=True)
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=self.work / folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        print(done.stdout.rstrip(), flush=True)
        self.expect(done.returncode == status, f"exit status {done.returncode}, expected {status}")
        return done.stdout

    def ask(self, *words: str, folder: str = ".") -> dict[str, Any]:
        """Return a command's data, quietly."""
        done = subprocess.run(
            [*COMMAND, *words, "-q", "-o", "json"],
            cwd=self.work / folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        envelope = json.loads(done.stdout)
        self.expect(envelope["status"] == "ok", f"{shlex.join(words)}: {envelope['errors']}")
        data: dict[str, Any] = envelope["data"]
        return data

    def expect(self, held: object, what: str) -> None:
        if not held:
            raise SystemExit(f"FAILED: {what}")

    def checked(self, what: str) -> None:
        print(f"  ok: {what}", flush=True)

    def versions(self, count: int, *header: str) -> dict[str, int]:
        """Return who answered ``count`` calls."""
        words = [word for pair in header for word in ("--header", pair)]
        report = self.ask("call", "--app", SERVER, "-n", str(count), "-c", "8", "-d", '{"name": "laurence"}', *words)
        self.expect(report["failed"] == 0, f"{report['failed']} calls failed: {report['error_message']}")
        versions: dict[str, int] = report["versions"]
        return versions

    def client_sees(self, wanted: Callable[[list[str]], bool], what: str, bound: float = 60) -> None:
        """Wait until the newest lines of the client's log are as wanted."""
        deadline = time.monotonic() + bound
        while True:
            lines = self.client_log()
            if wanted(lines):
                break
            self.expect(time.monotonic() < deadline, f"{what}; the client's last lines: {lines[-3:]}")
            time.sleep(0.5)
        self.checked(what)

    def client_log(self) -> list[str]:
        done = subprocess.run(
            [*COMMAND, "logs", "--app", CLIENT, "--tail", "40"],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return [line for line in done.stdout.splitlines() if "call server response" in line]

    def remember(self) -> None:
        """Note every pid and port in use, for the check at the end."""
        for application in self.ask("status")["applications"]:
            if application["address"]:
                self.addresses.add(int(application["address"].rpartition(":")[2]))
            for release in application["releases"]:
                for instance in release["instances"]:
                    self.pids.add(instance["pid"])
        mesh = self.ask("local", "status")
        self.pids |= {mesh["supervisor_pid"], mesh["envoy_pid"]}

    def write(self, name: str, text: str) -> None:
        (self.work / name).write_text(text, encoding="utf-8")
        print(f"\n$ cat {name}\n{text.rstrip()}", flush=True)


DESTINATION_RULE = f"""\
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata:
  name: {SERVER}
spec:
  host: {SERVER}
  subsets:
    - name: v1
      labels:
        dubbogoAppVersion: v1
    - name: v2
      labels:
        dubbogoAppVersion: v2
"""

VIRTUAL_SERVICE = f"""\
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata:
  name: {SERVER}
spec:
  hosts:
    - {SERVER}
  http:
  - match:
    - headers:
        user:
          exact: admin
    route:
      - destination:
          host: {SERVER}
          subset: v2
  - route:
    - destination:
        host: {SERVER}
        subset: v1
"""


def line(version: str) -> str:
    return f'call server response = name:"Hello laurence" id:"{version}"'


def first_version(demo: Demo) -> None:
    demo.title("A server, from an empty folder to v1")
    (demo.work / SERVER).mkdir()
    demo.run("newApp", ".", "--lang", demo.lang, folder=SERVER)
    demo.run("build", folder=SERVER)
    demo.run("deploy", folder=SERVER)
    demo.expect(demo.versions(20) == {"v1": 20}, "20 calls are answered by v1")
    demo.checked("20 of 20 calls answered by v1")
    demo.title("A client that calls it once a second")
    demo.run("newApp", CLIENT, "--lang", demo.lang, "--role", "client", "--server", SERVER)
    demo.run("deploy", CLIENT)
    demo.client_sees(lambda log: any(line("v1.0.0") in one for one in log), f"the client logs {line('v1.0.0')}")
    demo.run("logs", "--tail", "3", folder=CLIENT)


def second_version(demo: Demo) -> None:
    demo.title("A second project makes v2 of the same application")
    (demo.work / "v2").mkdir()
    words = ("--name", SERVER, "--app-version", "v2", "--tag", "2.0.0")
    demo.run("newApp", ".", "--lang", demo.lang, *words, folder="v2")
    demo.run("deploy", folder="v2")
    seen = demo.versions(200)
    demo.expect(min(seen.get("v1", 0), seen.get("v2", 0)) > 40, f"both versions answer: {seen}")
    demo.checked(f"no rules: both versions answer, {seen}")
    demo.client_sees(
        lambda log: {one.split("id:")[-1] for one in log} >= {'"v1.0.0"', '"v2.0.0"'}, "the client sees both versions"
    )
    demo.run("status")
    demo.remember()


def all_to_one(demo: Demo) -> None:
    demo.title("All calls to v1")
    demo.run("traffic", "set", "v1", folder=SERVER)
    demo.expect(demo.versions(200) == {"v1": 200}, "the next 200 calls are answered by v1 only")
    demo.checked("the next 200 calls: v1 only")


def by_header(demo: Demo) -> None:
    demo.title("Calls with `user: admin` to v2, the others to v1")
    demo.run("traffic", "match", "user=admin", "--to", "v2", folder=SERVER)
    demo.expect(demo.versions(200, "user=admin") == {"v2": 200}, "200 admin calls are answered by v2")
    demo.expect(demo.versions(200) == {"v1": 200}, "200 other calls are answered by v1")
    demo.checked("200 admin calls: v2 only; 200 others: v1 only")
    config = demo.work / CLIENT / "conf/dubbogo.yaml"
    text = config.read_text(encoding="utf-8")
    demo.expect("attachments: {}" in text, "the client's configuration has attachments")
    config.write_text(text.replace("attachments: {}", "attachments: {user: admin}"), encoding="utf-8")
    print(f"\n$ sed -i 's/attachments: {{}}/attachments: {{user: admin}}/' {CLIENT}/conf/dubbogo.yaml")
    demo.run("remove", "--all", "--yes", folder=CLIENT)
    demo.run("deploy", CLIENT)
    demo.client_sees(lambda log: len(log) >= 3 and all(line("v2.0.0") in one for one in log[-3:]), "the client sees v2")
    demo.run("logs", "--tail", "3", folder=CLIENT)


def by_weight(demo: Demo) -> None:
    demo.title("90 % to v1, 10 % to v2")
    demo.run("traffic", "reset", folder=SERVER)
    demo.run("traffic", "set", "v1=90", "v2=10", folder=SERVER)
    demo.run("traffic", "verify", "-n", "10000", folder=SERVER)
    demo.run("status")


def by_hand(demo: Demo) -> None:
    demo.title("The same rules written by hand")
    demo.write("destinationrule.yaml", DESTINATION_RULE)
    demo.write("virtualservice.yaml", VIRTUAL_SERVICE)
    demo.run("traffic", "apply", "-f", "destinationrule.yaml", "-f", "virtualservice.yaml")
    demo.expect(demo.versions(200, "user=admin") == {"v2": 200}, "200 admin calls are answered by v2")
    demo.expect(demo.versions(200) == {"v1": 200}, "200 other calls are answered by v1")
    demo.checked("200 admin calls: v2 only; 200 others: v1 only")


def away(demo: Demo) -> None:
    demo.title("Taking v1 away, then everything")
    demo.run("remove", "v1", folder=SERVER, status=6)
    demo.checked("a version that gets calls is not removed")
    demo.run("traffic", "set", "v2", folder=SERVER)
    demo.run("remove", "v1", folder=SERVER)
    demo.expect(demo.versions(100) == {"v2": 100}, "v2 answers alone")
    demo.checked("100 calls answered by v2")
    demo.remember()
    demo.run("remove", "--all", "--yes", folder=CLIENT)
    demo.run("remove", "--all", "--yes", folder=SERVER)
    demo.run("status")


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def nothing_left(demo: Demo) -> None:
    alive = [pid for pid in demo.pids if pid and runs(pid)]
    demo.expect(not alive, f"processes left running: {alive}")
    for port in demo.addresses:
        with socket.socket() as probe:
            demo.expect(probe.connect_ex(("127.0.0.1", port)) != 0, f"port {port} still answers")
    demo.checked(f"nothing is left running: {len(demo.pids)} processes gone, {len(demo.addresses)} ports closed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", choices=("go", "python"), default="go")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the projects")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="dubbopy-demo-"))
    demo = Demo(work, options.lang)
    try:
        for act in (first_version, second_version, all_to_one, by_header, by_weight, by_hand, away, nothing_left):
            act(demo)
    finally:
        subprocess.run(
            [*COMMAND, "local", "reset", "--yes", "-q"], env=demo.env, timeout=120, check=False, capture_output=True
        )
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)
    print(f"\nThe whole tutorial holds, in {time.monotonic() - demo.started:.0f} s.")


if __name__ == "__main__":
    main()
