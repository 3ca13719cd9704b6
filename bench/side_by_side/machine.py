"""What the figures were measured on and with."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

VERSIONS = {"nginx": ["nginx", "-v"], "HAProxy": ["haproxy", "-v"], "wrk": ["wrk", "-v"],
            "h2load": ["h2load", "--version"]}


def describe(sluice: Path) -> dict:
    versions = {name: _version(command) for name, command in VERSIONS.items()}
    versions["sluice"] = _version([str(sluice), "--version"])
    return {"cpu": _field(Path("/proc/cpuinfo"), "model name"), "cores": os.cpu_count(),
            "memory": _field(Path("/proc/meminfo"), "MemTotal"), "kernel": platform.release(),
            "system": _system(), "versions": versions,
            "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def _version(command: list[str]) -> str:
    """The first thing that looks like a version; some end with an error after telling it."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except OSError:
        return "not found"
    found = re.search(r"\d+\.\d+[\w.+~-]*", done.stdout + done.stderr)
    return found.group() if found else "unknown"


def _field(path: Path, name: str) -> str:
    try:
        for line in path.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    except OSError:
        pass
    return "unknown"


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:
        return "unknown"
