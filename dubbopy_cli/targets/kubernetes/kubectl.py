"""kubectl as a program: every call names its context and namespace, and is a line that a user can type."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dubbopy_cli.process import Completed, Runner, Stream, needed
from dubbopy_cli.targets.kubernetes.faults import fault

VARIABLE = "DUBBOPY_KUBECTL"
FIELD_MANAGER = "dubbopy"
_SECONDS = 60.0

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Kubectl:
    """kubectl on one namespace of one context; an empty context is kubectl's current one."""

    runner: Runner
    context: str
    namespace: str

    def argv(self, *words: str, everywhere: bool = False) -> tuple[str, ...]:
        """Return the whole command line of ``kubectl WORDS``."""
        program = needed("kubectl", VARIABLE, "kubectl")
        place = [*(["--context", self.context] if self.context else [])]
        return (str(program), *place, *([] if everywhere else ["--namespace", self.namespace]), *words)

    def run(
        self, *words: str, stdin: str | None = None, timeout: float = _SECONDS, everywhere: bool = False
    ) -> Completed:
        """Run ``kubectl WORDS``; raises what `faults.fault` makes of a failure."""
        done = self.attempt(*words, stdin=stdin, timeout=timeout, everywhere=everywhere)
        if not done.ok:
            raise fault(done)
        return done

    def attempt(
        self, *words: str, stdin: str | None = None, timeout: float = _SECONDS, everywhere: bool = False
    ) -> Completed:
        """Run ``kubectl WORDS`` and return what it left, whether it failed or not."""
        argv = self.argv(*words, everywhere=everywhere)
        return self.runner.run(argv, stdin=stdin, timeout=timeout, check=False)

    def stream(self, *words: str) -> Stream:
        """Start ``kubectl WORDS`` and return its output as it comes."""
        return self.runner.stream(self.argv(*words))

    def list(self, kinds: str, selector: str = "") -> tuple[Object, ...]:
        """Return the objects of ``kinds`` (separated by commas); none where the cluster knows no such kind."""
        done = self.attempt("get", kinds, *(["--selector", selector] if selector else []), "--output", "json")
        if not done.ok and "the server doesn't have a resource type" in done.stderr:
            return ()
        if not done.ok:
            raise fault(done)
        return tuple(json.loads(done.stdout)["items"])

    def find(self, kind: str, name: str, *, everywhere: bool = False) -> Object | None:
        """Return one object, None where it is not there."""
        words = ("get", kind, name, "--ignore-not-found", "--output", "json")
        text = self.run(*words, everywhere=everywhere).stdout
        return json.loads(text) if text.strip() else None

    def server_version(self) -> str:
        """Return the version of the cluster's server, as it says it itself: ``v1.30.4-eks-a737599``."""
        return str(json.loads(self.run("version", "--output", "json").stdout)["serverVersion"]["gitVersion"])

    def apply_words(self, *, force: bool) -> tuple[str, ...]:
        """Return the words that apply what stands on stdin."""
        words = ("apply", "--server-side", "--field-manager", FIELD_MANAGER)
        return (*words, *(["--force-conflicts"] if force else []), "--filename", "-")

    def apply(self, document: Object, *, force: bool = False) -> Completed:
        """Apply one object by server-side apply and return what kubectl left, whether it failed or not."""
        return self.attempt(*self.apply_words(force=force), stdin=json.dumps(document))

    def exec(self, pod: str, container: str, argv: Sequence[str], *, timeout: float = _SECONDS) -> Completed:
        """Run a program in a container of a pod and return what it left, whether it failed or not."""
        return self.attempt("exec", pod, "--container", container, "--", *argv, timeout=timeout)


def ready_pods(pods: Iterable[Object]) -> list[Object]:
    """Return the pods that are ready and not on their way out."""
    return [one for one in pods if is_ready(one)]


def is_ready(pod: Object) -> bool:
    """Tell whether a pod gets calls."""
    conditions = pod.get("status", {}).get("conditions", ())
    up = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return up and "deletionTimestamp" not in pod["metadata"]
