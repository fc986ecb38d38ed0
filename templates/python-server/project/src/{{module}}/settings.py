"""What the server takes from the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import logs
from .config import ConfigError
from .service import PROVIDERS

if TYPE_CHECKING:
    from .config import Config

_PROTOCOL: Final = "dubbo.protocols.triple"
_SERVICES: Final = "dubbo.provider.services"


@dataclass(frozen=True, slots=True)
class Settings:
    """Times are in seconds; an empty host stands for all addresses."""

    name: str
    host: str
    port: int
    services: tuple[str, ...]
    log_level: str
    unhealthy_for: float
    drain_for: float


def read(config: Config) -> Settings:
    """Check and collect the settings; raises ConfigError."""
    config.value(f"{_PROTOCOL}.name", "tri").choice(("tri",))
    level = config.value("dubbo.logger.level", "info", variable="DUBBO_LOG_LEVEL")
    delay = config.value("dubbo.shutdown.consumer-update-wait-time", "1s")
    return Settings(
        name=config.value("dubbo.application.name", "app").text(),
        host=config.value(f"{_PROTOCOL}.ip", "", variable="DUBBO_HOST").text(),
        port=config.value(f"{_PROTOCOL}.port", 20000, variable="DUBBO_PORT").integer(1, 65535),
        services=_services(config),
        log_level=level.choice(logs.LEVELS),
        unhealthy_for=delay.seconds(),
        drain_for=config.value("dubbo.shutdown.step-timeout", "15s").seconds(),
    )


def _services(config: Config) -> tuple[str, ...]:
    names = tuple(config.section(_SERVICES)) or tuple(PROVIDERS)
    for name in names:
        if name not in PROVIDERS:
            raise ConfigError(
                f"{config.path}: {_SERVICES}.{name}: service.py implements {', '.join(PROVIDERS)}"
            )
        stub = PROVIDERS[name].interface
        if config.value(f"{_SERVICES}.{name}.interface", stub).text() not in ("", stub):
            raise ConfigError(
                f"{config.path}: {_SERVICES}.{name}.interface: the stub says {stub}; leave it empty"
            )
    return names
