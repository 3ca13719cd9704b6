"""What a process has used, by the kernel's own accounting of it."""

import os
from pathlib import Path

PROC = Path("/proc")


def uses_io_uring(pid: int) -> bool:
    def kind(entry: Path) -> str:
        try:
            return os.readlink(entry)
        except OSError:
            return ""  # closed meanwhile

    return any(kind(entry) == "anon_inode:[io_uring]"
               for entry in (PROC / str(pid) / "fd").iterdir())


def process_tree(pid: int) -> list[int]:
    """The process and all its descendants: nginx works in a child of the process we started."""
    parents: dict[int, int] = {}
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        parents[int(entry.name)] = int(after_name[1])
    tree = [pid]
    for member in tree:
        tree += [child for child, parent in parents.items() if parent == member]
    return tree


def cpu_seconds(pids: list[int]) -> float:
    """CPU time of all threads. schedstat counts the time that stat does, in ns, not in ticks."""
    return sum(_thread_seconds(task) for task in _threads(pids))


def _threads(pids: list[int]) -> list[Path]:
    return [task for pid in pids for task in (PROC / str(pid) / "task").iterdir()]


def _thread_seconds(task: Path) -> float:
    try:
        return int((task / "schedstat").read_text().split()[0]) / 1e9
    except OSError:
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waiting_seconds(pids: list[int]) -> float:
    """How long threads that could have run had to wait for a core: what others took from them."""
    try:
        return sum(int((task / "schedstat").read_text().split()[1]) / 1e9
                   for task in _threads(pids))
    except OSError:
        return 0.0


def resident_octets(pids: list[int]) -> int:
    """Resident user-space memory; what the kernel holds for sockets is not in it."""
    total = 0
    for pid in pids:
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
    return total
