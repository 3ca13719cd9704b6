"""The backends and the proxies before them: start, check that answers are right, stop."""

import http.client
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import configs
import measure
from processes import Child, StartFailed, free_ports

Ports = tuple[int, int]
"""The listener and the admin interface of a sluice."""

Command = Callable[[int], list[str]]
"""What starts a server on this port."""

SIZES = {"13": 13, "1k": 1024, "16k": 16 * 1024, "1m": 1024 * 1024}


@dataclass(frozen=True)
class Programs:
    sluice: Path
    relay: Path
    backend: Path
    pace: Path
    turns: Path


@dataclass(frozen=True)
class Cores:
    """Where the proxies run, and where the load and the backends do."""
    proxy: frozenset[int]
    load: frozenset[int]


@dataclass
class Proxy:
    name: str
    child: Child
    port: int
    config: str = ""
    admin_port: int = 0
    pids: list[int] = field(default_factory=list)

    def cpu_seconds(self) -> float:
        return measure.cpu_seconds(self.pids)

    def waiting_seconds(self) -> float:
        return measure.waiting_seconds(self.pids)

    def resident_octets(self) -> int:
        return measure.resident_octets(self.pids)


class Bench:
    """Two backends of our own and the proxies started before them. Ends all it has started."""

    def __init__(self, programs: Programs, cores: Cores, folder: Path):
        self.programs = programs
        self.cores = cores
        self.folder = folder
        self.configs: dict[str, str] = {}
        self._stack = ExitStack()
        self.backends: list[int] = []
        self._backend_count = 0
        self.uses_io_uring = False

    def __enter__(self) -> "Bench":
        try:
            self.backends = [self.start_backend("--stay") for _ in range(2)]
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def start_backend(self, *options: str) -> int:
        self._backend_count += 1
        return self._start(f"backend-{self._backend_count}", self.cores.load, lambda port: [
            str(self.programs.backend), str(port), *options])[1]

    def start(self, name: str) -> Proxy:
        """Starts the proxy of that name, which may have a variant: sluice-log, haproxy-splice."""
        kind, _, variant = name.partition("-")
        proxy = getattr(self, f"_start_{kind}")(name, variant)
        check_answers(proxy.port, self.backends[0])
        # Only now: nginx listens before it has the process that works.
        proxy.pids = measure.process_tree(proxy.child.pid)
        return proxy

    def start_sluice(self, name: str, config_for: Callable[[Ports], str],
                     cores: frozenset[int] | None = None,
                     environment: dict[str, str] | None = None) -> Proxy:
        """sluice with the configuration for the ports it is given, once it is ready."""
        admin = 0

        def command(port: int) -> list[str]:
            nonlocal admin
            admin = free_ports(1)[0]
            path = self._write(f"{name}.toml", config_for((port, admin)))
            return [str(self.programs.sluice), "run", str(path)]

        child, port = self._start(name, cores or self.cores.proxy, command, environment)
        wait_until_ready(admin)
        self.uses_io_uring = self.uses_io_uring or measure.uses_io_uring(child.pid)
        return self._proxy(name, child, port, (self.folder / f"{name}.toml").read_text(), admin)

    def _start_sluice(self, name: str, variant: str) -> Proxy:
        access = f"{self.folder}/sluice-access.log" if variant == "log" else "off"
        io_uring = "off" if variant == "single" else "auto"
        return self.start_sluice(name, lambda ports: configs.sluice(
            ports, self.backends, access, io_uring=io_uring))

    def _start_nginx(self, name: str, variant: str) -> Proxy:
        def command(port: int) -> list[str]:
            config = configs.nginx(port, self.backends, self.folder, variant == "log")
            return ["nginx", "-p", str(self.folder), "-c", str(self._write(f"{name}.conf", config))]

        return self._start_configured(name, command, f"{name}.conf")

    def _start_haproxy(self, name: str, variant: str) -> Proxy:
        def command(port: int) -> list[str]:
            config = configs.haproxy(port, self.backends, variant)
            return ["haproxy", "-db", "-f", str(self._write(f"{name}.cfg", config))]

        return self._start_configured(name, command, f"{name}.cfg")

    def _start_relay(self, name: str, _variant: str) -> Proxy:
        return self.start_relay(name, self.backends[0])

    def start_relay(self, name: str, backend: int, backends: int = 0) -> Proxy:
        """The floor. `backends`: how many its requests are drawn to, each an own address in 127/8."""
        child, port = self._start(name, self.cores.proxy, lambda port: [
            str(self.programs.relay), str(port), str(backend), *([str(backends)] * (backends > 0))])
        return self._proxy(name, child, port, "")

    def _start_configured(self, name: str, command: Command, file: str) -> Proxy:
        child, port = self._start(name, self.cores.proxy, command)
        return self._proxy(name, child, port, (self.folder / file).read_text())

    def _proxy(self, name: str, child: Child, port: int, config: str, admin: int = 0) -> Proxy:
        self.configs[name] = config
        return Proxy(name, child, port, config, admin, measure.process_tree(child.pid))

    def _start(self, name: str, cores: frozenset[int], command: Command,
               environment: dict[str, str] | None = None) -> tuple[Child, int]:
        """A port that was free may be taken by the time it is used, so there is a second try."""
        for attempt in range(3):
            port = free_ports(1)[0]
            child = self._enter(name, command(port), cores, environment)
            try:
                child.wait_for_port(port)
                return child, port
            except StartFailed:
                if attempt == 2:
                    raise
        raise AssertionError

    def _enter(self, name: str, command: list[str], cores: frozenset[int],
               environment: dict[str, str] | None = None) -> Child:
        child = Child(command, set(cores), self.folder / f"{name}.out", environment)
        self._stack.callback(child.stop)
        return child

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


def wait_until_ready(admin_port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if ask(admin_port, "GET", "/readyz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise StartFailed("sluice did not become ready")


def ask(port: int, method: str, path: str, body: bytes | None = None,
        headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def check_answers(port: int, backend_port: int) -> None:
    """Measuring what gives wrong answers would be worth nothing."""
    for name, size in SIZES.items():
        wanted = ask(backend_port, "GET", f"/{name}")
        for headers in ({}, {"Connection": "close"}):
            answer = ask(port, "GET", f"/{name}", None, headers)
            if answer != wanted or len(answer[1]) != size:
                raise StartFailed(f"port {port} answers /{name} with {answer[0]} and "
                                  f"{len(answer[1])} octets")
    status, body = ask(port, "POST", "/upload", b"u" * SIZES["1m"])
    if status != 200 or len(body) != SIZES["13"]:
        raise StartFailed(f"port {port} answers an upload with {status}, {len(body)} octets")
