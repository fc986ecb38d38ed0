"""The cases of tests/golden, and a project's whole tree as one text that can be read and compared."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from dubbopy_cli.scaffold import catalogue

FOLDER = Path(__file__).parent / "golden"

# Pairs of language, role, own module, own image, version, port and server each occur.
CASES: dict[str, tuple[str, ...]] = {
    "go-server": ("dubbo-go-server",),
    "go-client": ("dubbo-go-client", "--role", "client"),
    "go-proxyless-server": ("dubbo-go-server", "--mesh", "proxyless"),
    "go-proxyless-client": ("dubbo-go-client", "--role", "client", "--mesh", "proxyless"),
    "python-server": ("dubbo-py-server", "--lang", "python"),
    "python-client": ("dubbo-py-client", "--lang", "python", "--role", "client", "--server", "dubbo-py-server"),
    "go-server-v2": (
        *(
            "second",
            "--name",
            "greeter",
            "--module",
            "example.com/shop/greeter",
            "--image",
            "registry.example.com/shop/greeter",
        ),
        *("--app-version", "v2", "--tag", "2.0.0", "--port", "8080"),
    ),
    "python-client-v2": (
        *("web", "--lang", "python", "--role", "client", "--module", "shop_web", "--image", "ghcr.io/acme/web"),
        *("--app-version", "v2", "--tag", "2.0.0", "--port", "8080", "--server", "greeter"),
    ),
}


def golden(root: Path, words: tuple[str, ...]) -> str:
    """Return the tree at ``root``: each file's mode and path, and in full each file that was made from answers.

    A file that came through as it stands in a template is marked with ``=``: it is read there. Of a stub made by
    protoc, as good as binary, the hash stands for the text.
    """
    copied = {_hash(path) for path in catalogue.root().rglob("*") if path.is_file() and path.suffix != ".jinja"}
    index, texts = [], []
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        name = path.relative_to(root).as_posix()
        mark = "=" if _hash(path) in copied else _hash(path)[:16] if "_pb2" in name else "+"
        index.append(f"{path.stat().st_mode & 0o777:o} {mark} {name}\n")
        if mark == "+":
            texts.append(f"-- {name} --\n{path.read_text()}")
    return f"dubbopy-cli newApp {' '.join(words)}\n\n{''.join(index)}\n{''.join(texts)}"


def _hash(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
