"""The report as Markdown."""

from bars import cell_ratio, cells_of
from cells import TITLES
from figures import column, median, spread

RUN_COLUMNS = ["CPU µs/request", "requests/s", "p50 ms", "p99 ms", "failures"]
OTHERS = ("nginx", "haproxy", "haproxy-large", "haproxy-splice", "relay", "nginx-log",
          "sluice-single")


def write(results: dict, plot: str) -> str:
    sections = results["sections"]
    parts = ["# sluice side by side", _machine(results), _errors(results), _bars(results["bars"])]
    if cells_of(sections, "throughput"):
        parts += ["## CPU per request", f"![CPU per request, nginx is 1]({plot})",
                  _ratios(sections, "throughput"), "## Each cell", _cells(sections, "throughput"),
                  "1 MiB bodies over 1,000 connections are left out: they would measure how much "
                  "the kernel can buffer. The variants of HAProxy are measured with 1 MiB only."]
    if cells_of(sections, "log"):
        parts += ["## With the access log", _cells(sections, "log")]
    for name, section in (("half_load", _half_load), ("memory", _memory), ("scale", _scale),
                          ("weights", _weights), ("reload", _reload), ("rollout", _rollout),
                          ("soak", _soak)):
        if name in sections:
            parts.append(section(sections[name]))
    parts.append(_configs(results["configs"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def spread_text(figure: dict | None, digits: int = 2) -> str:
    if figure is None:
        return "–"
    low, middle, high = (f"{figure[key]:.{digits}f}" for key in ("min", "median", "max"))
    return middle if low == high else f"{middle} ({low}–{high})"


def _machine(results: dict) -> str:
    machine, options = results["machine"], results["options"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    text = (f"{machine['cpu']}, {machine['cores']} cores, {machine['memory']} memory; "
            f"{machine['system']}, Linux {machine['kernel']}; {versions}. "
            f"Measured at {machine['measured_at']}.\n\n"
            f"Proxies on core {options['proxy_core']} with one worker, load and backends on core "
            f"{options['load_core']}. {options['rounds']} interleaved rounds of "
            f"{options['seconds']:g} s. Figures are the median over the rounds with "
            "(least–most); a ratio is taken within each round, below 1 is in favour of sluice. "
            f"sluice chose {'to use' if machine.get('io_uring') else 'not to use'} io_uring.")
    waited = _waited(results["sections"])
    if waited:
        text += ("\n\nHow quiet the machine was: a proxy that could have run had to wait for its "
                 f"core for {median(waited):.1%} of the time (median), in the worst run "
                 f"{max(waited):.1%}. Above a few percent something else was running, and the "
                 "figures are less sharp.")
        if options.get("repeats"):
            text += (" A run of the cells in which it waited for over 5 % was made again, up to "
                     f"{options['repeats']} times.")
    return text


def _waited(sections: dict) -> list[float]:
    groups = [cell["runs"] for section in ("throughput", "log")
              for cell in cells_of(sections, section).values()]
    if "half_load" in sections:
        groups.append(sections["half_load"]["runs"])
    return [run["waited"] for group in groups for runs in group.values() for run in runs]


def _errors(results: dict) -> str:
    if not results["errors"]:
        return ""
    return "## What failed\n\n" + "\n".join(
        f"- section {name}: {text}" for name, text in results["errors"].items())


def _bars(bars: list[dict]) -> str:
    rows = []
    for bar in bars:
        unit = f" {bar['unit']}" if bar["unit"] else ""
        figure = spread_text(bar["figure"]) + (unit if bar["figure"] else "")
        state = f"**{bar['state']}**" if bar["state"] == "missed" else bar["state"]
        rows.append([bar["text"], f"≤ {bar['limit']:g}{unit}", figure, state])
    return "## Bars\n\n" + table(["what", "bar", "here", ""], rows)


def _ratios(sections: dict, section: str) -> str:
    cells = list(cells_of(sections, section).values())
    others = [name for name in OTHERS if any(name in cell["runs"] for cell in cells)]
    rows = [[cell["title"], *(spread_text(cell_ratio(cell, "sluice", other)) for other in others)]
            for cell in cells]
    return table(["CPU of sluice per request against", *(TITLES[name] for name in others)], rows)


def _cells(sections: dict, section: str) -> str:
    rows = []
    for cell in cells_of(sections, section).values():
        for name, runs in cell["runs"].items():
            rows.append([cell["title"] if name == next(iter(cell["runs"])) else "", TITLES[name],
                         *_run_columns(runs)])
    return table(["cell", "proxy", *RUN_COLUMNS], rows)


def _run_columns(runs: list[dict]) -> list[str]:
    """A proxy that answered nothing has no figures but its failures."""
    return [spread_text(column(runs, "cpu_us"), 1), spread_text(column(runs, "rate"), 0),
            _milliseconds(runs, "p50_us"), _milliseconds(runs, "p99_us"),
            str(sum(run["failures"] for run in runs))]


def _milliseconds(runs: list[dict], key: str) -> str:
    return spread_text(column([{key: run[key] / 1000} for run in runs], key))


def _half_load(section: dict) -> str:
    head = ["proxy", "requests/s", "p50 ms", "p99 ms", "failures"]
    capacity = ", ".join(f"{TITLES[name]} {rate:.0f}" for name, rate in section["capacity"].items())
    delays = [run["own_delay_p99_us"] for runs in section["runs"].values() for run in runs]
    return ("## Latency at half of capacity\n\n"
            f"Requests/s that they reach: {capacity}. Each gets half of the least of these, at a "
            f"constant rate, in {max(map(len, section['runs'].values()))} interleaved runs; 13 B, "
            "keep-alive, latency from the instant a request was due. The "
            f"generator itself was late by {max(delays) / 1000:.2f} ms at most (p99 of a run).\n\n"
            + table(head, _latency_rows(section["runs"]))
            + f"\n\nThe same by h2load, at {section['check_rate']:.0f} requests/s:\n\n"
            + table(head, _latency_rows(section["check_runs"])))


def _latency_rows(all_runs: dict) -> list[list[str]]:
    return [[TITLES[name], spread_text(column(runs, "rate"), 0), _milliseconds(runs, "p50_us"),
             _milliseconds(runs, "p99_us"), str(sum(run["failures"] for run in runs))]
            for name, runs in all_runs.items()]


def _memory(section: dict) -> str:
    rows = [[TITLES[name], str(one["clients"]), str(one["alive"]),
             f"{one['octets_before'] / 1024:.0f}", f"{one['octets_after'] / 1024:.0f}",
             f"{one['octets_per_client'] / 1024:.2f}"] for name, one in section.items()]
    return ("## Idle keep-alive clients\n\nEach has made one request; resident memory before and "
            "after, without what the kernel holds for sockets. nginx makes the structures of all "
            "connections it may have at its start, so they are not in its figure per client.\n\n"
            + table(["proxy", "clients", "still open", "before KiB", "after KiB", "KiB each"],
                    rows))


def _scale(section: dict) -> str:
    plans = {"small": "1 route, 2 backends",
             "large": f"{section['routes']} routes, {section['backends']} backends"}
    floors = {"relay-small": "raw relay, 2 backends",
              "relay-large": f"raw relay, {section['backends']} backends"}
    rows = [[f"requests to {title}", plan, *_run_columns(section[key][name])]
            for key, title in (("all", "all routes"), ("one", "one route"))
            for name, plan in {**plans, **floors}.items() if name in section[key]]
    small, large = (f"{section['resident_octets'][name] / 2**20:.1f} MiB" for name in plans)
    return ("## Many routes and backends\n\n"
            + table(["load", "plan", *RUN_COLUMNS], rows)
            + f"\n\nResident memory: {small} and {large}. Requests to all routes keep a connection "
            "open to each of the backends, so the kernel's work on cold sockets is in it: the raw "
            "relay, which draws one of as many backends for each request, shows how much that is.")


def _weights(section: dict) -> str:
    where = {"shared": "2, on all cores with the load", "apart": "1, on a core of its own"}
    rows = [["1" if plan == "small" else str(section["routes"]), load, where[place],
             *(_milliseconds(figure["rounds"], prefix + key)
               for prefix in ("", "read_") for key in ("p50_us", "p90_us", "max_us"))]
            for plan, places in section["plans"].items()
            for place, loads in places.items() for load, figure in loads.items()]
    figures = [figure for places in section["plans"].values() for loads in places.values()
               for figure in loads.values()]
    caller = ("The caller gets a core as soon as it wants one."
              if all(figure.get("is_at_once", False) for figure in figures) else
              "The caller waits for a core like all others, for it may not do better here.")
    return ("## A change of weights\n\nFrom the call of the admin interface to its answer, which "
            f"comes when all workers have the weights; {section['calls']} calls in each round. "
            f"{caller} A read is a call in between that changes nothing and that no worker hears "
            "of: the machine and the admin interface take as long.\n\n"
            + table(["routes", "load", "workers", "p50 ms", "p90 ms", "slowest ms", "read: p50 ms",
                     "p90 ms", "slowest ms"], rows))


def _reload(section: dict) -> str:
    rows = [[f"{name} reloads", _milliseconds([run], "p50_us"), _milliseconds([run], "p99_us"),
             f"{run['turn_us'] / 1000:.1f}", f"{run['turn_cpu_us'] / 1000:.1f}",
             str(run["failures"])]
            for name, run in (("without", section["without"]), ("with", section["with"]))]
    return (f"## Reloads\n\n{len(section['reload_ms'])} reloads, one each second, of {section['backends']} "
            f"backends and {section['routes']} routes; each replaces all backends. One answer took "
            f"{spread_text(spread(section['reload_ms']), 0)} ms. "
            f"{section['rate']} requests/s at the same time; one worker, the generator, the "
            "backend and the caller share all cores, so a turn that took longer than its own CPU "
            "had to wait for a core.\n\n"
            + table(["requests", "p50 ms", "p99 ms", "longest turn ms", "its CPU ms", "failures"],
                    rows))


def _rollout(section: dict) -> str:
    rows = [[f"{name} a rollout", *_run_columns(section[name])] for name in ("without", "with")]
    return ("## Beside a rollout\n\nThe same split, 90 to 10, once as it is and once by a rollout "
            "that judges every request. 13 B, 64 keep-alive connections.\n\n"
            + table(["proxy", *RUN_COLUMNS], rows))


def _soak(section: dict) -> str:
    rows = [[str(point["requests"]), f"{point['octets'] / 1024:.0f}"]
            for point in section["series"]]
    return (f"## Memory over time\n\nAfter a warm-up of {section['warm_up_requests']} requests; "
            f"{section['failures']} failures.\n\n" + table(["requests", "resident KiB"], rows))


def _configs(configs: dict[str, str]) -> str:
    texts = [f"### {name}\n\n```\n{text.strip()}\n```" for name, text in configs.items() if text]
    return "## Configurations\n\n" + "\n\n".join(texts) if texts else ""
