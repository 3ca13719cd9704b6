"""The bars that sluice sets itself, and whether this run met them."""

from collections.abc import Iterator

from cells import TITLES, name_of
from figures import ratio, ratio_net_of_floor, spread

KIB = 1024


def judge(sections: dict) -> list[dict]:
    bars = [*_throughput(sections), *_log(sections), *_half_load(sections), *_memory(sections),
            *_soak(sections), *_scale(sections), *_weights(sections), *_reload(sections),
            *_rollout(sections)]
    for bar in bars:
        figure = bar["figure"]
        bar["state"] = ("not measured" if figure is None else
                        "met" if figure["median"] <= bar["limit"] else "missed")
    return bars


def _bar(text: str, limit: float, figure: dict | None, unit: str = "") -> dict:
    return {"text": text, "limit": limit, "figure": figure, "unit": unit}


def _single(value: float | None) -> dict | None:
    return None if value is None else {"median": value, "min": value, "max": value}


def cells_of(sections: dict, section: str) -> dict[str, dict]:
    return {cell["name"]: cell for cell in sections.get(section, {}).get("cells", [])}


def cell_ratio(cell: dict | None, name: str, other: str, key: str = "cpu_us") -> dict | None:
    if cell is None or name not in cell["runs"] or other not in cell["runs"]:
        return None
    return ratio(cell["runs"][name], cell["runs"][other], key)


def _throughput(sections: dict) -> Iterator[dict]:
    small = [(name_of(size, False, 64), f"{title}, 64 keep-alive connections")
             for size, title in (("13", "13 B"), ("1k", "1 KiB"))]
    new = [(name_of(size, True, 64), f"{title}, new connection per request, 64 at a time")
           for size, title in (("13", "13 B"), ("1k", "1 KiB"))]
    large = [(name_of("1m", False, 64), "1 MiB down, 64 keep-alive connections"),
             (name_of("1m", False, 64, True), "1 MiB up, 64 keep-alive connections")]
    wanted = [(small, "nginx", 0.80), (small, "haproxy", 0.80), (small, "relay", 1.25),
              (new, "nginx", 0.90), (new, "haproxy", 0.90),
              (large, "haproxy", 0.90), (large, "haproxy-splice", 1.05)]
    cells = cells_of(sections, "throughput")
    for group, other, limit in wanted:
        for name, title in group:
            yield _bar(f"CPU per request against {TITLES[other]}: {title}", limit,
                       cell_ratio(cells.get(name), "sluice", other))


def _log(sections: dict) -> Iterator[dict]:
    cell = cells_of(sections, "log").get("13-keepalive-64-log")
    yield _bar("CPU per request against nginx, both with access log: 13 B, 64 keep-alive "
               "connections", 0.85, cell_ratio(cell, "sluice-log", "nginx-log"))


def _half_load(sections: dict) -> Iterator[dict]:
    for other in ("nginx", "haproxy"):
        yield _bar(f"p99 at half of capacity against {TITLES[other]}", 1.0,
                   cell_ratio(sections.get("half_load") or None, "sluice", other, "p99_us"))


def _memory(sections: dict) -> Iterator[dict]:
    figure = sections.get("memory", {}).get("sluice")
    clients = figure["clients"] if figure else 10_000
    whole = figure and figure["alive"] >= clients
    yield _bar(f"user-space memory of each of {clients} idle keep-alive clients", 3.0,
               _single(figure["octets_per_client"] / KIB if whole else None), "KiB")


def _soak(sections: dict) -> Iterator[dict]:
    """Memory counts as back where it was when it is within 1 %: pages are 4 KiB."""
    figure = sections.get("soak")
    requests = figure["requests"] if figure else 10_000_000
    yield _bar(f"resident memory after {requests} requests against before", 1.01,
               _single(figure["octets_after"] / figure["octets_before"] if figure else None))


def _scale(sections: dict) -> Iterator[dict]:
    figure = sections.get("scale", {})
    routes = figure.get("routes", 10_000)
    for key, title in (("all", "requests to all routes"), ("one", "requests to one route")):
        runs = figure.get(key)
        yield _bar(f"CPU per request, {routes} routes and backends against 1 and 2: {title}",
                   1.10, ratio(runs["large"], runs["small"], "cpu_us") if runs else None)
    yield _bar(f"the same to all routes, without what the raw relay pays more for {routes} backends",
               1.10, ratio_net_of_floor(figure.get("all") or {}, ("large", "small"),
                                        ("relay-large", "relay-small"), "cpu_us"))


def _weights(sections: dict) -> Iterator[dict]:
    plans = sections.get("weights", {}).get("plans", {})
    routes = sections.get("weights", {}).get("routes", 10_000)
    for plan, title in (("small", "1 route"), ("large", f"{routes} routes")):
        for place, load, suffix in (("shared", "idle", "idle"), ("shared", "half", "half"),
                                    ("apart", "full", "full"),
                                    ("shared", "full", "full, on all cores with the proxy")):
            figure = plans.get(plan, {}).get(place, {}).get(load)
            yield _bar(f"slowest of 100 changes of weights, {title}, load: {suffix}", 5.0,
                       spread([one["max_us"] / 1000 for one in figure["rounds"]])
                       if figure else None, "ms")


def _reload(sections: dict) -> Iterator[dict]:
    figure = sections.get("reload")
    plan = (f"{figure['backends']} backends and {figure['routes']} routes" if figure else
            "10000 backends and 1000 routes")
    yield _bar(f"a reload of {plan}", 250, spread(figure["reload_ms"]) if figure else None, "ms")
    yield _bar(f"longest turn of a worker in reloads of {plan}, its own CPU", 5.0,
               _single(figure["with"]["turn_cpu_us"] / 1000 if figure else None), "ms")


def _rollout(sections: dict) -> Iterator[dict]:
    runs = sections.get("rollout")
    yield _bar("CPU per request with a rollout under way against without", 1.03,
               ratio(runs["with"], runs["without"], "cpu_us") if runs else None)
