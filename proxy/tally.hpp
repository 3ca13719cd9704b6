#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/snapshot.hpp"

/// What one worker counts. Plain integers: read only by posting a question to the worker.
namespace sluice::proxy {

/// Why a request was sent again in the same pool; the label `reason` of sluice_retries_total.
enum class RetryReason : std::uint8_t {
  connect,  ///< no connection to the backend came about
  stale,    ///< a pooled connection broke before the first octet of the answer
  reset,    ///< a fresh connection did
  drained,  ///< the backend began to drain before the request was sent
  count_
};
std::string_view to_string(RetryReason reason);

/// Why the proxy answered itself; the label `reason` of sluice_rejected_total.
enum class RejectReason : std::uint8_t {
  malformed,             ///< 400, 417, 501, 505
  no_route,              ///< 404
  too_slow,              ///< 408
  body_too_large,        ///< 413
  target_too_long,       ///< 414
  head_too_large,        ///< 431
  none_can_serve,        ///< 503
  too_many_connections,  ///< 503
  count_
};
std::string_view to_string(RejectReason reason);

/// The reason that goes with a status that the proxy answered a client's fault with.
RejectReason reject_reason_of(unsigned status);

template <class Reason>
using CountsBy = std::array<std::uint64_t, static_cast<std::size_t>(Reason::count_)>;

template <class Reason>
void count(CountsBy<Reason>& counts, Reason reason) {
  ++counts[static_cast<std::size_t>(reason)];
}

/// Requests by status code. The code that came first, mostly the only frequent one, is counted in
/// place.
class CodeCounts {
 public:
  CodeCounts() = default;
  CodeCounts(std::initializer_list<std::pair<unsigned, std::uint64_t>> counts) {
    for (const auto& [code, requests] : counts) add(code, requests);
  }
  void add(unsigned code, std::uint64_t requests = 1) {
    if (first_.first == code) {
      first_.second += requests;
    } else {
      add_rare(code, requests);
    }
  }
  /// In the order in which they came first.
  std::vector<std::pair<unsigned, std::uint64_t>> list() const;

 private:
  void add_rare(unsigned code, std::uint64_t requests);
  static constexpr unsigned no_code = ~0U;
  std::pair<unsigned, std::uint64_t> first_{no_code, 0};
  std::vector<std::pair<unsigned, std::uint64_t>> others_;
};

/// Requests of one route that one pool served. What a request counts is three cache lines, for with
/// thousands of routes each is waited for: the beginning, and the first of each histogram.
struct alignas(64) RoutePoolTally {
  std::uint64_t in_flight = 0;
  CodeCounts codes;
  alignas(64) Histogram duration;
  alignas(64) Histogram response_head;
  CountsBy<RetryReason> retries{};
  std::string route;
  std::string pool;
};

/// All requests of one route.
struct RouteTally {
  std::string route;
  CountsBy<RejectReason> rejected{};
  std::map<std::pair<std::string, std::string>, std::uint64_t> spills;  ///< from, to

  void count_spill(const std::string& from, const std::string& to) { ++spills[{from, to}]; }
};

struct ListenerTally {
  std::string listener;
  std::uint64_t active = 0;
  std::uint64_t idle = 0;
  std::uint64_t upgraded = 0;
  std::uint64_t accepted = 0;
};

/// All counters of one worker. Entries are never removed while it lives, whatever is reloaded, so
/// pointers to them stay good and counters never go back.
class Tally {
 public:
  RoutePoolTally& route_pool(const std::string& route, const std::string& pool);
  RouteTally& route(const std::string& route);
  ListenerTally& listener(const std::string& listener);

  /// Adds what another worker counted.
  void merge(const Tally& other);
  /// Every gauge becomes 0, as in a process that has ended; counters stay.
  void forget_present();

  using RoutePools = std::map<std::pair<std::string, std::string>, RoutePoolTally>;
  const RoutePools& route_pools() const { return route_pools_; }
  const std::map<std::string, RouteTally>& routes() const { return routes_; }
  const std::map<std::string, ListenerTally>& listeners() const { return listeners_; }

  /// Writes everything into the lists of `snapshot` that it counts for.
  void write_to(Snapshot& snapshot) const;

 private:
  RoutePools route_pools_;
  std::map<std::string, RouteTally> routes_;
  std::map<std::string, ListenerTally> listeners_;
};

}  // namespace sluice::proxy
