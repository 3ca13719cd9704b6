#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "bench/rollout_sim/behaviour.hpp"
#include "bench/rollout_sim/scenario.hpp"
#include "core/draw.hpp"

namespace sluice::sim {
namespace {

constexpr double second_us = 1e6;

double seconds(const Request& request) {
  return static_cast<double>(request.start_us) / second_us;
}

/// Both versions alike.
World alike(const Behaviour& behaviour) {
  return world_of([behaviour](Request& request) {
    request.old_fate = request.new_fate = fate_of(request.luck, behaviour);
  });
}

World differ(const Behaviour& old_version, const Behaviour& new_version) {
  return world_of([old_version, new_version](Request& request) {
    request.old_fate = fate_of(request.luck, old_version);
    request.new_fate = fate_of(request.luck, new_version);
  });
}

Scenario identical(const std::string& percent, double error_rate) {
  Scenario scenario{.name = "identical, " + percent + " % errors"};
  scenario.begin = [error_rate](Random&) { return alike({.error_rate = error_rate}); };
  return scenario;
}

/// How the failures of an outage look on the two versions.
struct Outage {
  double share = 0.8;
  std::uint32_t old_us = 0;  ///< 0: as long as an answer
  std::uint32_t new_us = 0;
};

/// 30 s in which a part of all requests fails on both versions, at any time of the ramp.
Scenario shared_outage(const std::string& name, const Outage& outage) {
  Scenario scenario{.name = name};
  scenario.begin = [outage](Random& random) {
    const double begin = random.between(5, 300);
    return world_of([outage, begin](Request& request) {
      request.old_fate = request.new_fate = fate_of(request.luck, {});
      const double when = seconds(request) - begin;
      if (when < 0 || when >= 30 || request.luck.other >= outage.share) return;
      fail(request.old_fate);
      fail(request.new_fate);
      if (outage.old_us > 0) request.old_fate.us = outage.old_us;
      if (outage.new_us > 0) request.new_fate.us = outage.new_us;
    });
  };
  return scenario;
}

/// A shared dependency is slow for 30 s.
Scenario shared_slowness() {
  Scenario scenario{.name = "shared slowness x5, 30 s"};
  scenario.begin = [](Random& random) {
    const double begin = random.between(5, 300);
    return world_of([begin](Request& request) {
      const double when = seconds(request) - begin;
      const double slower = when >= 0 && when < 30 ? 5 : 1;
      request.old_fate = request.new_fate = fate_of(request.luck, {.slower = slower});
    });
  };
  return scenario;
}

/// The shared rate of errors grows to three times its value in the first five minutes.
Scenario drift() {
  Scenario scenario{.name = "base rate x3 over the ramp"};
  scenario.begin = [](Random&) {
    return world_of([](Request& request) {
      const double grown = std::min(1.0, seconds(request) / 300);
      request.old_fate = request.new_fate =
          fate_of(request.luck, {.error_rate = 0.001 * (1 + 2 * grown)});
    });
  };
  return scenario;
}

/// Bursts of errors, 2 s long and 20 s apart in the mean, in which a fifth of all requests fails.
Scenario bursts() {
  Scenario scenario{.name = "bursty errors"};
  scenario.begin = [horizon = scenario.horizon_s](Random& random) {
    std::vector<std::pair<double, double>> spans;
    for (double at = random.exponential(20); at < horizon; at += random.exponential(20)) {
      const double end = at + random.exponential(2);
      spans.emplace_back(at, end);
      at = end;
    }
    return world_of([spans = std::move(spans), next = std::size_t{0}](Request& request) mutable {
      const double when = seconds(request);
      // Requests of a tick come in no order: a span is passed a second after its end.
      while (next < spans.size() && spans[next].second < when - 1) ++next;
      std::size_t span = next;
      while (span < spans.size() && spans[span].second < when) ++span;
      const bool is_bad = span < spans.size() && spans[span].first <= when;
      request.old_fate = request.new_fate =
          fate_of(request.luck, {.error_rate = is_bad ? 0.2 : 0.001});
    });
  };
  return scenario;
}

/// Sessions that differ: some clients repeat a request that always fails, on either version, and
/// most requests of a session take about as long as its other ones.
Scenario sticky(const std::string& name, std::uint32_t looping) {
  Scenario scenario{.name = name};
  scenario.horizon_s = 1200;
  scenario.units = 20'000;
  scenario.looping_units = looping;
  scenario.looping_rate = 0.05;
  scenario.begin = [looping](Random&) {
    return world_of([looping](Request& request) {
      Luck luck = request.luck;
      const std::uint64_t own = core::mixed(request.unit * 0x9e3779b97f4a7c15ULL);
      if (luck.other < 0.8) luck.latency = static_cast<double>(own >> 11) * 0x1p-53;
      request.old_fate = request.new_fate = fate_of(luck, {});
      if (request.unit > looping) return;
      fail(request.old_fate);
      fail(request.new_fate);
    });
  };
  return scenario;
}

Scenario one_bad_backend() {
  Scenario scenario{.name = "one bad NEW backend of five"};
  scenario.horizon_s = 600;
  scenario.begin = [](Random&) {
    return world_of([](Request& request) {
      request.old_fate = request.new_fate = fate_of(request.luck, {});
      if (request.new_backend == 2 && request.luck.other < 0.3) fail(request.new_fate);
    });
  };
  return scenario;
}

/// OLD fails; `is_up`: its health checks do not see it.
Scenario old_broken(const std::string& name, double error_rate, bool is_up) {
  Scenario scenario{.name = name};
  scenario.horizon_s = 600;
  scenario.old_is_up = is_up;
  scenario.begin = [error_rate](Random&) { return differ({.error_rate = error_rate}, {}); };
  return scenario;
}

/// A few requests take seconds on both versions, so that OLD always has some that wait.
Scenario heavy_tail() {
  Scenario scenario{.name = "0.5 % of requests take 5 s"};
  scenario.begin = [](Random&) {
    return world_of([](Request& request) {
      request.old_fate = request.new_fate = fate_of(request.luck, {});
      if (request.luck.other < 0.005) request.old_fate.us = request.new_fate.us = 5'000'000;
    });
  };
  return scenario;
}

/// Median 200 ms, p99 1 s.
const LatencyLaw& slow_latency() {
  static const LatencyLaw law(200, 1000);
  return law;
}

Scenario slow_service() {
  Scenario scenario{.name = "identical, p99 1 s"};
  scenario.begin = [](Random&) { return alike({.latency = &slow_latency()}); };
  return scenario;
}

Scenario few_requests(const std::string& name, double rate, double error_rate) {
  Scenario scenario{.name = name};
  scenario.rate = rate;
  scenario.horizon_s = 3600;
  scenario.begin = [error_rate](Random&) { return alike({.error_rate = error_rate}); };
  return scenario;
}

Scenario no_worse(const std::string& name, const Behaviour& new_version) {
  Scenario scenario{.name = name};
  scenario.begin = [new_version](Random&) { return differ({}, new_version); };
  return scenario;
}

}  // namespace

std::vector<Scenario> sound_scenarios() {
  return {
      identical("0", 0),
      identical("0.01", 0.0001),
      identical("0.1", 0.001),
      identical("1", 0.01),
      slow_service(),
      shared_outage("shared outage, 30 s", {}),
      shared_outage("shared outage, NEW fails faster", {.old_us = 5'000'000, .new_us = 1'000}),
      shared_outage("shared outage of all, NEW fails at once, OLD after 30 s",
                    {.share = 1, .old_us = 30'000'000, .new_us = 1'000}),
      shared_slowness(),
      drift(),
      bursts(),
      sticky("sticky, one looping client", 1),
      sticky("sticky, 300 looping clients", 300),
      one_bad_backend(),
      no_worse("NEW better", {.error_rate = 0.0005, .slower = 0.8}),
      no_worse("median +10 %, tolerated", {.slower = 1.1}),
      no_worse("median +20 %, tolerated", {.slower = 1.2}),
      heavy_tail(),
      old_broken("OLD fails 30 %", 0.3, true),
      old_broken("OLD down", 1, false),
      few_requests("no traffic", 0, 0),
      few_requests("1 request/s", 1, 0.001),
      few_requests("10 requests/s, 10 % errors", 10, 0.1),
  };
}

}  // namespace sluice::sim
