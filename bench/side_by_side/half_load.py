"""Section half_load: latency where a proxy should be run, not where it is full."""

import time
from collections.abc import Callable

from figures import rotated
from load import Pace, Shape, h2load, wrk
from options import Options
from proxies import Bench, Proxy

NAMES = ("sluice", "nginx", "haproxy")
CHECK_RATE = 5000
# A stall of the machine is the p99 of the run that it hits, so the median of many short runs says more
# than that of a few long ones; some 10,000 requests are enough for a p99. A proxy that stalls by itself
# less than once a second would not be seen by it, but by the largest p99.
RUNS_A_ROUND = 4


def run(bench: Bench, options: Options) -> dict:
    """Half of capacity with our generator; with h2load a rate that is low enough for it.

    h2load takes several times the CPU of a proxy per request, so at half of capacity its own queue
    would be measured. It is here to see whether another generator gives the same picture.
    """
    proxies = {name: bench.start(name) for name in NAMES if name in options.proxies}
    cores = set(bench.cores.load)
    seconds = max(1.0, options.seconds)
    capacity = {name: max(wrk(proxy.port, Shape(), 1, cores)["rate"] for _ in range(2))
                for name, proxy in proxies.items()}
    rate = min(capacity.values()) / 2
    check_rate = min(rate, CHECK_RATE)
    pace = Pace(bench.programs.pace, rate, seconds)
    options.say(f"{rate:.0f} requests/s each")
    runs = _rounds(proxies, options.rounds * RUNS_A_ROUND, lambda port: pace.run(port, cores))
    options.say(f"{check_rate:.0f} requests/s each, h2load")
    check = _rounds(proxies, options.rounds,
                    lambda port: h2load(port, check_rate, 2.0, cores, bench.folder))
    return {"capacity": capacity, "rate": rate, "runs": runs,
            "check_rate": check_rate, "check_runs": check}


def _rounds(proxies: dict[str, Proxy], rounds: int, load: Callable[[int], dict]) -> dict:
    runs: dict[str, list[dict]] = {name: [] for name in proxies}
    for number in range(rounds):
        for name in rotated(list(proxies), number):
            waiting, begin = proxies[name].waiting_seconds(), time.monotonic()
            result = load(proxies[name].port)
            waited = (proxies[name].waiting_seconds() - waiting) / (time.monotonic() - begin)
            runs[name].append({"round": number, "waited": waited, **result})
    return runs
