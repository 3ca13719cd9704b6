#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// Everything the proxy counts, merged over all workers at one moment; what a metrics exporter
/// gets. Plain values, owned by whoever holds them.
namespace sluice {

/// Upper bounds of the histogram buckets, in nanoseconds; the last bucket has none.
inline constexpr std::array<std::uint64_t, 16> bucket_bounds_ns = {
    500'000,       1'000'000,      2'500'000,      5'000'000,     10'000'000,    25'000'000,
    50'000'000,    100'000'000,    250'000'000,    500'000'000,   1'000'000'000, 2'500'000'000,
    5'000'000'000, 10'000'000'000, 30'000'000'000, 60'000'000'000};

/// Durations counted into fixed buckets.
struct Histogram {
  // The sum comes first, to lie beside the buckets that are counted most.
  std::uint64_t sum_ns = 0;
  std::array<std::uint64_t, bucket_bounds_ns.size() + 1> counts{};  ///< per bucket, not cumulative

  void observe(std::uint64_t ns);
  void merge(const Histogram& other);
  std::uint64_t count() const;
};

/// A counter with one free label.
using LabelledCount = std::pair<std::string, std::uint64_t>;

/// Requests of one route that one pool served. `pool` is "" for requests that reached none.
struct RoutePoolCounts {
  std::string route;
  std::string pool;
  std::vector<std::pair<unsigned, std::uint64_t>> codes;  ///< status code, requests
  Histogram duration;                                     ///< head read to answer complete
  Histogram response_head;                                ///< first attempts: sent to first byte
  std::uint64_t in_flight = 0;
  std::vector<LabelledCount> retries;  ///< by reason
};

struct SpillCounts {
  std::string route;
  std::string from;
  std::string to;
  std::uint64_t count = 0;
};

struct RejectedCounts {
  std::string route;  ///< "" before a route was found
  std::string reason;
  std::uint64_t count = 0;
};

struct BackendCounts {
  std::string pool;
  std::string backend;
  bool up = false;
  bool draining = false;
  bool gone = false;  ///< no longer configured; shown until its last count was scraped
  std::uint64_t in_flight = 0;
  std::uint64_t upgraded = 0;
  std::uint64_t open = 0;  ///< connections, idle ones included
  std::uint64_t idle = 0;
  std::uint64_t requests = 0;
  std::vector<LabelledCount> failures;  ///< by reason
};

struct ListenerCounts {
  std::string listener;
  std::uint64_t active = 0;    ///< connections with a request under way
  std::uint64_t idle = 0;      ///< connections that wait for a request
  std::uint64_t upgraded = 0;  ///< tunnels
  std::uint64_t accepted = 0;  ///< ever
};

/// The weight of one pool in a route's split, as a share of 1.
struct WeightRatio {
  std::string route;
  std::string pool;
  double in_force = 0;
  double configured = 0;
};

/// A rollout under way or the last one of a route.
struct RolloutCounts {
  std::string route;
  std::string id;
  std::string from;
  std::string to;
  std::string state;
  std::size_t step = 0;  ///< from 1; 0 before the first
  double weight = 0;     ///< of NEW, in force, as a share of 1
  double realised = 0;   ///< share of NEW among the requests judged under this weight
  std::vector<std::pair<std::string, double>> evidence;  ///< E by stream
  double error_ratio_lower_bound = 0;
};

/// What the rollouts of one route have done since the start of the process.
struct RolloutTotals {
  struct Decision {
    std::string decision;
    std::string reason;
    std::uint64_t count = 0;
  };
  struct Bad {
    std::string pool;
    std::string stream;
    std::uint64_t count = 0;
  };
  std::string route;
  std::vector<Decision> decisions;
  std::vector<std::pair<std::string, double>> hold_seconds;  ///< by reason
  std::vector<Bad> bad;
  std::uint64_t shielded = 0;
};

struct Snapshot {
  std::string version;
  std::uint64_t generation = 0;
  bool last_reload_ok = true;
  std::int64_t last_reload_ms = 0;  ///< settings were last taken, since the Unix epoch
  bool is_decider = true;           ///< of the processes on one state folder
  std::uint64_t access_log_dropped = 0;
  std::vector<RoutePoolCounts> routes;
  std::vector<SpillCounts> spills;
  std::vector<RejectedCounts> rejected;
  std::vector<BackendCounts> backends;
  std::vector<ListenerCounts> listeners;
  std::vector<WeightRatio> weights;
  std::vector<RolloutCounts> rollouts;
  std::vector<RolloutTotals> rollout_totals;
};

}  // namespace sluice
