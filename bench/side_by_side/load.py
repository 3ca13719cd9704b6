"""The load generators, wrk (as fast as it goes), bench_pace and h2load (constant rate)."""

import json
import math
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from figures import percentile
from processes import before_exec, run_pinned

SCRIPT = Path(__file__).with_name("load.lua")
GENERATORS = 8
WARM_UP = 0.5
FAILURES = ("connect", "read", "write", "status", "timeout")


@dataclass(frozen=True)
class Shape:
    """What is asked for: the last segment of the path, over how many connections, and how."""
    path: str = "/13"
    connections: int = 64
    new_connections: bool = False
    upload: bool = False
    routes: int = 0

    def is_large(self) -> bool:
        return self.path.endswith("/1m")

    def script_arguments(self) -> list[str]:
        return ["upload" if self.upload else "get", "new" if self.new_connections else "keep",
                str(self.routes)]


def wrk(port: int, shape: Shape, seconds: float, cores: set[int]) -> dict:
    """Loads for `seconds`. wrk takes whole ones only, but reports when interrupted as well."""
    command = ["wrk", "-t1", f"-c{shape.connections}", f"-d{math.ceil(seconds) + 1}s",
               "--timeout", "5s", "-s", str(SCRIPT), f"http://127.0.0.1:{port}{shape.path}", "--",
               *shape.script_arguments()]
    output = run_pinned(command, cores, interrupt_after=seconds)
    result = json.loads(output.splitlines()[-1])
    result["failures"] = sum(result[kind] for kind in FAILURES)
    result["rate"] = result["requests"] / (result["micros"] / 1e6)
    return result


@dataclass(frozen=True)
class Pace:
    """Requests at a constant rate, whatever the answers do. `program` is our bench_pace."""
    program: Path
    rate: float
    seconds: float
    connections: int = 64
    path: str = "/13"

    def command(self, port: int) -> list[str]:
        return [str(self.program), str(port), self.path, str(self.connections), f"{self.rate:.1f}",
                f"{WARM_UP}", f"{self.seconds}"]

    def run(self, port: int, cores: set[int]) -> dict:
        """Latencies count from the instant a request was due."""
        return self.read(run_pinned(self.command(port), cores, patience=self.seconds + 30))

    @staticmethod
    def read(output: str) -> dict:
        return json.loads(output)


def h2load(port: int, rate: float, seconds: float, cores: set[int], folder: Path) -> dict:
    """The same with a generator that is not ours; the first half second is dropped.

    h2load sends for all its connections at the same instant. Several of it, whose instants differ,
    make an even stream of small groups instead of one large burst each 10 ms.
    """
    logs = [folder / f"h2load-{number}.log" for number in range(GENERATORS)]
    for log in logs:
        log.unlink(missing_ok=True)
    clients = math.ceil(rate / GENERATORS / 100)  # its timer goes no faster than 100 Hz
    command = ["h2load", "--h1", f"--rps={rate / GENERATORS / clients:.3f}", f"-c{clients}",
               f"-D{math.ceil((seconds + WARM_UP) * 1000)}ms"]
    generators = []
    try:
        for log in logs:
            generators.append(subprocess.Popen(
                [*command, f"--log-file={log}", f"http://127.0.0.1:{port}/13"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                preexec_fn=before_exec(cores)))
            time.sleep(0.01 / GENERATORS)
        for generator in generators:
            if generator.wait(seconds + 30) != 0:
                raise RuntimeError(f"{command} ended with {generator.returncode}")
    except BaseException:
        for generator in generators:
            generator.kill()
        raise
    return _read_request_logs(logs, seconds)


def _read_request_logs(logs: list[Path], seconds: float) -> dict:
    """Lines of h2load: start in us since the epoch, status (-1: failed), duration in us."""
    rows = [tuple(map(int, line.split("\t")[:3]))
            for log in logs for line in log.read_text().splitlines()]
    if not rows:
        raise RuntimeError("h2load did not send a request")
    begin = min(start for start, _, _ in rows) + WARM_UP * 1e6
    counted = [row for row in rows if begin <= row[0] < begin + seconds * 1e6]
    durations = sorted(duration for _, status, duration in counted if status == 200)
    return {"requests": len(counted), "rate": len(counted) / seconds,
            "p50_us": percentile(durations, 50), "p99_us": percentile(durations, 99),
            "failures": len(counted) - len(durations)}
