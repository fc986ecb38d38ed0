"""supervisord: started, asked and given programs, all by relative paths from the namespace's folder.

Relative, because its configuration language would take ``%`` and ``;`` in a folder's name for its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.process import Runner
from dubbopy_cli.targets.local import processes
from dubbopy_cli.targets.local.files import read_text, write_atomic
from dubbopy_cli.targets.local.paths import MARKER_VARIABLE, Paths
from dubbopy_cli.targets.local.programs import (
    STOP_WAIT_SECONDS,
    Program,
    ProgramInfo,
    main_text,
    program_info,
    program_text,
    spec_text,
)
from dubbopy_cli.targets.local.rpc import Client, FaultError, RpcError
from dubbopy_cli.targets.local.waiting import wait_until

START_SECONDS = 15.0
# An instance is asked, given STOP_WAIT_SECONDS, killed and reaped.
_ENDED_SECONDS = STOP_WAIT_SECONDS + 10.0
_NOT_RUNNING, _BAD_NAME, _ALREADY_ADDED, _ALREADY_STARTED = 70, 10, 90, 60


class Supervisor:
    """The supervisord of one namespace."""

    def __init__(self, paths: Paths, runner: Runner) -> None:
        self._paths = paths
        self._runner = runner

    def pid(self) -> int:
        """Return the process id of the supervisord that answers, 0 if none does."""
        try:
            return int(self._rpc().call("getPID"))
        except (RpcError, FaultError):
            return 0

    def start(self) -> None:
        """Start supervisord with every program that has a configuration file; DubbopyError ``mesh-failed``."""
        socket = self._paths.socket()
        socket.unlink(missing_ok=True)
        self._paths.supervisor_pid.unlink(missing_ok=True)
        main = self._paths.supervisor / "supervisord.conf"
        write_atomic(main, main_text(socket), self._paths.scratch)
        self._runner.run(
            [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", "supervisor/supervisord.conf"],
            timeout=START_SECONDS,
            cwd=self._paths.root,
            env={MARKER_VARIABLE: str(self._paths.root)},
        )
        if not wait_until(lambda: self.pid() > 0, START_SECONDS):
            raise DubbopyError(
                "mesh-failed",
                f"supervisord does not answer on its socket {socket}",
                hint="dubbopy-cli local reset",
                details=(read_text(self._paths.supervisor / "supervisord.log") or "")[-2000:],
            )

    def programs(self) -> Mapping[str, ProgramInfo]:
        """Return what runs by name; RpcError when supervisord does not answer."""
        return {one["name"]: program_info(one) for one in self._rpc().call("getAllProcessInfo")}

    def write(self, program: Program) -> bool:
        """Write the files of ``program`` and return whether they changed."""
        spec = self._paths.spec(program.name)
        wanted = spec_text(self._paths, program)
        config = program_text(program.name, program.priority)
        changed = read_text(spec) != wanted
        if changed:
            write_atomic(spec, wanted, self._paths.scratch)
        if read_text(self._paths.program(program.name)) != config:
            write_atomic(self._paths.program(program.name), config, self._paths.scratch)
        return changed

    def written(self) -> frozenset[str]:
        """Return the names of the programs that have a configuration file."""
        return frozenset(one.stem for one in self._paths.programs.glob("*.conf"))

    def add(self, names: Iterable[str]) -> None:
        """Let supervisord read its configuration and start ``names``, those it had given up included."""
        self._rpc().call("reloadConfig")
        for name in names:
            if not self._attempt("addProcessGroup", name, ignore=_ALREADY_ADDED):
                self._attempt("startProcess", name, False, ignore=_ALREADY_STARTED)

    def stop(self, names: Iterable[str], seconds: float = _ENDED_SECONDS) -> bool:
        """Ask the programs to end and return whether all have within ``seconds``.

        supervisord itself kills those that have not after STOP_WAIT_SECONDS, whether or not anybody waits.
        """
        names = list(names)
        for name in names:
            # Refused also for one that is being stopped already, which is waited for like the others.
            self._attempt("stopProcess", name, False, ignore=_NOT_RUNNING)
        return wait_until(lambda: all(self._is_down(one) for one in names), seconds)

    def drop(self, names: Iterable[str]) -> None:
        """Stop the programs and take them out of what runs; their files stay, so that ``add`` starts them anew."""
        names = list(names)
        self.stop(names)
        for name in names:
            self._attempt("removeProcessGroup", name, ignore=_BAD_NAME)

    def forget(self, names: Iterable[str]) -> None:
        """Stop the programs and take them and their files out of the configuration."""
        names = list(names)
        for name in names:
            # First, so that a supervisor that is started after a kill right here does not start it again.
            self._paths.program(name).unlink(missing_ok=True)
        self.drop(names)
        for name in names:
            self.discard(name)

    def discard(self, name: str) -> None:
        """Delete the files of the program ``name``, its log included."""
        for path in (self._paths.program(name), self._paths.spec(name), self._paths.start_count(name)):
            path.unlink(missing_ok=True)
        for path in self._paths.logs.glob(f"{name}.log*"):
            path.unlink(missing_ok=True)

    def shutdown(self) -> None:
        """End every program and supervisord itself, by RPC while it answers and by process id in any case."""
        pid = self.pid()
        process = processes.by_pid(pid, self._paths.root) if pid else None
        if process:
            try:
                rpc = self._rpc()
                rpc.call("stopAllProcesses", False)
                wait_until(lambda: all(one.down for one in self.programs().values()), _ENDED_SECONDS)
                rpc.call("shutdown")
                wait_until(lambda: processes.gone(process), _ENDED_SECONDS)
            except (RpcError, FaultError):
                pass  # what is left is ended by its process id
        processes.end_all(self._paths.root)
        self._paths.socket().unlink(missing_ok=True)
        self._paths.supervisor_pid.unlink(missing_ok=True)

    def starts(self, name: str) -> int:
        """Return how often the program ``name`` has been started."""
        return len((read_text(self._paths.start_count(name)) or "").splitlines())

    def _rpc(self) -> Client:
        return Client(self._paths.socket())

    def _is_down(self, name: str) -> bool:
        try:
            return program_info(self._rpc().call("getProcessInfo", name)).down
        except FaultError:
            return True

    def _attempt(self, method: str, *arguments: object, ignore: int) -> bool:
        try:
            self._rpc().call(method, *arguments)
        except FaultError as fault:
            if fault.fault not in {ignore, _BAD_NAME}:
                raise
            return False
        return True
