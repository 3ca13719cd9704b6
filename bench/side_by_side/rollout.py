"""Section rollout: what a rollout under way costs, beside the same proxy without one."""

import http.client
import json

import configs
from load import Shape
from options import Options
from proxies import Bench, Proxy
from throughput import interleaved

POLICY = """\
[route.all.rollout]
steps = [10]
step_time = "1h"
step_timeout = "1h"
bake = "1h"
deadline = "24h"
"""
PATIENCE = 20.0


def run(bench: Bench, options: Options) -> dict:
    """Both at 10 %: one by its split, the other by a rollout that judges every request."""
    backends = [bench.start_backend("--any"), bench.start_backend("--any")]
    without = bench.start_sluice("sluice-without-rollout",
                                 lambda ports: configs.sluice(ports, backends))
    with_one = bench.start_sluice("sluice-with-rollout", lambda ports: configs.sluice(
        ports, backends).replace("old = 90, new = 10", "old = 100, new = 0") + POLICY)
    begin(with_one)
    options.say("requests beside a rollout")
    return interleaved(bench, {"without": without, "with": with_one}, Shape("/13"), options)


def begin(proxy: Proxy) -> None:
    """Starts the rollout and waits for its first step."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.admin_port, timeout=PATIENCE)
    body = json.dumps({"to": "new", "id": "bench"})
    _call(connection, "POST", "/v1/routes/all/rollout", body)
    for _ in range(10_000):
        if _call(connection, "GET", "/v1/routes/all/rollout")["weights"].get("new") == 10:
            return
    raise RuntimeError("the rollout did not reach its first step")


def _call(connection: http.client.HTTPConnection, method: str, path: str,
          body: str | None = None) -> dict:
    connection.request(method, path, body)
    response = connection.getresponse()
    answer = response.read()
    if response.status not in (200, 201):
        raise RuntimeError(f"{method} {path}: {answer[:300]!r}")
    return json.loads(answer)
