"""The configurations of the proxies: one worker, the same two weighted backends, keep-alive.

nginx and HAProxy get what their documentation advises for this work, and where it leaves a value
open, the one that was fastest for them in trials: nginx 64 KiB buffers and nothing on disk.
HAProxy's documentation advises against other buffers than its 16 KiB, so those are what it has;
larger ones, which cost it some CPU with small bodies and save much with large ones, and splice(2)
are variants. All three do the same work on heads: X-Forwarded-For, -Proto and
-Host, Via and a request id that goes both ways. sluice adds traceparent on top and always counts
its metrics.
"""

import os
import resource
from pathlib import Path

NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log crit;
{user}
events {{
  use epoll;
  worker_connections {connections};
}}
http {{
  access_log {access};
  tcp_nodelay on;
  keepalive_timeout 600s;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  client_body_temp_path {folder}/client_body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream all {{
    server 127.0.0.1:{old} weight=90;
    server 127.0.0.1:{new} weight=10;
    keepalive 1024;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://all;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Request-Id $request_id;
      proxy_set_header Via "1.1 nginx";
      add_header X-Request-Id $request_id always;
      proxy_request_buffering off;
      client_body_buffer_size 64k;
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
      proxy_busy_buffers_size 128k;
      proxy_max_temp_file_size 0;
    }}
  }}
}}
"""

HAPROXY = """\
global
  nbthread 1
{buffers}\
  maxconn {connections}
  no strict-limits
defaults
  mode http
  maxconn {connections}
  option http-keep-alive
  option forwardfor
  unique-id-format %[uuid()]
  unique-id-header X-Request-Id
  http-reuse always
{options}\
  timeout connect 2s
  timeout client 600s
  timeout server 60s
  timeout http-request 10s
  timeout http-keep-alive 600s
frontend in
  bind 127.0.0.1:{port} backlog 4096
  default_backend all
backend all
  balance roundrobin
  option httpchk GET /healthz
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request set-header Via "1.1 haproxy"
  http-response set-header X-Request-Id %[unique-id]
  server old 127.0.0.1:{old} weight 90 check inter 1s
  server new 127.0.0.1:{new} weight 10 check inter 1s
"""

SLUICE_HEAD = """\
[server]
workers = {workers}
io_uring = "{io_uring}"
state_dir = ""
drain_timeout = "1s"
[admin]
address = "127.0.0.1:{admin}"
[log]
level = "warn"
access = "{access}"
[timeouts]
keep_alive = "10m"
[[listener]]
address = "127.0.0.1:{port}"
"""

SLUICE_ROUTES = """\
[pool.old]
backends = ["127.0.0.1:{old}"]
{health}
[pool.new]
backends = ["127.0.0.1:{new}"]
{health}
[route.all]
split = {{ old = 90, new = 10 }}
"""

HEALTH = 'health = { path = "/healthz" }'


def connection_limit() -> int:
    """Client connections a proxy is told to expect: the descriptors there are, less a reserve."""
    return min(24000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1000)


def nginx(port: int, backends: list[int], folder: Path, access_log: bool = False) -> str:
    """As root the worker would become a user that cannot write to the folder."""
    return NGINX.format(
        port=port, old=backends[0], new=backends[1], folder=folder,
        connections=connection_limit(),
        access=f"{folder}/nginx-access.log" if access_log else "off",
        user="user root;" if os.geteuid() == 0 else "")


def haproxy(port: int, backends: list[int], variant: str = "") -> str:
    """splice-auto is no variant: it found no body here worth a splice."""
    splice = "  option splice-response\n  option splice-request\n"
    return HAPROXY.format(
        port=port, old=backends[0], new=backends[1], connections=connection_limit(),
        options=splice if variant == "splice" else "",
        buffers="  tune.bufsize 65536\n" if variant == "large" else "")


def sluice(ports: tuple[int, int], backends: list[int], access: str = "off", workers: int = 1,
           health: bool = True, io_uring: str = "auto") -> str:
    """`ports` are those of the listener and of the admin interface."""
    head = SLUICE_HEAD.format(port=ports[0], admin=ports[1], access=access, workers=workers,
                              io_uring=io_uring)
    return head + SLUICE_ROUTES.format(
        old=backends[0], new=backends[1], health=HEALTH if health else "")


def sluice_at_scale(ports: tuple[int, int], backend_port: int, routes: int,
                    workers: int = 1, pools: int | None = None, first: int = 1) -> str:
    """Routes over pools, a tenth as many by default, of 10 backends, each an own address in 127/8.

    `first` is the last octet of the first address of each pool.
    """
    parts = [SLUICE_HEAD.format(port=ports[0], admin=ports[1], access="off", workers=workers,
                                io_uring="auto")]
    pools = pools or routes // 10
    for pool in range(pools):
        subnet = f"127.{1 + pool // 250}.{pool % 250}"
        addresses = ", ".join(f'"{subnet}.{last}:{backend_port}"' for last in range(first, first + 10))
        parts.append(f"[pool.p{pool}]\nbackends = [{addresses}]\n")
    for route in range(routes):
        old, new = route % pools, (route + 1) % pools
        parts.append(f'[route.r{route}]\npath = "/r{route}"\n'
                     f'split = {{ p{old} = 90, p{new} = 10 }}\n')
    return "".join(parts)
