"""Small statistics: percentiles, medians with their spread, ratios per round."""

import math
from statistics import median


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that `share` percent do not exceed (nearest rank); 0 of nothing."""
    if not ordered:
        return 0
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


def spread(values: list[float]) -> dict:
    return {"median": median(values), "min": min(values), "max": max(values)}


def column(runs: list[dict], key: str) -> dict | None:
    values = [run[key] for run in runs if run.get(key) is not None]
    return spread(values) if values else None


def ratio(runs: list[dict], others: list[dict], key: str) -> dict | None:
    """Of the runs of the same round: what troubled one round troubled both sides of its ratio."""
    by_round = {run["round"]: run[key] for run in others if run.get(key)}
    values = [run[key] / by_round[run["round"]] for run in runs
              if run.get(key) and run["round"] in by_round]
    return spread(values) if values else None


def ratio_net_of_floor(runs: dict[str, list[dict]], pair: tuple[str, str],
                       floors: tuple[str, str], key: str) -> dict | None:
    """The ratio of a pair, without the difference of the floors, all of the same round."""
    if any(name not in runs for name in (*pair, *floors)):
        return None
    above, below, floor_above, floor_below = (
        {run["round"]: run[key] for run in runs[name] if run.get(key)}
        for name in (*pair, *floors))
    rounds = above.keys() & below.keys() & floor_above.keys() & floor_below.keys()
    return spread([(above[at] - (floor_above[at] - floor_below[at])) / below[at]
                   for at in rounds]) if rounds else None


def rotated(names: list[str], by: int) -> list[str]:
    """Each round begins with another one, so that none always follows the same neighbour."""
    by %= max(1, len(names))
    return names[by:] + names[:by]
