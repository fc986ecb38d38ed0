"""Where the local target keeps things: one private folder a namespace."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from dubbopy_cli.errors import PreflightError

STATE_DIR_VARIABLE = "DUBBOPY_STATE_DIR"
# Carried by every process we start, so that a crash of the supervisor leaves nothing that cannot be found.
MARKER_VARIABLE = "DUBBOPY_STATE"
# sun_path holds 104 bytes on macOS and 108 on Linux; supervisord binds under a name with its pid behind it first.
_SOCKET_MAX = 92


def state_root() -> Path:
    """Return the folder of every namespace's state; ``DUBBOPY_STATE_DIR`` overrides the platform's own."""
    named = os.environ.get(STATE_DIR_VARIABLE)
    if named:
        return Path(named).absolute() / "local"
    import platformdirs

    return Path(platformdirs.user_state_dir("dubbopy-cli")) / "local"


@dataclass(frozen=True)
class Paths:
    """The files of one namespace; ``root`` is absolute."""

    root: Path

    @property
    def lock(self) -> Path:
        """Return the file that one command at a time holds locked."""
        return self.root / "lock"

    @property
    def holder(self) -> Path:
        """Return the file that says which process holds the lock."""
        return self.root / "lock.holder"

    @property
    def state(self) -> Path:
        """Return the file of the desired state."""
        return self.root / "state.json"

    @property
    def rules(self) -> Path:
        """Return the folder of the rule objects, one YAML file each."""
        return self.root / "rules"

    @property
    def history(self) -> Path:
        """Return the file that says what was done to the rules."""
        return self.root / "history.json"

    @property
    def shifts(self) -> Path:
        """Return the folder of what is kept of shifts, one record an application."""
        return self.root / "shifts"

    @property
    def releases(self) -> Path:
        """Return the folder of the artifacts' copies."""
        return self.root / "releases"

    @property
    def logs(self) -> Path:
        """Return the folder of the instances' logs."""
        return self.root / "logs"

    @property
    def envoy(self) -> Path:
        """Return the folder of Envoy's files."""
        return self.root / "envoy"

    @property
    def supervisor(self) -> Path:
        """Return the folder of supervisord's files."""
        return self.root / "supervisor"

    @property
    def specs(self) -> Path:
        """Return the folder of the launcher's files, one a program."""
        return self.supervisor / "specs"

    @property
    def starts(self) -> Path:
        """Return the folder in which the launcher counts the starts of each program."""
        return self.supervisor / "starts"

    @property
    def programs(self) -> Path:
        """Return the folder of supervisord's own configuration files, one a program."""
        return self.supervisor / "conf.d"

    @property
    def supervisor_pid(self) -> Path:
        """Return supervisord's pid file."""
        return self.supervisor / "supervisord.pid"

    @property
    def scratch(self) -> Path:
        """Return the folder in which files are written before they are renamed into their place."""
        return self.root / "tmp"

    def release(self, name: str, digest: str) -> Path:
        """Return the folder of one artifact of the release ``name``."""
        return self.releases / name / digest

    def log(self, program: str) -> Path:
        """Return the log file of ``program``."""
        return self.logs / f"{program}.log"

    def spec(self, program: str) -> Path:
        """Return the launcher's file of ``program``."""
        return self.specs / f"{program}.json"

    def start_count(self, program: str) -> Path:
        """Return the file to which the launcher adds a line at each start of ``program``."""
        return self.starts / program

    def program(self, program: str) -> Path:
        """Return supervisord's configuration file of ``program``."""
        return self.programs / f"{program}.conf"

    def socket(self) -> Path:
        """Return supervisord's socket: beside the state, or in /tmp where that path is too long for a socket.

        The place follows from the state's folder alone, so that every shell of the user finds the same socket.
        """
        near = self.supervisor / "s.sock"
        if len(os.fsencode(near)) <= _SOCKET_MAX:
            return near
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path("/tmp") / f"dubbopy-{os.getuid()}" / f"{digest}.sock"  # noqa: S108 - private_folder checks it

    def make(self) -> None:
        """Make every folder, readable by the user alone."""
        for folder in (
            self.root, self.rules, self.releases, self.logs, self.envoy, self.supervisor, self.specs, self.starts,
            self.programs, self.scratch, self.shifts,
        ):  # fmt: skip
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)
        private_folder(self.socket().parent)


def private_folder(folder: Path) -> None:
    """Make ``folder`` with mode 0700, or check that it is a real folder that only this user can enter.

    Raises PreflightError ``folder-unsafe``: in /tmp another user may have made it first.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PreflightError(
            "folder-unsafe",
            f"{folder} can be entered by other users of this machine, so no control socket is put there",
            hint=f'export {STATE_DIR_VARIABLE}="$HOME/.dubbopy", or another short path of your own',
        )
