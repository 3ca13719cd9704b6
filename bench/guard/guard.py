#!/usr/bin/env python3
"""Compares what a request costs with what was accepted.

Runs sluice_guard under callgrind: a fixed sequence of requests through the real session code, over
sockets in memory, on one thread; only the proxy's own instructions are counted. More than the
tolerance above the accepted number is a failure, and so is any allocation in the steady state.
Instructions do not depend on how busy the machine is, so the numbers can stand in the repository.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ACCEPTED = FOLDER / "accepted.json"
TOLERANCE = 0.03
# Of a whole case: what a container that grows for the first time may take.
ALLOCATIONS = 5


def run(program: Path) -> tuple[dict[str, float], dict[str, int]]:
    """Instructions per request and allocations by case."""
    with tempfile.TemporaryDirectory(prefix="guard.") as folder:
        out = Path(folder) / "callgrind"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no",
             f"--callgrind-out-file={out}", str(program)],
            capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0:
            sys.exit(f"guard: {program} failed under valgrind:\n{done.stderr}")
        cases = re.findall(r"^(\w+) requests (\d+) allocations (\d+)$", done.stdout, re.M)
        requests = {name: int(count) for name, count, _ in cases}
        allocations = {name: int(count) for name, _, count in cases}
        return read_dumps(Path(folder), requests), allocations


def read_dumps(folder: Path, requests: dict[str, int]) -> dict[str, float]:
    instructions = {}
    for dump in folder.glob("callgrind.*"):
        text = dump.read_text()
        name = re.search(r"^desc: Trigger: Client Request: (\w+)$", text, re.M)
        total = re.search(r"^summary: (\d+)$", text, re.M)
        if name and total and name[1] in requests:
            instructions[name[1]] = round(int(total[1]) / requests[name[1]], 1)
    return instructions


def judge(instructions: dict[str, float], allocations: dict[str, int],
          accepted: dict[str, float]) -> list[str]:
    """What is wrong, in sentences."""
    wrong = []
    if set(instructions) != set(accepted):
        wrong.append(f"the cases are {sorted(instructions)}, accepted are {sorted(accepted)}")
    for name, count in allocations.items():
        if count > ALLOCATIONS:
            wrong.append(f"{name}: {count} allocations in the steady state, 0 are allowed")
    for name, now in instructions.items():
        before = accepted.get(name, now)
        if now > before * (1 + TOLERANCE):
            wrong.append(f"{name}: {now:.0f} instructions a request, {before:.0f} are accepted "
                         f"({now / before - 1:+.1%}; at most {TOLERANCE:+.0%})")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="guard.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    build = FOLDER.parents[1] / "build" / "bench" / "bench"
    parser.add_argument("--program", type=Path, default=build / "sluice_guard")
    parser.add_argument("--accept", action="store_true", help="make these the accepted numbers")
    arguments = parser.parse_args()
    if not arguments.program.is_file():
        parser.error(f"not found: {arguments.program}; ./dev bench guard builds it")
    instructions, allocations = run(arguments.program)
    if arguments.accept:
        ACCEPTED.write_text(json.dumps(instructions, indent=2) + "\n")
    accepted = json.loads(ACCEPTED.read_text())
    for name, now in instructions.items():
        before = accepted.get(name, now)
        print(f"guard: {name:8} {now:9.1f} instructions a request ({now / before - 1:+.1%}), "
              f"{allocations[name]} allocations")
    wrong = judge(instructions, allocations, accepted)
    for sentence in wrong:
        print(f"guard: {sentence}", file=sys.stderr)
    if not wrong and any(now < accepted[name] * (1 - TOLERANCE)
                         for name, now in instructions.items()):
        print("guard: cheaper than accepted; keep it with ./dev bench guard --accept")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
