#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/rollout_sim/scenario.hpp"
#include "bench/rollout_sim/traffic.hpp"

/// What decides about a rollout.
namespace sluice::sim {

/// The counters of both versions as they were at the end of every tick, as a monitoring system that
/// misses nothing and is never late would have them.
struct Monitor {
  std::vector<Counters> of_old{Counters{}};
  std::vector<Counters> of_new{Counters{}};

  void follow(const Known& known);
  /// Growth over the last `seconds`.
  static Counters window(const std::vector<Counters>& counters, double seconds);
};

struct View {
  std::int64_t now_ms = 0;  ///< since the rollout began
  Known& known;             ///< in the last tick; whoever reads the observations may take them
  const Monitor& monitor;
  std::int64_t old_overdue = 0;
  std::optional<std::int64_t> old_p99_ms = {};
  std::size_t new_up = backends;
};

enum class End : std::uint8_t { none, promoted, rolled_back };

/// What a policy wants at a tick.
struct Decision {
  std::optional<std::uint32_t> weight = {};  ///< of NEW, in hundredths of a percent
  End end = End::none;
  std::string reason = {};
  std::optional<std::uint8_t> eject = {};  ///< a backend of NEW
  bool holds = false;
};

/// Begins at time 0 with no traffic on NEW; asked each 100 ms.
class Policy {
 public:
  Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  virtual ~Policy() = default;

  virtual Decision tick(const View& view) = 0;
  /// The weight of the last decision holds for requests from now on.
  virtual void weight_in_force(std::uint32_t /*weight*/, std::int64_t /*now_ms*/) {}
  /// In each of them a unit is judged once.
  virtual std::uint32_t period() const { return 0; }
};

struct PolicyKind {
  std::string name;
  std::function<std::unique_ptr<Policy>(const Scenario&)> make;
  bool judges_latency = false;  ///< needs the limits of OLD's quantiles
};

inline constexpr std::uint32_t everything = 10'000;
inline constexpr std::uint32_t pinned_weight = 500;

PolicyKind sluice_policy();
std::vector<PolicyKind> flagger_policies();
std::vector<PolicyKind> argo_policies();
PolicyKind z_test_policy();
PolicyKind oracle_policy();
/// All of them, ours first.
std::vector<PolicyKind> all_policies();

}  // namespace sluice::sim
