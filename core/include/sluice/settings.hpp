#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/rollout_settings.hpp"

/// What an operator asks for, as plain values. `sluice::conf` reads them from TOML; an embedding
/// program fills them in directly. Every value has the default that the documentation names.
/// `sluice::validate` (problem.hpp) says what is wrong with them. Name the members you mean, as in
/// {.name = "shop-v1", .backends = {...}}: a new version may put one between two others.
namespace sluice {

using std::chrono::milliseconds;

/// A weight in hundredths: 12.5 is 1250. Weights carry at most two decimals; only ratios count.
using Weight = std::uint32_t;

/// Hundredths that stand for the weight 1.
inline constexpr Weight weight_one = 100;

/// The largest weight one pool or backend may carry (1,000,000.00).
inline constexpr Weight weight_max = 100'000'000;

/// Active health check of the backends of a pool.
struct HealthSettings {
  std::string path = "/";       ///< asked with GET; 2xx and 3xx are a success
  std::string host = {};        ///< Host field of the probe; empty: the backend's address
  milliseconds interval{1000};  ///< between two checks of one backend, with 10 % jitter
  milliseconds timeout{500};    ///< for one check as a whole
  unsigned rise = 2;            ///< successes in a row that make a down backend up
  unsigned fall = 3;            ///< failures in a row that make an up backend down
  bool operator==(const HealthSettings&) const = default;
};

/// How a backend is chosen inside its pool.
enum class Balance : std::uint8_t {
  least_request,  ///< two weighted random choices, the one with fewer requests in flight per weight
  round_robin,    ///< smooth weighted round robin
};

/// One backend of a pool. `address` is "IPv4:port", "[IPv6]:port", "name:port" or "unix:/path".
struct BackendSettings {
  std::string address = {};
  Weight weight = weight_one;  ///< share inside the pool; above zero
  bool operator==(const BackendSettings&) const = default;
};

/// The backends of one version of a service.
struct PoolSettings {
  std::string name = {};
  std::vector<BackendSettings> backends = {};
  Balance balance = Balance::least_request;
  std::optional<HealthSettings> health = {};  ///< none: backends count as up
  milliseconds idle_timeout{30'000};      ///< a pooled connection unused for this long is closed
  milliseconds resolve_interval{10'000};  ///< between two look-ups of a DNS name
  bool operator==(const PoolSettings&) const = default;
};

/// What identifies the unit (user) that a sticky split keeps on one pool.
enum class StickyKind : std::uint8_t {
  none,       ///< every request is drawn anew
  cookie,     ///< value of a cookie, set by the proxy when the client has none
  header,     ///< value of a request field; without it the request is drawn
  client_ip,  ///< address of the client
};

struct StickySettings {
  StickyKind kind = StickyKind::none;
  std::string name = {};  ///< of the cookie or field
  bool operator==(const StickySettings&) const = default;
};

/// Requests that carry this field or cookie with exactly this value go to `pool`.
struct ForceSettings {
  bool cookie = false;  ///< false: `name` is a request field, true: a cookie
  std::string name = {};
  std::string value = {};
  std::string pool = {};
  bool operator==(const ForceSettings&) const = default;
};

/// The share of one pool in a split. A weight of 0 is not removal: sticky and force may name it.
struct ShareSettings {
  std::string pool;
  Weight weight = 0;
  bool operator==(const ShareSettings&) const = default;
};

/// A request field that a route wants to see, with exactly this value.
struct FieldMatchSettings {
  std::string name = {};
  std::string value = {};
  bool operator==(const FieldMatchSettings&) const = default;
};

/// Deadlines, one per stage. Zero switches a deadline off.
struct TimeoutSettings {
  milliseconds head{10'000};            ///< client: first octet of a request to the end of its head
  milliseconds keep_alive{75'000};      ///< client: idle between two requests
  milliseconds body_idle{30'000};       ///< client: no octet of a body moved, in either direction
  milliseconds connect{2'000};          ///< backend: until the connection stands
  milliseconds first_byte{60'000};      ///< backend: request sent until the response head is there
  milliseconds backend_idle{60'000};    ///< backend: no octet of a response body came
  milliseconds total{0};                ///< request as a whole, from its head on
  milliseconds tunnel_idle{3'600'000};  ///< upgraded connection without an octet either way
  bool operator==(const TimeoutSettings&) const = default;
};

/// Sizes in octets beyond which a request is refused.
struct LimitSettings {
  std::uint64_t request_line = 8 * 1024;  ///< else 414
  std::uint64_t head = 32 * 1024;         ///< request line and all fields; else 431
  unsigned fields = 100;                  ///< number of fields; else 431
  std::uint64_t body = 0;                 ///< request body; 0: no limit; else 413
  unsigned connections = 0;               ///< client connections over all workers; 0: no limit
  bool operator==(const LimitSettings&) const = default;
};

/// Which requests go to which split. The most specific route wins, never the order of the file:
/// exact host, wildcard host, any host; then the longest path; then the most conditions; then name.
struct RouteSettings {
  std::string name = {};
  std::string host = {};                  ///< "shop.example.com", "*.example.com" or "" for any
  std::string path = "/";                 ///< prefix on segment borders
  std::vector<std::string> methods = {};  ///< empty: any
  std::vector<FieldMatchSettings> fields = {};  ///< all must match
  std::vector<ShareSettings> split = {};        ///< in order: the old pool first
  StickySettings sticky = {};
  std::vector<ForceSettings> force = {};  ///< first match wins
  TimeoutSettings timeouts = {};          ///< those of the file, with the route's own on top
  RolloutSettings rollout = {};           ///< how a rollout of this route goes
  bool operator==(const RouteSettings&) const = default;
};

/// An address on which clients connect: "IPv4:port", "[IPv6]:port" or "unix:/path".
struct ListenerSettings {
  std::string address = {};
  /// Another sluice process may listen there, too; not for unix sockets. Counts when it is opened.
  bool shared = false;
  bool operator==(const ListenerSettings&) const = default;
};

/// Whether workers give their socket calls to the kernel in batches (io_uring). It is only a matter
/// of cost: less where an entry into the kernel is dear, as in some virtual machines.
enum class IoUring : std::uint8_t {
  automatic,  ///< when it costs less, which is measured at the start
  on,         ///< when the kernel has it (Linux 5.18 or newer) and allows it
  off,        ///< never; io_uring_setup(2) is not even called
};

struct ServerSettings {
  unsigned workers = 0;                       ///< threads; 0: one per core
  IoUring io_uring = IoUring::automatic;      ///< batches of socket calls; takes a restart
  milliseconds lame_duck{0};                  ///< after SIGTERM: /readyz fails, accepting goes on
  milliseconds drain_timeout{30'000};         ///< then what is in flight may finish for this long
  std::string state_dir = "/var/lib/sluice";  ///< what must survive a restart; "": nothing does
  bool forwarded = false;                     ///< send Forwarded (RFC 7239) as well
  /// CIDR; only their X-Forwarded-* and Forwarded are kept.
  std::vector<std::string> trusted_proxies = {};
  /// Reload when the file changes. For the program: the library does not know of files.
  bool watch = false;
  bool operator==(const ServerSettings&) const = default;
};

struct AdminSettings {
  std::string address =
      "127.0.0.1:9901";         ///< or "unix:/run/sluice/admin.sock"; "": no admin interface
  std::string token_file = {};  ///< bearer token; needed when not loopback or unix
  bool operator==(const AdminSettings&) const = default;
};

struct LogSettings {
  std::string level = "info";     ///< trace | debug | info | warn | error | off
  std::string access = "stdout";  ///< "stdout", a file, or "off"; JSON lines
  bool operator==(const LogSettings&) const = default;
};

/// A whole configuration.
struct Settings {
  ServerSettings server;
  AdminSettings admin;
  LogSettings log;
  TimeoutSettings timeouts;
  LimitSettings limits;
  std::vector<ListenerSettings> listeners;
  std::vector<PoolSettings> pools;
  std::vector<RouteSettings> routes;
  bool operator==(const Settings&) const = default;
};

}  // namespace sluice
