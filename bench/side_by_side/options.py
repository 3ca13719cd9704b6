"""What a section of the comparison needs to know of how it was asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from cells import Cell


@dataclass(frozen=True)
class Options:
    rounds: int
    seconds: float
    proxies: list[str]
    cells: list[Cell]
    clients: int
    routes: int
    requests: int
    repeats: int
    """How often a run is repeated in which something else held the proxy's core too long."""
    say: Callable[[str], None]
