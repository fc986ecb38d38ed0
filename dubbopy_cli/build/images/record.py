"""What was made last, kept in the build folder beside the program."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from dubbopy_cli.build.images.request import ImageResult
from dubbopy_cli.project import Project


def save(project: Project, result: ImageResult) -> ImageResult:
    """Remember the image under its reference, and return it."""
    path = _path(project)
    path.parent.mkdir(exist_ok=True)
    images = {**_read(path), result.reference: asdict(result)}
    new = path.with_name(path.name + ".new")
    new.write_text(json.dumps({"images": images}, indent=2) + "\n", encoding="utf-8")
    new.replace(path)
    return result


def recorded(project: Project, tag: str, content: str) -> ImageResult | None:
    """Return the image of this tag that was pushed, if it was made of what is there now."""
    try:
        found = _read(_path(project)).get(f"{project.image}:{tag}")
        result = ImageResult(**{**found, "platforms": tuple(found["platforms"])}) if isinstance(found, dict) else None
    except (KeyError, TypeError):
        return None
    return result if result and result.content == content and result.digest else None


def _path(project: Project) -> Path:
    return project.build_dir / ".images.json"


def _read(path: Path) -> dict[str, object]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    images = document.get("images") if isinstance(document, dict) else None
    return images if isinstance(images, dict) else {}
