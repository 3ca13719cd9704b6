"""Section scale: sluice with many routes and backends beside sluice with one route and two.

And the raw relay over as many backends beside the relay over two: what it pays more for sockets that
thousands of others have pushed out of the caches meanwhile, any proxy pays.
"""

import configs
from load import Shape
from options import Options
from proxies import Bench, Proxy
from throughput import interleaved, one_run

FILLING = 6.0


def run(bench: Bench, options: Options) -> dict:
    """The same requests for both: to all the routes in turn, and to a single one of them."""
    backend = bench.start_backend("--any")
    small, large = _start(bench, backend, options.routes)
    proxies = {"small": small, "large": large}
    # A backend of their own: each holds a descriptor for every connection.
    behind_floors = bench.start_backend("--any")
    floors = {"relay-small": bench.start_relay("relay-small", behind_floors, 2),
              "relay-large": bench.start_relay("relay-large", behind_floors, options.routes)}
    result = {"routes": options.routes, "backends": options.routes}
    for title, shape, extra in (("all", Shape("/13", routes=options.routes), floors),
                                ("one", Shape("/r17/13"), {})):
        options.say(f"requests to {title} of {options.routes} routes")
        # Each backend gets its first connection here, not in what is measured.
        for name, proxy in {**proxies, **extra}.items():
            if name.endswith("large"):
                one_run(bench, proxy, shape, 0.1, warm_up=FILLING)
        result[title] = interleaved(bench, {**proxies, **extra}, shape, options)
    result["resident_octets"] = {name: proxy.resident_octets() for name, proxy in proxies.items()}
    return result


def _start(bench: Bench, backend: int, routes: int) -> tuple[Proxy, Proxy]:
    """One backend process is behind both; health checks are off for both."""
    small = bench.start_sluice("sluice-small", lambda ports: configs.sluice(
        ports, [backend, backend], health=False))
    large = bench.start_sluice("sluice-large", lambda ports: configs.sluice_at_scale(
        ports, backend, routes))
    bench.configs["sluice-large"] = "\n".join(large.config.splitlines()[:20]) + "\n...\n"
    return small, large
