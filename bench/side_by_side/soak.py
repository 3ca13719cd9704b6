"""Section soak: resident memory before and after very many requests."""

from load import Shape, wrk
from options import Options
from proxies import Bench

SLICE = 20.0


def run(bench: Bench, options: Options) -> dict:
    """Memory is read between slices, when no client is connected."""
    proxy = bench.start("sluice")
    cores = set(bench.cores.load)
    warm_up = wrk(proxy.port, Shape(), 5, cores)
    series = [{"requests": 0, "octets": proxy.resident_octets()}]
    done, failures = 0, 0
    while done < options.requests:
        seconds = min(SLICE, (options.requests - done) / warm_up["rate"] + 0.5)
        result = wrk(proxy.port, Shape(), seconds, cores)
        if result["requests"] == 0:
            raise RuntimeError("no request was answered")
        done += result["requests"]
        failures += result["failures"]
        series.append({"requests": done, "octets": proxy.resident_octets()})
        options.say(f"{done} of {options.requests} requests, {series[-1]['octets'] / 1024:.0f} KiB")
    return {"warm_up_requests": warm_up["requests"], "requests": done, "failures": failures,
            "series": series, "octets_before": series[0]["octets"],
            "octets_after": series[-1]["octets"]}
