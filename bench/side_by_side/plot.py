"""The plot: CPU per request of each proxy as a share of what nginx needs, as SVG."""

from bars import cell_ratio, cells_of
from cells import name_of

SERIES = {"sluice": "sluice", "nginx": "nginx", "haproxy": "HAProxy",
          "haproxy-splice": "HAProxy, splice", "relay": "raw relay (floor)"}
GROUPS = [(name_of("13", False, 64), "13 B", "keep-alive"),
          (name_of("1k", False, 64), "1 KiB", "keep-alive"),
          (name_of("16k", False, 64), "16 KiB", "keep-alive"),
          (name_of("1m", False, 64), "1 MiB", "keep-alive"),
          (name_of("1m", False, 64, True), "1 MiB", "upload"),
          (name_of("13", True, 64), "13 B", "new connection"),
          (name_of("1k", True, 64), "1 KiB", "new connection"),
          (name_of("13", False, 1000), "13 B", "1,000 clients")]
BAR, GAP, LEFT, TOP, HEIGHT, BOTTOM = 24, 34, 46, 76, 260, 62
# Text, soft text, grid lines, ground, and the series, in light and in dark. Plain rules instead of
# variables, which some viewers of SVG do not know.
LIGHT = {"text": "#1f2328", "soft": "#59636e", "line": "#d1d9e0", "ground": "#ffffff",
         "sluice": "#0969da", "nginx": "#8c959f", "haproxy": "#bf8700", "haproxy-splice": "#dcb45a",
         "relay": "#4fa36a"}
DARK = {"text": "#e6edf3", "soft": "#9198a1", "line": "#3d444d", "ground": "#0d1117",
        "sluice": "#4493f8", "nginx": "#848d97", "haproxy": "#d29922", "haproxy-splice": "#8f6f24",
        "relay": "#3fb950"}
SHAPE_OF_TEXT = """\
text { font: 12px system-ui, sans-serif; }
.title { font-size: 15px; font-weight: 600; }
.value { font-size: 10px; }
.value, .middle { text-anchor: middle; }
.end { text-anchor: end; }
.one { stroke-dasharray: 4 3; }
.spread { stroke-opacity: .55; }
"""


def _colours(of: dict[str, str]) -> str:
    rules = [f"text {{ fill: {of['text']}; }}", f".soft {{ fill: {of['soft']}; }}",
             f".grid {{ stroke: {of['line']}; }}", f".one {{ stroke: {of['soft']}; }}",
             f".spread {{ stroke: {of['text']}; }}", f".ground {{ fill: {of['ground']}; }}"]
    return "\n".join(rules + [f".{name} {{ fill: {of[name]}; }}" for name in SERIES])


STYLE = (SHAPE_OF_TEXT + _colours(LIGHT) +
         "\n@media (prefers-color-scheme: dark) {\n" + _colours(DARK) + "\n}")


def draw(sections: dict) -> str:
    cells = cells_of(sections, "throughput")
    groups = [(title, way, _bars(cells[name])) for name, title, way in GROUPS
              if name in cells and "nginx" in cells[name]["runs"]]
    width = LEFT + sum(len(bars) * BAR + GAP for _, _, bars in groups) + 12
    width = max(width, 760)
    top = _axis_end(groups)
    height = TOP + HEIGHT + BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             f'width="{width}" role="img" aria-label="CPU per request, nginx is 1">',
             f"<style>{STYLE}</style>",
             f'<rect width="{width}" height="{height}" class="ground"/>',
             _text(LEFT, 24, "CPU per request, nginx = 1 (less is better)", "title"),
             _legend(groups), _grid(width, top)]
    at = LEFT + GAP / 2
    for title, way, bars in groups:
        parts.append(_group(at, title, way, bars, top))
        at += len(bars) * BAR + GAP
    foot = "Median of the rounds, line: least to most. 64 connections unless said."
    parts.append(_text(LEFT, TOP + HEIGHT + 54, foot, "soft"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bars(cell: dict) -> list[tuple[str, dict]]:
    ratios = [(name, cell_ratio(cell, name, "nginx")) for name in SERIES]
    return [(name, figure) for name, figure in ratios if figure is not None]


def _axis_end(groups: list) -> float:
    """The next half above the tallest median; the spread of a noisy round may be cut."""
    tallest = max((figure["median"] for _, _, bars in groups for _, figure in bars), default=1)
    return max(1.5, (int(tallest / 0.5) + 1) * 0.5)


def _y(value: float, top: float) -> float:
    return TOP + HEIGHT * (1 - min(value, top) / top)


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{text}</text>'


def _line(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    return (f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
            f'class="{kind}"/>')


def _legend(groups: list) -> str:
    shown = {name for _, _, bars in groups for name, _ in bars}
    parts, at = [], LEFT
    for name in (name for name in SERIES if name in shown):
        parts.append(f'<rect x="{at}" y="40" width="11" height="11" rx="2" class="{name}"/>')
        parts.append(_text(at + 16, 50, SERIES[name]))
        at += 34 + 7 * len(SERIES[name])
    return "\n".join(parts)


def _grid(width: float, top: float) -> str:
    parts = []
    for step in range(int(top / 0.5) + 1):
        value, kind = step * 0.5, "one" if step == 2 else "grid"
        y = _y(value, top)
        parts.append(_line((LEFT, y), (width - 12, y), kind))
        parts.append(_text(LEFT - 8, y + 4, f"{value:.1f}", "soft end"))
    return "\n".join(parts)


def _group(at: float, title: str, way: str, bars: list, top: float) -> str:
    parts = []
    for number, (name, figure) in enumerate(bars):
        x, y = at + number * BAR, _y(figure["median"], top)
        low, high = _y(figure["min"], top), _y(figure["max"], top)
        middle = x + (BAR - 4) / 2
        parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{BAR - 4}" '
                     f'height="{TOP + HEIGHT - y:.1f}" rx="2" class="{name}">'
                     f'<title>{SERIES[name]}: {figure["median"]:.2f}</title></rect>')
        if figure["min"] < figure["max"]:
            parts.append(_line((middle, low), (middle, high), "spread"))
        parts.append(_text(middle, min(y, high) - 4, f'{figure["median"]:.2f}', "value"))
    centre = at + (len(bars) * BAR - 4) / 2
    parts += [_text(centre, TOP + HEIGHT + 18, title, "middle"),
              _text(centre, TOP + HEIGHT + 33, way, "middle soft")]
    return "\n".join(parts)
