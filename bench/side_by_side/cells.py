"""The cells of the comparison: one shape of load each."""

from dataclasses import dataclass

from load import Shape

SIZES = {"13": "13 B", "1k": "1 KiB", "16k": "16 KiB", "1m": "1 MiB"}
CONNECTIONS = (1, 64, 1000)
TITLES = {"sluice": "sluice", "nginx": "nginx", "haproxy": "HAProxy", "relay": "the floor",
          "haproxy-large": "HAProxy, 64 KiB buffers", "haproxy-splice": "HAProxy, splice",
          "sluice-single": "sluice, io_uring off", "sluice-log": "sluice", "nginx-log": "nginx"}
PLAIN = ("sluice", "nginx", "haproxy", "relay")
LARGE_ONLY = ("haproxy-large", "haproxy-splice")
BARS_ONLY = ("sluice-single",)


@dataclass(frozen=True)
class Cell:
    name: str
    title: str
    shape: Shape

    def proxies(self, wanted: list[str]) -> list[str]:
        """Variants are measured where they say something: HAProxy's for large bodies with these,
        sluice's in the small cells with a bar."""
        large = self.shape.is_large()
        names = PLAIN + LARGE_ONLY if large else PLAIN + BARS_ONLY if self.name in QUICK else PLAIN
        return [name for name in names if name in wanted]


def name_of(size: str, new_connections: bool, connections: int, upload: bool = False) -> str:
    way = "upload" if upload else "new" if new_connections else "keepalive"
    return f"{size}-{way}-{connections}"


def _cell(size: str, new_connections: bool, connections: int, upload: bool = False) -> Cell:
    way = "new connection per request" if new_connections else "keep-alive"
    body = f"upload of {SIZES[size]}" if upload else SIZES[size]
    return Cell(name_of(size, new_connections, connections, upload),
                f"{body}, {way}, {connections} connection{'s' if connections > 1 else ''}",
                Shape(f"/{size}", connections, new_connections, upload))


def all_cells() -> list[Cell]:
    """1 MiB over 1,000 connections is left out: it would measure how much the kernel can buffer."""
    downloads = [_cell(size, new_connections, connections)
                 for new_connections in (False, True) for size in SIZES
                 for connections in CONNECTIONS if not (size == "1m" and connections == 1000)]
    return downloads + [_cell("1m", False, connections, upload=True) for connections in (1, 64)]


QUICK = {name_of("13", False, 64), name_of("1k", False, 64), name_of("1m", False, 64),
         name_of("13", True, 64), name_of("1k", True, 64), name_of("1m", False, 64, upload=True)}
