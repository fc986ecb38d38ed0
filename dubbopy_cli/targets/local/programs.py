"""Programs as supervisord and our launcher read them."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dubbopy_cli.targets.local.paths import MARKER_VARIABLE, Paths

STOP_WAIT_SECONDS = 30
_UP = frozenset({"STARTING", "RUNNING", "BACKOFF", "STOPPING"})

_MAIN = """\
[supervisord]
logfile=supervisor/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile=supervisor/supervisord.pid
childlogdir=logs
nodaemon=false
umask=022
[unix_http_server]
file={socket}
chmod=0700
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[include]
files=conf.d/*.conf
"""

_PROGRAM = """\
[program:{name}]
command={python} -I -S {launcher} supervisor/specs/{name}.json
priority={priority}
autostart=true
autorestart=true
startsecs=1
startretries=10
stopsignal=TERM
stopwaitsecs={wait}
killasgroup=true
redirect_stderr=true
stdout_logfile=logs/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


@dataclass(frozen=True)
class Program:
    """A program that supervisord runs; ``env`` is all that it gets beside a few words such as PATH."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    priority: int
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProgramInfo:
    """What supervisord knows of a program; ``started`` is in seconds since the epoch."""

    name: str
    state: str
    pid: int
    started: float
    description: str
    exit_status: int

    @property
    def down(self) -> bool:
        """Tell whether supervisord has given the program up or was told to stop it."""
        return self.state not in _UP


def spec_text(paths: Paths, program: Program) -> str:
    """Return the launcher's file of ``program``."""
    return json.dumps(
        {
            "argv": list(program.argv),
            "cwd": str(program.cwd),
            "env": {**program.env, MARKER_VARIABLE: str(paths.root)},
            "starts": str(paths.start_count(program.name)),
        },
        indent=1,
        sort_keys=True,
    )


def program_text(name: str, priority: int) -> str:
    """Return supervisord's configuration file of a program."""
    return _PROGRAM.format(
        name=name,
        python=_word(sys.executable),
        launcher=_word(str(Path(__file__).with_name("launch.py"))),
        priority=priority,
        wait=STOP_WAIT_SECONDS,
    )


def main_text(socket: Path) -> str:
    """Return supervisord's main configuration file."""
    return _MAIN.format(socket=_escaped(str(socket)))


def program_info(one: Mapping[str, Any]) -> ProgramInfo:
    """Return what an answer of supervisord says of a program."""
    return ProgramInfo(
        name=one["name"],
        state=one["statename"],
        pid=one["pid"],
        started=float(one["start"]),
        description=one["description"],
        exit_status=one["exitstatus"],
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _word(text: str) -> str:
    return _escaped(shlex.quote(text))
