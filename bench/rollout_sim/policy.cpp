#include "bench/rollout_sim/policy.hpp"

#include <algorithm>

namespace sluice::sim {
namespace {

Counters grown(Counters counters, const Counters& more) {
  counters.requests += more.requests;
  counters.failed += more.failed;
  counters.over_500ms += more.over_500ms;
  return counters;
}

}  // namespace

void Monitor::follow(const Known& known) {
  of_old.push_back(grown(of_old.back(), known.of_old));
  of_new.push_back(grown(of_new.back(), known.of_new));
}

Counters Monitor::window(const std::vector<Counters>& counters, double seconds) {
  const auto ticks = static_cast<std::size_t>(seconds * 1e6 / tick_us);
  const Counters& now = counters.back();
  const Counters& before = counters[counters.size() - 1 - std::min(ticks, counters.size() - 1)];
  return {now.requests - before.requests, now.failed - before.failed,
          now.over_500ms - before.over_500ms};
}

std::vector<PolicyKind> all_policies() {
  std::vector<PolicyKind> all{sluice_policy()};
  for (PolicyKind& kind : flagger_policies()) all.push_back(std::move(kind));
  for (PolicyKind& kind : argo_policies()) all.push_back(std::move(kind));
  all.push_back(z_test_policy());
  all.push_back(oracle_policy());
  return all;
}

}  // namespace sluice::sim
