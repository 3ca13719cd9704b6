#include "bench/rollout_sim/runs.hpp"

#include <algorithm>
#include <atomic>
#include <string_view>
#include <thread>
#include <vector>

#include "core/draw.hpp"

namespace sluice::sim {
namespace {

/// The same for every policy.
std::uint64_t seed_of(std::string_view scenario, std::uint64_t seed, std::uint64_t run) {
  std::uint64_t word = core::mixed(seed + 1);
  for (const char letter : scenario) word = core::mixed(word + static_cast<unsigned char>(letter));
  return core::mixed(word + run * 0x9e3779b97f4a7c15ULL);
}

}  // namespace

Figures run_all(const Scenario& scenario, const PolicyKind& kind, const RunSettings& settings) {
  std::vector<TrialResult> results(settings.runs);
  std::atomic<std::uint64_t> next{0};
  const auto work = [&] {
    for (std::uint64_t run = next++; run < settings.runs; run = next++) {
      results[run] = run_trial(scenario, kind, seed_of(scenario.name, settings.seed, run));
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned more = 1; more < settings.threads; ++more) threads.emplace_back(work);
  work();
  threads.clear();
  return figures_of(scenario, kind, results);
}

}  // namespace sluice::sim
