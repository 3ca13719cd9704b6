"""Section weights: how long a change of weights takes until every worker has it."""

import http.client
import json
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import configs
from figures import percentile
from load import SCRIPT, Pace, Shape, wrk
from options import Options
from processes import at_once, before_exec
from proxies import Bench, Proxy

CALLS = 100
PAUSE = 0.01


def run(bench: Bench, options: Options) -> dict:
    """The call answers when all workers have the weights.

    Two workers on all cores, beside the load and the backend; and one on the proxy's core alone,
    for the full load, where otherwise all that is there waits for a core most of the time. Each
    call is followed by one that only reads, which no worker hears of: what that one takes, the
    machine and the admin interface take.
    """
    backend = bench.start_backend("--any")
    everywhere = bench.cores.proxy | bench.cores.load
    plans: dict[str, dict] = {}
    for name, route, pools, config in (
            ("small", "all", ("old", "new"), lambda ports, workers: configs.sluice(
                ports, [backend, backend], workers=workers, health=False)),
            ("large", "r0", ("p0", "p1"), lambda ports, workers: configs.sluice_at_scale(
                ports, backend, options.routes, workers=workers))):
        for place, workers, cores, loads in (
                ("shared", 2, everywhere, ("idle", "half", "full")),
                ("apart", 1, bench.cores.proxy, ("full",))):
            proxy = bench.start_sluice(
                f"sluice-weights-{name}-{place}",
                lambda ports, config=config, workers=workers: config(ports, workers), cores)
            bench.configs.pop(proxy.name)  # the one of the section scale but for the workers
            options.say(f"weights in the {name} plan, cores {place}")
            plans.setdefault(name, {})[place] = {
                load: _under(bench, proxy, load, (route, pools), options) for load in loads}
    return {"calls": CALLS, "routes": options.routes, "plans": plans}


def _under(bench: Bench, proxy: Proxy, load: str, split: tuple, options: Options) -> dict:
    if load == "idle":
        return _change(proxy, split, options)
    cores = set(bench.cores.load)
    rate = None if load == "full" else wrk(proxy.port, Shape("/r0/13"), 1, cores)["rate"] / 2
    with _background_load(bench.programs.pace, proxy, rate, cores):
        time.sleep(0.3)
        return {"rate": rate, **_change(proxy, split, options)}


@contextmanager
def _background_load(program: Path, proxy: Proxy, rate: float | None, cores: set[int]):
    """64 connections, as fast as they go or at `rate` requests/s in all."""
    url = f"http://127.0.0.1:{proxy.port}/r0/13"
    command = (["wrk", "-t1", "-c64", "-d100s", "-s", str(SCRIPT), url, "--", "get", "keep"]
               if rate is None else Pace(program, rate, 100, path="/r0/13").command(proxy.port))
    generator = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 start_new_session=True, preexec_fn=before_exec(cores))
    try:
        yield
        if generator.poll() is not None:
            raise RuntimeError("the background load ended early")
    finally:
        generator.kill()
        generator.wait()


def _change(proxy: Proxy, split: tuple, options: Options) -> dict:
    rounds = []
    with at_once() as is_at_once:
        for index in range(options.rounds):
            changes, reads = _time_calls(proxy, *split)
            rounds.append({"round": index, **_figures("", changes), **_figures("read_", reads),
                           "micros": sorted(changes)})
    return {"is_at_once": is_at_once, "rounds": rounds}


def _figures(prefix: str, micros: list[float]) -> dict:
    ordered = sorted(micros)
    return {f"{prefix}p50_us": percentile(ordered, 50), f"{prefix}p90_us": percentile(ordered, 90),
            f"{prefix}max_us": ordered[-1]}


def _time_calls(proxy: Proxy, route: str, pools: tuple[str, str]) -> tuple[list, list]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.admin_port, timeout=30)
    changes, reads = [], []
    for call in range(CALLS):
        body = json.dumps({"weights": {pools[0]: 90 - call % 50, pools[1]: 10 + call % 50}})
        changes.append(_time_call(connection, "PUT", f"/v1/routes/{route}/split", body))
        time.sleep(PAUSE)
        reads.append(_time_call(connection, "GET", f"/v1/routes/{route}", None))
        time.sleep(PAUSE)
    connection.close()
    return changes, reads


def _time_call(connection: http.client.HTTPConnection, method: str, path: str,
               body: str | None) -> float:
    begin = time.perf_counter()
    connection.request(method, path, body)
    response = connection.getresponse()
    answer = response.read()
    micros = (time.perf_counter() - begin) * 1e6
    if response.status != 200:
        raise RuntimeError(f"{method} {path} was refused: {answer[:300]!r}")
    return micros
