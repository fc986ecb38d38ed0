"""One command at a time: a Lease that the command at work renews, and that another takes over once it stands still."""

from __future__ import annotations

import json
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dubbopy_cli.errors import ConflictError, DubbopyError
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.faults import fault
from dubbopy_cli.targets.kubernetes.kubectl import Object

NAMESPACE = "dubbopy"
# A command that was killed is waited for so long, on this machine not at all.
DURATION_SECONDS = 15
_RENEW_SECONDS = 5.0
# Nobody takes a Lease over that was renewed so short a time ago; the rest is for the change that is begun then.
_SURE_SECONDS = DURATION_SECONDS - _RENEW_SECONDS
_POLL_SECONDS = 0.5


@contextmanager
def held(cluster: Cluster, name: str, *, seconds: float, busy: Callable[[str], DubbopyError]) -> Iterator[Own]:
    """Hold the Lease ``name``; what ``busy`` makes of the holder's name is raised when it stays taken for ``seconds``.

    Clocks of other machines are not trusted: a Lease has run out when nobody has renewed it while we looked. What is
    yielded tells before each change whether it is ours still.
    """
    own = Own(cluster, name, f"{cluster.origin.who}:{os.getpid()}")
    _take(own, seconds, busy)
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(own, ended), daemon=True)
    renewing.start()
    try:
        yield own
    finally:
        ended.set()
        renewing.join()
        own.release()


@dataclass
class Own:
    """A Lease as this command wants to have it."""

    cluster: Cluster
    name: str
    holder: str
    _revision: str = ""
    _renewed: float = 0.0
    _renewing: threading.Lock = field(default_factory=threading.Lock)

    def seen(self) -> Object | None:
        """Return it as it is, None where nobody holds it."""
        return self.cluster.kubectl.find("lease", self.name)

    def write(self, former: Object | None) -> bool:
        """Write it as ours; False when another command was faster."""
        metadata: dict[str, Any] = {"name": self.name, "labels": {"app.kubernetes.io/managed-by": "dubbopy"}}
        if former:
            metadata["resourceVersion"] = former["metadata"]["resourceVersion"]
        now, begun = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), time.monotonic()
        spec = {"holderIdentity": self.holder, "leaseDurationSeconds": DURATION_SECONDS, "renewTime": now}
        document = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        words = ("replace" if former else "create", "--output", "json", "--filename", "-")
        done = self.cluster.kubectl.attempt(*words, stdin=json.dumps(document))
        if done.ok:
            self._renewed, self._revision = begun, json.loads(done.stdout)["metadata"]["resourceVersion"]
            return True
        error = fault(done)
        # Without its namespace a Lease is not found either, and never will be.
        if error.code != "namespace-missing" and any(
            word in done.stderr for word in ("AlreadyExists", "Conflict", "NotFound")
        ):
            return False
        raise error

    def renew(self) -> None:
        """Write it anew; ConflictError ``lock-lost`` where it is not ours any more."""
        with self._renewing:
            found = self.seen()
            holder = str(found["spec"].get("holderIdentity") or "") if found else ""
            if holder == self.holder and self.write(found):
                return
            self._renewed = -math.inf
        now = f"belongs to another dubbopy-cli ({holder}) by now" if holder else "is gone"
        raise ConflictError(
            "lock-lost",
            f"the lease {self.name} of this command {now}: it was not renewed in time, so nothing more is changed",
            hint="wait until the other command has finished, then type the same one again",
        )

    def check(self) -> None:
        """Return while nobody else can hold it; a renewal that is late is made up for, or raises as ``renew`` does."""
        if time.monotonic() - self._renewed >= _SURE_SECONDS:
            self.renew()

    def release(self) -> None:
        """Take it away if it is ours still; what cannot be reached runs out by itself."""
        try:
            if self._delete(self._revision):
                return
            # A renewal may have come to pass although its answer was lost.
            found = self.seen()
            if found and found["spec"].get("holderIdentity") == self.holder:
                self._delete(found["metadata"]["resourceVersion"])
        except DubbopyError as error:
            self.cluster.say(f"lease {self.name} stays for {DURATION_SECONDS} s: {error.message}")

    def _delete(self, revision: str) -> bool:
        """Delete it as it was at a revision; False where it is another one's by now, or gone."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.cluster.namespace}/leases/{self.name}"
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"resourceVersion": revision}}
        done = self.cluster.kubectl.attempt("delete", "--raw", path, "--filename", "-", stdin=json.dumps(options))
        return done.ok


def _take(own: Own, seconds: float, busy: Callable[[str], DubbopyError]) -> None:
    if own.write(None):
        return
    started = time.monotonic()
    mark, since, told = None, started, False
    while True:
        found = own.seen()
        if found is None:
            if own.write(None):
                return
            continue
        holder = str(found["spec"].get("holderIdentity") or "")
        now = time.monotonic()
        if found["spec"].get("renewTime") != mark:
            mark, since = found["spec"].get("renewTime"), now
        ran_out = now - since >= float(found["spec"].get("leaseDurationSeconds", DURATION_SECONDS))
        if (not holder or ran_out or _dead(holder)) and own.write(found):
            return
        if now - started >= seconds:
            raise busy(holder)
        if not told:
            own.cluster.say(f"waiting for another dubbopy-cli ({holder}) to finish, at most {seconds:g} s")
            told = True
        time.sleep(_POLL_SECONDS)


def _renew(own: Own, ended: threading.Event) -> None:
    while not ended.wait(_RENEW_SECONDS):
        try:
            own.renew()
        except DubbopyError:
            # The apiserver may be away for a while, or the Lease another's by now: the next change says so.
            continue


def _dead(holder: str) -> bool:
    """Tell whether the holder is a process of this machine that has ended."""
    where, _, pid = holder.rpartition(":")
    if where.rpartition("@")[2] != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(pid) == os.getpid()
