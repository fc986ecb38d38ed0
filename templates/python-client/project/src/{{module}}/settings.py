"""What the client takes from the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from . import logs
from .api import api_pb2
from .config import ConfigError

if TYPE_CHECKING:
    from .config import Config, Value

#: gRPC makes at most 5 attempts at a call, whatever it is told.
MAX_RETRIES: Final = 4

_CONSUMER: Final = "dubbo.consumer"
_REFERENCE: Final = "dubbo.consumer.references.GreeterClientImpl"
_INTERFACE: Final = api_pb2.DESCRIPTOR.services_by_name["Greeter"].full_name


@dataclass(frozen=True, slots=True)
class Settings:
    """The target is host:port; the timeout is in seconds."""

    name: str
    target: str
    timeout: float
    retries: int
    attachments: dict[str, str]
    log_level: str


def read(config: Config) -> Settings:
    """Check and collect the settings; raises ConfigError."""
    config.value(f"{_REFERENCE}.protocol", "tri").choice(("tri",))
    if config.value(f"{_REFERENCE}.interface", _INTERFACE).text() not in ("", _INTERFACE):
        raise ConfigError(
            f"{config.path}: {_REFERENCE}.interface: the stub says {_INTERFACE}; leave it empty"
        )
    own = "request-timeout" in config.section(_REFERENCE)
    timeout_key = f"{_REFERENCE if own else _CONSUMER}.request-timeout"
    retries = config.value(f"{_REFERENCE}.retries", 0, variable="DUBBO_RETRIES")
    attachments = config.value(f"{_REFERENCE}.attachments").attachments()
    level = config.value("dubbo.logger.level", "info", variable="DUBBO_LOG_LEVEL")
    return Settings(
        name=config.value("dubbo.application.name", "app").text(),
        target=_target(config.value(f"{_REFERENCE}.url", variable="DUBBO_SERVER_URL")),
        timeout=config.value(timeout_key, "3s", variable="DUBBO_TIMEOUT").timeout(),
        retries=retries.integer(0, MAX_RETRIES),
        attachments=attachments | config.variable("DUBBO_ATTACHMENTS").attachments(),
        log_level=level.choice(logs.LEVELS),
    )


def _target(url: Value) -> str:
    text = url.text()
    try:
        parts = urlsplit(text if "://" in text else f"tri://{text}")
        if parts.scheme == "tri" and parts.hostname and parts.port and "@" not in parts.netloc:
            return parts.netloc
    except ValueError:  # a port that is none
        pass
    raise ConfigError(f"{url.origin}: {text!r} is not a URL such as tri://dubbo-go-server:20000")
