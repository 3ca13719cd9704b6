#!/usr/bin/env python3
"""Measures sluice beside nginx, HAProxy and a raw relay on this machine."""

import argparse
import json
import re
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path

import bars
import cells
import half_load
import machine
import memory
import plot
import reload
import report
import rollout
import scale
import soak
import throughput
import weights
from options import Options
from processes import raise_descriptor_limit
from proxies import Bench, Cores, Programs

SECTIONS = {"throughput": throughput.run, "log": throughput.run_with_log,
            "half_load": half_load.run, "memory": memory.run, "scale": scale.run,
            "weights": weights.run, "reload": reload.run, "rollout": rollout.run,
            "soak": soak.run}
DEFAULT_SECTIONS = [name for name in SECTIONS if name != "soak"]
PROXIES = [*cells.PLAIN, *cells.LARGE_ONLY, *cells.BARS_ONLY]
EPILOG = """\
A full run takes about 20 minutes, of which the section throughput takes 14: 24 cells, 5 rounds,
4 to 6 proxies, 1.3 s each. The section soak takes 5 to 10 minutes on top.
Proxies run on one core and the load and the backends on another, so nothing else should use them.
"""


def main() -> int:
    arguments = parse()
    if arguments.from_json:
        write_report(json.loads(arguments.from_json.read_text()), arguments.out)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also in the background of a script
    raise_descriptor_limit()
    results = {"machine": {**machine.describe(arguments.sluice), "io_uring": False},
               "options": {"rounds": arguments.rounds, "seconds": arguments.seconds,
                           "repeats": arguments.repeats,
                           "proxy_core": arguments.proxy_core, "load_core": arguments.load_core},
               "sections": {}, "configs": {}, "errors": {}}
    try:
        for name in arguments.section or DEFAULT_SECTIONS:
            measure_section(name, arguments, results)
    finally:
        if results["sections"]:
            write_report(results, arguments.out)
    return 1 if results["errors"] else 0


def parse() -> argparse.Namespace:
    root = Path(__file__).resolve().parents[2]
    build = root / "build" / "bench"
    ours = build / "bench" / "side_by_side"
    parser = argparse.ArgumentParser(
        prog="compare.py", description=__doc__, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--section", action="append", choices=SECTIONS,
        help="may be given again; default: all but soak")
    add("--rounds", type=int, help="interleaved rounds of each cell; default 5")
    add("--seconds", type=float, default=1.0, help="length of one measured run; default 1.0")
    add("--only", type=re.compile, metavar="REGEX", help="cells whose name this finds")
    add("--quick", action="store_true", help="only the cells with a bar, and 3 rounds by default")
    add("--proxies", default=",".join(PROXIES), help="default %(default)s")
    add("--clients", type=int, default=10_000, help="idle clients of the section memory")
    add("--routes", type=int, default=10_000, help="routes and backends of scale and weights")
    add("--requests", type=int, default=10_000_000, help="requests of the section soak")
    add("--repeats", type=int, default=0,
        help="repeat a run up to so often when others held the proxy's core for over 5 %% of it")
    add("--proxy-core", type=int, default=0, help="core of the proxies; default 0")
    add("--load-core", type=int, default=1, help="core of the load and the backends; default 1")
    add("--sluice", type=Path, default=build / "sluice", help="the program to measure")
    add("--relay", type=Path, default=ours / "bench_relay", help="the floor")
    add("--backend", type=Path, default=ours / "bench_backend", help="what is behind all of them")
    add("--pace", type=Path, default=ours / "bench_pace", help="the load at a constant rate")
    add("--turns", type=Path, default=ours / "bench_turns.so",
        help="what tells of long turns of event loops")
    add("--out", type=Path, default=root / "build" / "side_by_side", help="folder of the report")
    add("--from", dest="from_json", type=Path, metavar="JSON",
        help="measure nothing, report these results again")
    arguments = parser.parse_args()
    arguments.proxies = arguments.proxies.split(",")
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 5)
    check(parser, arguments)
    return arguments


def check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    unknown = set(arguments.proxies) - set(PROXIES)
    if unknown:
        parser.error(f"no such proxy: {', '.join(sorted(unknown))}; there are {', '.join(PROXIES)}")
    if arguments.routes < 20 or arguments.routes % 10:
        parser.error("--routes must be a multiple of 10 and at least 20")
    if arguments.from_json:
        return
    programs = (arguments.sluice, arguments.relay, arguments.backend, arguments.pace,
                arguments.turns)
    missing = [str(program) for program in programs if not program.is_file()]
    missing += [name for name in ("nginx", "haproxy", "wrk", "h2load")
                if shutil.which(name) is None]
    if missing:
        parser.error(f"not found: {', '.join(missing)}")


def measure_section(name: str, arguments: argparse.Namespace, results: dict) -> None:
    """A section that fails is reported as failed and does not take the others with it."""

    def say(text: str) -> None:
        print(f"{name}: {text}", file=sys.stderr, flush=True)

    chosen = [cell for cell in cells.all_cells()
              if (not arguments.quick or cell.name in cells.QUICK)
              and (arguments.only is None or arguments.only.search(cell.name))]
    options = Options(arguments.rounds, arguments.seconds, arguments.proxies, chosen,
                      arguments.clients, arguments.routes, arguments.requests, arguments.repeats,
                      say)
    programs = Programs(arguments.sluice, arguments.relay, arguments.backend, arguments.pace,
                        arguments.turns)
    cores = Cores(frozenset({arguments.proxy_core}), frozenset({arguments.load_core}))
    with tempfile.TemporaryDirectory(prefix="side_by_side.") as folder:
        with Bench(programs, cores, Path(folder)) as bench:
            try:
                results["sections"][name] = SECTIONS[name](bench, options)
                for what, error in results["sections"][name].pop("failed", {}).items():
                    results["errors"][f"{name}, {what}"] = error
            except Exception as error:  # whatever it was, the report must say it
                traceback.print_exc()
                results["errors"][name] = f"{type(error).__name__}: {error}"
            results["machine"]["io_uring"] |= bench.uses_io_uring
        for key, text in bench.configs.items():
            results["configs"].setdefault(key, text.replace(folder, "FOLDER"))


def write_report(results: dict, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    results["bars"] = bars.judge(results["sections"])
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "cpu.svg").write_text(plot.draw(results["sections"]))
    (folder / "report.md").write_text(report.write(results, "cpu.svg"))
    print(folder / "report.md")


if __name__ == "__main__":
    sys.exit(main())
