"""Section memory: what an idle keep-alive client costs in user space."""

import socket
import time

from options import Options
from proxies import Bench, Proxy

NAMES = ("sluice", "nginx", "haproxy")
WARM_UP = 100
REQUEST = b"GET /13 HTTP/1.1\r\nHost: bench\r\n\r\n"


def run(bench: Bench, options: Options) -> dict:
    result = {}
    for name in NAMES:
        if name not in options.proxies:
            continue
        options.say(f"{options.clients} idle clients at {name}")
        result[name] = _measure(bench.start(name), options.clients)
    return result


def _measure(proxy: Proxy, clients: int) -> dict:
    """The first 100 clients pay for what a proxy makes once, and stay."""
    idle: list[socket.socket] = []
    try:
        _connect(idle, proxy.port, WARM_UP)
        before = _settled(proxy)
        _connect(idle, proxy.port, clients)
        after = _settled(proxy)
        return {"clients": clients, "octets_before": before, "octets_after": after,
                "octets_per_client": (after - before) / clients, "alive": _alive(idle)}
    finally:
        for one in idle:
            one.close()


def _connect(idle: list[socket.socket], port: int, count: int) -> None:
    """Clients that have made one request each."""
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port), timeout=10)
        idle.append(one)
        one.sendall(REQUEST)
        if not one.recv(4096).startswith(b"HTTP/1.1 200"):
            raise RuntimeError("an idle client did not get its answer")


def _settled(proxy: Proxy) -> int:
    time.sleep(1.5)  # proxies give back what was needed for a moment on timers of their own
    return proxy.resident_octets()


def _alive(idle: list[socket.socket]) -> int:
    """Connections that the proxy has not closed: a figure for fewer would be no figure."""
    alive = 0
    for one in idle:
        one.setblocking(False)
        try:
            alive += one.recv(1) != b""
        except BlockingIOError:
            alive += 1
        except OSError:
            pass
    return alive
