#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/rollout_sim/random.hpp"
#include "bench/rollout_sim/request.hpp"
#include "sluice/rollout_settings.hpp"

namespace sluice::sim {

enum class Truth : std::uint8_t {
  no_worse,  ///< a rollback is a false one
  worse,     ///< a promotion is a miss
  either,    ///< no bar
};

/// One run of a scenario: decides what becomes of a request on each version.
struct World {
  /// Fills both fates from the luck, the start and the backends of each request.
  std::function<void(std::span<Request>)> decide;
  double onset_s = 0;  ///< NEW is worse from here on
};

/// The world in which `decide_one(Request&)` decides.
template <typename DecideOne>
World world_of(DecideOne decide_one, double onset_s = 0) {
  return {[decide_one = std::move(decide_one)](std::span<Request> requests) mutable {
            for (Request& request : requests) decide_one(request);
          },
          onset_s};
}

struct Scenario {
  std::string name;
  Truth truth = Truth::no_worse;
  std::function<World(Random&)> begin = {};
  double rate = 1000;       ///< requests per second
  double horizon_s = 2500;  ///< given up as undecided after this
  /// Every policy stays at 5 % until it rolls back.
  bool is_pinned = false;
  bool old_is_up = true;
  std::uint32_t units = 0;  ///< sessions of a sticky split; 0: requests are drawn one by one
  std::uint32_t looping_units = 0;  ///< the first ones of them: clients in a loop
  double looping_rate = 0;          ///< share of the requests that they send
  RolloutSettings policy = {};      ///< of ours
};

/// NEW is no worse than OLD, or not beyond what is tolerated.
std::vector<Scenario> sound_scenarios();
/// NEW is worse.
std::vector<Scenario> faulty_scenarios();
std::vector<Scenario> all_scenarios();

}  // namespace sluice::sim
