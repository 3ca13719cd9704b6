"""Sections throughput and log: CPU per request, requests/s, latencies, failures."""

import subprocess
import time

from figures import rotated
from load import FAILURES, Shape, wrk
from options import Options
from proxies import Bench, Proxy

WARM_UP = 0.3
QUIET = 0.05


def one_run(bench: Bench, proxy: Proxy, shape: Shape, seconds: float,
            warm_up: float = WARM_UP) -> dict:
    """The CPU time is read right before and after the load; connections are the load's own."""
    load_cores = set(bench.cores.load)
    wrk(proxy.port, shape, warm_up, load_cores)
    cpu, waiting, begin = proxy.cpu_seconds(), proxy.waiting_seconds(), time.monotonic()
    result = wrk(proxy.port, shape, seconds, load_cores)
    wall = time.monotonic() - begin
    used = proxy.cpu_seconds() - cpu
    requests = result["requests"]
    return {
        "requests": requests, "seconds": result["micros"] / 1e6, "rate": result["rate"],
        "cpu_us": used / requests * 1e6 if requests else None, "busy": used / wall,
        "waited": (proxy.waiting_seconds() - waiting) / wall,
        "p50_us": result["p50_us"], "p99_us": result["p99_us"], "failures": result["failures"],
        "failures_by_kind": {kind: result[kind] for kind in FAILURES}}


def quietest_run(bench: Bench, proxy: Proxy, shape: Shape, options: Options) -> dict:
    """Of the run and its repeats: the first quiet one, else the one that was disturbed least."""
    best = one_run(bench, proxy, shape, options.seconds)
    for _ in range(options.repeats):
        if best["waited"] <= QUIET:
            break
        again = one_run(bench, proxy, shape, options.seconds)
        best = min(best, again, key=lambda run: run["waited"])
    return best


def interleaved(bench: Bench, proxies: dict[str, Proxy], shape: Shape, options: Options) -> dict:
    """All rounds of one cell: the runs of each proxy."""
    runs: dict[str, list[dict]] = {name: [] for name in proxies}
    for number in range(options.rounds):
        for name in rotated(list(proxies), number):
            result = quietest_run(bench, proxies[name], shape, options)
            runs[name].append({"round": number, **result})
    return runs


def run(bench: Bench, options: Options) -> dict:
    names = [name for name in options.proxies
             if any(name in cell.proxies(options.proxies) for cell in options.cells)]
    proxies = {name: bench.start(name) for name in names}
    cells, failed = [], {}
    for number, cell in enumerate(options.cells, 1):
        options.say(f"cell {number} of {len(options.cells)}: {cell.title}")
        chosen = {name: proxies[name] for name in cell.proxies(options.proxies)}
        try:
            runs = interleaved(bench, chosen, cell.shape, options)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            failed[cell.title] = str(error)  # the other cells are worth having
            continue
        cells.append({"name": cell.name, "title": cell.title, "runs": runs})
    return {"cells": cells, "failed": failed}


def run_with_log(bench: Bench, options: Options) -> dict:
    proxies = {name: bench.start(name) for name in ("sluice-log", "nginx-log")}
    runs = interleaved(bench, proxies, Shape(), options)
    return {"cells": [{"name": "13-keepalive-64-log", "title":
                       "13 B, keep-alive, 64 connections, access log to a file", "runs": runs}]}
