#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "bench/rollout_sim/behaviour.hpp"
#include "bench/rollout_sim/scenario.hpp"

namespace sluice::sim {
namespace {

using namespace std::chrono_literals;

double seconds(const Request& request) {
  return static_cast<double>(request.start_us) / 1e6;
}

/// NEW is like this from the beginning.
Scenario faulty(const std::string& name, const Behaviour& new_version) {
  Scenario scenario{.name = name, .truth = Truth::worse};
  scenario.begin = [new_version](Random&) {
    return world_of([new_version](Request& request) {
      request.old_fate = fate_of(request.luck, {});
      request.new_fate = fate_of(request.luck, new_version);
    });
  };
  return scenario;
}

/// NEW does this to the requests that `share` of the luck falls on.
Scenario partly(const std::string& name, double share, std::function<void(Fate&)> spoil) {
  Scenario scenario{.name = name, .truth = Truth::worse};
  scenario.begin = [share, spoil = std::move(spoil)](Random&) {
    return world_of([share, spoil](Request& request) {
      request.old_fate = request.new_fate = fate_of(request.luck, {});
      if (request.luck.other < share) spoil(request.new_fate);
    });
  };
  return scenario;
}

/// All stay at 5 %; NEW is like this from the beginning, or from a moment of the second minute on.
Scenario pinned(const std::string& name, const Behaviour& new_version, bool is_late) {
  Scenario scenario{.name = name, .truth = Truth::worse};
  scenario.is_pinned = true;
  scenario.policy.steps = {500};
  scenario.policy.bake = 1h;
  scenario.begin = [new_version, is_late](Random& random) {
    const double onset = is_late ? random.between(60, 120) : 0;
    return world_of(
        [new_version, onset](Request& request) {
          request.old_fate = request.new_fate = fate_of(request.luck, {});
          if (seconds(request) < onset) return;
          request.new_fate = fate_of(request.luck, new_version);
        },
        onset);
  };
  return scenario;
}

/// As faulty(), with sessions.
Scenario sticky(const std::string& name, const Behaviour& new_version) {
  Scenario scenario = faulty(name, new_version);
  scenario.units = 20'000;
  return scenario;
}

/// The slowest 2 % take five times as long; everything else is as it was.
Scenario long_tail() {
  Scenario scenario{.name = "slowest 2 % x5", .truth = Truth::worse};
  scenario.begin = [](Random&) {
    return world_of([](Request& request) {
      request.old_fate = request.new_fate = fate_of(request.luck, {});
      if (request.luck.latency >= 0.98) request.new_fate.us *= 5;
    });
  };
  return scenario;
}

/// From minute 20 on NEW fails 0.2 % more and answers 20 % slower with every minute.
Scenario leak(const std::string& name, milliseconds bake) {
  Scenario scenario{.name = name, .truth = Truth::worse};
  scenario.horizon_s = 3000;
  scenario.policy.bake = bake;
  scenario.begin = [](Random&) {
    return world_of(
        [](Request& request) {
          const double minutes = std::max(0.0, seconds(request) / 60 - 20);
          request.old_fate = fate_of(request.luck, {});
          request.new_fate = fate_of(
              request.luck, {.error_rate = 0.001 + 0.002 * minutes, .slower = 1 + 0.2 * minutes});
        },
        1200);
  };
  return scenario;
}

/// NEW is five times slower at first, and as fast as OLD after 30 s.
Scenario cold_start() {
  Scenario scenario{.name = "cold start, 30 s", .truth = Truth::either};
  scenario.begin = [](Random&) {
    return world_of([](Request& request) {
      const double cold = std::max(0.0, 1 - seconds(request) / 30);
      request.old_fate = fate_of(request.luck, {});
      request.new_fate = fate_of(request.luck, {.slower = 1 + 4 * cold});
    });
  };
  return scenario;
}

const LatencyLaw& p99_x2() {
  static const LatencyLaw law(20, 200);
  return law;
}

const LatencyLaw& p99_x5() {
  static const LatencyLaw law(20, 500);
  return law;
}

void hang(Fate& fate) {
  fate = {.us = 30'000'000, .answer = Answer::failure};
}

}  // namespace

std::vector<Scenario> faulty_scenarios() {
  return {
      pinned("at 5 %: 10 % errors", {.error_rate = 0.1}, false),
      pinned("at 5 %: 10 % errors from a moment on", {.error_rate = 0.1}, true),
      pinned("at 5 %: 1 % errors", {.error_rate = 0.01}, false),
      pinned("at 5 %: 1 % errors from a moment on", {.error_rate = 0.01}, true),
      pinned("at 5 %: p99 x5", {.latency = &p99_x5()}, false),
      pinned("at 5 %: p99 x5 from a moment on", {.latency = &p99_x5()}, true),
      faulty("errors x2", {.error_rate = 0.002}),
      faulty("errors x3", {.error_rate = 0.003}),
      faulty("errors x10", {.error_rate = 0.01}),
      faulty("errors x100", {.error_rate = 0.1}),
      faulty("all fail", {.error_rate = 1}),
      partly("one route of 3 % broken", 0.03, fail),
      sticky("sticky, errors x100", {.error_rate = 0.1}),
      sticky("sticky, p99 x5", {.latency = &p99_x5()}),
      faulty("4xx x3", {.client_error_rate = 0.06}),
      faulty("p99 x2", {.latency = &p99_x2()}),
      faulty("p99 x5", {.latency = &p99_x5()}),
      long_tail(),
      faulty("median +50 %", {.slower = 1.5}),
      partly("1 % hang", 0.01, hang),
      leak("leak from minute 20, bake 40 min", 40min),
      leak("leak from minute 20, default bake", 5min),
      cold_start(),
  };
}

std::vector<Scenario> all_scenarios() {
  std::vector<Scenario> all = sound_scenarios();
  std::vector<Scenario> faulty = faulty_scenarios();
  all.insert(all.end(), std::make_move_iterator(faulty.begin()),
             std::make_move_iterator(faulty.end()));
  return all;
}

}  // namespace sluice::sim
