"""Section scale: sluice with many routes and backends beside sluice with one route and two."""

import configs
from load import Shape
from options import Options
from proxies import Bench, Proxy
from throughput import interleaved, one_run

FILLING = 6.0


def run(bench: Bench, options: Options) -> dict:
    """The same requests for both: to all the routes in turn, and to a single one of them."""
    small, large = _start(bench, options.routes)
    proxies = {"small": small, "large": large}
    result = {"routes": options.routes, "backends": options.routes}
    for title, shape in (("all", Shape("/13", routes=options.routes)), ("one", Shape("/r17/13"))):
        options.say(f"requests to {title} of {options.routes} routes")
        # Each backend gets its first connection here, not in what is measured.
        one_run(bench, large, shape, 0.1, warm_up=FILLING)
        result[title] = interleaved(bench, proxies, shape, options)
    result["resident_octets"] = {name: proxy.resident_octets() for name, proxy in proxies.items()}
    return result


def _start(bench: Bench, routes: int) -> tuple[Proxy, Proxy]:
    """One backend process is behind both; health checks are off for both."""
    backend = bench.start_backend("--any")
    small = bench.start_sluice("sluice-small", lambda ports: configs.sluice(
        ports, [backend, backend], health=False))
    large = bench.start_sluice("sluice-large", lambda ports: configs.sluice_at_scale(
        ports, backend, routes))
    bench.configs["sluice-large"] = "\n".join(large.config.splitlines()[:20]) + "\n...\n"
    return small, large
