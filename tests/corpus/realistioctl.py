"""The real istioctl, asked about many objects by one process."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# In a name it survives istioctl's words about the object, and says which one they are about.
_MARK = re.compile(r"^.*?-q(\d+)q:(?: |$)")


# Which of the objects that are given to an analysis cannot be read.
UNREAD = re.compile(r"error processing \S*\[(\d+)\]")


@dataclass
class Verdict:
    """What `istioctl validate` says about one object."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def unread(self) -> bool:
        """Tell whether the object is none that istioctl can read, so that it says no more about it."""
        return any("cannot parse proto message" in one for one in self.errors)


@dataclass(frozen=True)
class Message:
    """One message of `istioctl analyze`."""

    code: str
    level: str
    object: str
    text: str


@dataclass(frozen=True)
class Istioctl:
    """An istioctl, and a folder for what it reads."""

    program: Path
    folder: Path

    def validate(self, docs: Sequence[dict[str, Any]]) -> list[Verdict]:
        """Return the verdict on each object; their names are changed a little, which must not matter to it."""
        path = self._file(marked(doc, index) for index, doc in enumerate(docs))
        done = self._run("validate", "-f", str(path))
        verdicts: defaultdict[int, Verdict] = defaultdict(Verdict)
        said = verdicts[-1].errors
        warned = False
        for line in (done.stdout + done.stderr).splitlines():
            if line.startswith(f'"{path}" has warnings'):
                warned = True
            elif re.match(r"Error: |\d+ errors? occurred:", line):
                warned = False
            found = _MARK.match(line)
            if found:
                own = verdicts[int(found[1])]
                said = own.warnings if warned else own.errors
                said.append(line[found.end() :])
            elif said:
                said[-1] += f"\n{line}"
        assert done.returncode == bool(any(one.errors for one in verdicts.values())), done.stderr[-3000:]
        return [verdicts[index] for index in range(len(docs))]

    def analyze(self, docs: Iterable[dict[str, Any]]) -> tuple[list[Message], str]:
        """Return what it finds among objects that are alone in their cluster, and what it says of those it cannot read."""
        done = self._run("analyze", "--use-kube=false", "-A", "-o", "json", str(self._file(docs)))
        # What it cannot read it says before the list; where it can read nothing, that is all.
        words, bracket, rest = done.stdout.partition("[\n")
        assert bracket or done.stdout.rstrip().endswith("[]") or UNREAD.search(done.stdout), done.stdout + done.stderr
        return messages(json.loads(bracket + rest or "[]")), words + done.stderr

    def _file(self, docs: Iterable[dict[str, Any]]) -> Path:
        path = self.folder / "objects.yaml"
        # JSON is YAML.
        path.write_text("\n---\n".join(json.dumps(doc) for doc in docs), encoding="utf-8")
        return path

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {"HOME": str(self.folder), "KUBECONFIG": "/dev/null"}
        argv = [self.program, *arguments]
        return subprocess.run(argv, capture_output=True, text=True, env=env, timeout=300, check=False)


def marked(doc: dict[str, Any], index: int) -> dict[str, Any]:
    """Return the object under a name that istioctl's words about it can be found by."""
    found = copy.deepcopy(doc)
    metadata = found.setdefault("metadata", {})
    metadata["name"] = f"{metadata.get('name', '')}-q{index}q"
    return found


def messages(found: list[dict[str, Any]]) -> list[Message]:
    """Return the messages of an analysis in JSON."""
    return [Message(one["code"], one["level"].lower(), one.get("origin", ""), one["message"]) for one in found]


class Judge:
    """Istio's own code about what istioctl has no words for: its CRDs, and the objects of a cluster (`judge/main.go`)."""

    SOURCE = Path(__file__).parent / "judge" / "main.go"
    CRDS = Path("manifests/charts/base/files/crd-all.gen.yaml")

    def __init__(self, program: Path, crds: Path) -> None:
        self._argv = [str(program), str(crds)]
        self._process: subprocess.Popen[str] | None = None
        self._asked = 0

    def refusal(self, doc: dict[str, Any]) -> str:
        """Return why the API server refuses an object by its CRD, or an empty text."""
        return self._ask({"object": doc}).get("refused", "")

    def analyze(self, docs: Iterable[dict[str, Any]]) -> tuple[list[Message], str]:
        """Return what the analysis finds in a cluster of these objects, and what it says of those it cannot read."""
        found = self._ask({"objects": "\n---\n".join(json.dumps(doc) for doc in docs)})
        return messages(found.get("messages", [])), found.get("failed", "")

    def close(self) -> None:
        """End the program."""
        if self._process:
            self._process.communicate()
            self._process = None

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        # An analysis leaves its objects in memory.
        self._asked += "objects" in request
        if self._asked % 200 == 0:
            self.close()
            self._asked += 1
        if self._process is None:
            self._process = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        # Istio's packages have words of their own before the first answer.
        line = next((line for line in process.stdout if line.startswith("{")), "")
        assert line, "the judge has ended"
        return json.loads(line)
