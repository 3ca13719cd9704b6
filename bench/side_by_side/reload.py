"""Section reload: what a reload costs that replaces every backend, and whom it holds up."""

import subprocess
import time

import configs
from load import Pace
from options import Options
from processes import before_exec
from proxies import Bench, Proxy, ask

BACKENDS = 10_000
ROUTES = 1_000
RATE = 2_000
PAUSE = 1.0
WORKER = "sluice-work"


def run(bench: Bench, options: Options) -> dict:
    """One worker on all cores, under requests at a constant rate: without reloads, then with."""
    everywhere = bench.cores.proxy | bench.cores.load
    backend = bench.start_backend("--any")
    turns = bench.folder / "turns"
    ports: list[int] = []

    def config(given: tuple[int, int]) -> str:
        ports[:] = given
        return _config(given, backend, 0)

    proxy = bench.start_sluice("sluice-reload", config, everywhere, {
        "LD_PRELOAD": str(bench.programs.turns), "TURNS_FILE": str(turns)})
    bench.configs["sluice-reload"] = "\n".join(proxy.config.splitlines()[:20]) + "\n...\n"
    texts = [_config((ports[0], ports[1]), backend, variant) for variant in (0, 1)]
    path = bench.folder / "sluice-reload.toml"
    reloads = max(10, 4 * options.rounds)
    pace = Pace(bench.programs.pace, RATE, reloads * PAUSE, path="/r7/13")
    options.say(f"{RATE} requests/s without reloads")
    begin = time.monotonic_ns()
    without = pace.run(proxy.port, set(everywhere))
    options.say(f"{reloads} reloads, each replaces {BACKENDS} backends")
    middle = time.monotonic_ns()
    millis: list[float] = []

    def reload_all() -> None:
        for number in range(1, reloads + 1):
            due = time.monotonic() + PAUSE
            fresh = path.with_suffix(".new")
            fresh.write_text(texts[number % 2])
            fresh.rename(path)
            millis.append(_reload(proxy))
            time.sleep(max(0.0, due - time.monotonic()))

    during = _beside(pace, proxy, set(everywhere), reload_all)
    end = time.monotonic_ns()
    told = [line.split() for line in turns.read_text().splitlines()]
    return {"backends": BACKENDS, "routes": ROUTES, "rate": RATE, "reload_ms": millis,
            "without": {**without, **_longest(told, begin, middle)},
            "with": {**during, **_longest(told, middle, end)}}


def _config(ports: tuple[int, int], backend: int, variant: int) -> str:
    """All addresses of one variant differ from those of the other."""
    return configs.sluice_at_scale(ports, backend, ROUTES, pools=BACKENDS // 10,
                                   first=1 + 10 * variant)


def _reload(proxy: Proxy) -> float:
    begin = time.perf_counter()
    status, body = ask(proxy.admin_port, "POST", "/v1/reload", b"")
    if status != 200:
        raise RuntimeError(f"a reload was refused: {body[:300]!r}")
    return (time.perf_counter() - begin) * 1e3


def _beside(pace: Pace, proxy: Proxy, cores: set[int], work) -> dict:
    """What the generator measured while `work` was done."""
    generator = subprocess.Popen(pace.command(proxy.port), stdout=subprocess.PIPE, text=True,
                                 start_new_session=True, preexec_fn=before_exec(cores))
    try:
        work()
        output, _ = generator.communicate(timeout=pace.seconds + 30)
    finally:
        generator.kill()
        generator.wait()
    return pace.read(output)


def _longest(told: list[list[str]], begin: int, end: int) -> dict:
    """The longest turn of the worker that ended in that time, and the longest by its own CPU."""
    turns = [(int(passed), int(cpu)) for at, name, passed, cpu in told
             if name.startswith(WORKER) and begin <= int(at) < end]
    return {"turn_us": max((passed for passed, _ in turns), default=0) / 1e3,
            "turn_cpu_us": max((cpu for _, cpu in turns), default=0) / 1e3}
