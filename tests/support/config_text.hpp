#pragma once

#include <string>
#include <vector>

namespace sluice::support {

/// A configuration file in the making. Everything not set here is left to the program's defaults,
/// apart from two workers, no state and addresses of our own.
struct ConfigText {
  std::string server = "workers = 2\n";       ///< lines of [server]
  std::string admin;                          ///< lines of [admin] beside address
  std::string log = "access = \"stdout\"\n";  ///< lines of [log]
  std::string tables;                         ///< further tables, whole
  std::vector<std::string> listeners;         ///< addresses; empty: one free port of 127.0.0.1
  std::string admin_address;                  ///< empty: a free port of 127.0.0.1
  bool keeps_state = false;                   ///< state_dir is a directory of the process, or ""
  std::string state_dir;                      ///< in place of that: one that several share
  bool shares_listeners = false;              ///< with other processes

  ConfigText& pool(const std::string& name, const std::vector<std::string>& backends,
                   const std::string& lines = "");
  /// `split` as in "v1 = 90, v2 = 10".
  ConfigText& route(const std::string& name, const std::string& split,
                    const std::string& lines = "");

  /// The whole file; `listeners` and `admin_address` must be set.
  std::string text(const std::string& own_state_dir) const;

 private:
  std::string pools_and_routes_;
};

/// One backend in pool v1 and a route "all" for everything.
ConfigText one_pool(const std::string& backend, const std::string& pool_lines = "",
                    const std::string& route_lines = "");

/// Pools v1 and v2 of one backend each, and a route "all" with the weights.
ConfigText two_pools(const std::string& v1, const std::string& v2, const std::string& weight_v1,
                     const std::string& weight_v2, const std::string& route_lines = "",
                     const std::string& pool_lines = "");

/// A pool's `health` line with quick checks: one failure is down, one success is up.
inline constexpr const char* quick_health =
    "health = { path = \"/healthz\", interval = \"100ms\", timeout = \"2s\", rise = 1, fall = 1 "
    "}\n";

}  // namespace sluice::support
