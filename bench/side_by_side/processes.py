"""Child processes: started on given cores, ended by their pid, also when this program is killed."""

import ctypes
import os
import resource
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class StartFailed(Exception):
    pass


def free_ports(count: int) -> list[int]:
    """Ports that the system chose; they are held together, so they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def raise_descriptor_limit(wanted: int = 65536) -> int:
    """Raises the limit of this process and its children as far as allowed; returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, soft), max(wanted, hard)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def before_exec(cores: set[int]):
    """What a child does to itself first."""

    def prepare() -> None:
        os.sched_setaffinity(0, cores)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return prepare


@contextmanager
def at_once():
    """This program gets a core as soon as it wants one, where it may: what it times is then no wait
    of its own. Gives whether it may. Not for what takes long, and not passed on to children."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        # With the flag: only root may take it back.
        os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))


class Child:
    """A server of the comparison."""

    def __init__(self, command: list[str], cores: set[int], log: Path,
                 environment: dict[str, str] | None = None):
        self._log = log
        with log.open("wb") as output:
            # A session of its own: Ctrl-C reaches this program alone, which then ends the children.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, preexec_fn=before_exec(cores),
                env={**os.environ, **(environment or {})})
        self.pid = self._process.pid

    def wait_for_port(self, port: int, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise StartFailed(f"{self._process.args}: {self._log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        for number, patience in ((signal.SIGTERM, 3), (signal.SIGTERM, 1), (signal.SIGKILL, 5)):
            if self._process.poll() is not None:
                return
            self._process.send_signal(number)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                continue


def _wait_until_interruptible(process: subprocess.Popen, seconds: float = 10) -> None:
    """Until the program has a handler for SIGINT, which would just end it before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        if int(caught.split()[1], 16) & 1 << (signal.SIGINT - 1):
            return
        time.sleep(0.002)


def run_pinned(command: list[str], cores: set[int], interrupt_after: float | None = None,
               patience: float = 30) -> str:
    """Runs a program to its end and returns what it printed."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          start_new_session=True, preexec_fn=before_exec(cores)) as process:
        try:
            if interrupt_after is not None:
                _wait_until_interruptible(process)
                time.sleep(interrupt_after)
                process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=patience)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise RuntimeError(f"{command} ended with {process.returncode}: {errors[-2000:]}")
    return output
