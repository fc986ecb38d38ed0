"""Ask a registry what it holds under a tag (OCI distribution specification), with the builder's own login."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from dubbopy_cli.build.images import names
from dubbopy_cli.build.images.credentials import TOKEN_USER, Credential
from dubbopy_cli.build.images.request import CONTENT_LABEL, BuilderName
from dubbopy_cli.errors import UnreachableError

_SECONDS = 20
# A manifest has at most 4 MiB by the specification; a configuration is as small.
_BYTES = 4 * 1024 * 1024
_INDEX = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_MANIFEST = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")


@dataclass(frozen=True)
class Held:
    """What a registry holds under a tag; ``content`` is the label of all its images, empty where they differ."""

    digest: str
    platforms: tuple[str, ...]
    content: str


@dataclass
class Registry:
    """One repository of one registry."""

    repository: str
    builder: BuilderName
    credential: Credential | None = None
    insecure: bool = False
    _token: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """Return the registry's name as it stands in the reference."""
        return names.split(self.repository)[0]

    def held(self, tag: str) -> Held | None:
        """Return what the tag names, or None where it is free.

        Raises UnreachableError ``registry-unreachable`` or ``registry-denied``.
        """
        body = self._get(f"manifests/{tag}", (*_INDEX, *_MANIFEST))
        if body is None:
            return None
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        document = self._json(body)
        if "manifests" not in document:
            platform, content = self._image(document)
            return Held(digest, (platform,), content)
        found = []
        for entry in document["manifests"]:
            # buildx adds attestations as images of an unknown platform.
            if entry.get("platform", {}).get("os") != "unknown":
                inner = self._get(f"manifests/{entry['digest']}", _MANIFEST)
                found.append(self._image(self._json(inner or b"{}")))
        contents = {content for _, content in found}
        return Held(digest, tuple(platform for platform, _ in found), contents.pop() if len(contents) == 1 else "")

    def _image(self, manifest: Mapping[str, Any]) -> tuple[str, str]:
        """Return the platform and the content of one image from its configuration."""
        digest = manifest.get("config", {}).get("digest")
        config = self._json((self._get(f"blobs/{digest}", ("*/*",)) if digest else None) or b"{}")
        labels = (config.get("config") or {}).get("Labels") or {}
        return f"{config.get('os', '')}/{config.get('architecture', '')}", str(labels.get(CONTENT_LABEL, ""))

    def _json(self, body: bytes) -> dict[str, Any]:
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if isinstance(document, dict):
            return document
        raise UnreachableError(
            "registry-unreachable",
            f"what answers at {self.host} is no registry: a web page, perhaps of a proxy",
            hint=f"curl -i https://{names.api_host(self.host)}/v2/",
        )

    def _get(self, path: str, accept: tuple[str, ...]) -> bytes | None:
        place = f"{names.api_host(self.host)}/v2/{names.split(self.repository)[1]}/{path}"
        reason = ""
        for scheme in self._schemes():
            try:
                return self._answer(f"{scheme}://{place}", accept)
            except urllib.error.HTTPError as error:
                if error.code in {401, 403}:
                    raise self._denied(error.code) from None
                reason = f"it answers with HTTP status {error.code}"
                # What a server of https says to http.
                if error.code != 400:
                    break
            except urllib.error.URLError as error:
                reason = reason or _said(error.reason)
            except (OSError, HTTPException) as error:
                reason = reason or _said(error)
        raise UnreachableError(
            "registry-unreachable",
            f"the registry {self.host} cannot be asked for {self.repository}: {reason}",
            hint=_hint(self.host, reason),
        )

    def _schemes(self) -> tuple[str, ...]:
        """Return what to try: on loopback plain http is what everybody has."""
        if names.on_loopback(self.host):
            return ("http", "https")
        return ("https", "http") if self.insecure else ("https",)

    def _answer(self, url: str, accept: tuple[str, ...]) -> bytes | None:
        for attempt in (1, 2):
            request = urllib.request.Request(url, headers={"Accept": ", ".join(accept)})  # noqa: S310 - http(s) alone
            if self._token:
                # Not sent on to the storage that a registry redirects to.
                request.add_unredirected_header("Authorization", self._token)
            try:
                return self._read(request)
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return None
                challenge = error.headers.get("WWW-Authenticate", "")
                if error.code != 401 or attempt == 2 or not challenge:
                    raise
                self._token = self._authorize(challenge)
        raise AssertionError("the second attempt returns or raises")

    def _authorize(self, challenge: str) -> str:
        """Return the header that answers a challenge (distribution's token authentication)."""
        if challenge.lower().startswith("basic"):
            return self.credential.basic() if self.credential else ""
        facts = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        query = {
            "service": facts.get("service", ""),
            "scope": f"repository:{names.split(self.repository)[1]}:pull,push",
        }
        realm = facts.get("realm", "")
        if not realm.startswith(("https://", "http://") if self.insecure else "https://"):
            raise self._denied(401)
        if self.credential and self.credential.user == TOKEN_USER:
            form = {**query, "grant_type": "refresh_token", "refresh_token": self.credential.secret}
            form["client_id"] = "dubbopy-cli"
            request = urllib.request.Request(realm, data=urllib.parse.urlencode(form).encode())  # noqa: S310 - checked
        else:
            request = urllib.request.Request(f"{realm}?{urllib.parse.urlencode(query)}")  # noqa: S310 - checked above
            if self.credential:
                request.add_unredirected_header("Authorization", self.credential.basic())
        answer = self._json(self._read(request))
        return f"Bearer {answer.get('token') or answer.get('access_token') or ''}"

    def _read(self, request: urllib.request.Request) -> bytes:
        handlers: list[urllib.request.BaseHandler] = []
        if request.type == "https":
            handlers.append(urllib.request.HTTPSHandler(context=self._context()))
        if names.on_loopback(self.host):
            # As Go programs do, and so every builder: a proxy has another loopback.
            handlers.append(urllib.request.ProxyHandler({}))
        with urllib.request.build_opener(*handlers).open(request, timeout=_SECONDS) as answer:
            return bytes(answer.read(_BYTES))

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        for folder in ("/etc/docker/certs.d", "/etc/containers/certs.d"):
            for path in sorted((Path(folder) / self.host).glob("*.crt")):
                context.load_verify_locations(path)
        return context

    def _denied(self, status: int) -> UnreachableError:
        return UnreachableError(
            "registry-denied",
            f"the registry {self.host} does not let you at {self.repository} (HTTP status {status}): "
            + ("the login has not the right" if self.credential else "you are not logged in"),
            hint=f"{self.builder} login {self.host}",
        )


def _said(reason: object) -> str:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({reason.verify_message})"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason)


def _hint(host: str, reason: str) -> str:
    if "certificate" in reason:
        return f"put the certificate of its authority at /etc/containers/certs.d/{host}/ca.crt, or add --insecure"
    return "start it or mend the network, or do without: dubbopy-cli build --image --no-push"
