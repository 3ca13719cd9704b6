#include "bench/rollout_sim/tally.hpp"

#include <numeric>

namespace sluice::sim {
namespace {

constexpr std::size_t errors = core::index_of(Stream::errors);
constexpr std::size_t client_errors = core::index_of(Stream::client_errors);

/// Events of one stream and one novelty.
struct Events {
  std::uint64_t requests = 0;
  std::uint64_t bad = 0;
};

void count(core::VersionCounts& counts, std::size_t stream, std::size_t novelty, Events events) {
  counts.requests[stream] += events.requests;
  counts.bad[stream] += events.bad;
  if (novelty > static_cast<std::size_t>(Novelty::first_ever)) {
    counts.repeats[stream] += events.bad;
  }
  if (novelty == static_cast<std::size_t>(Novelty::repeated)) {
    counts.period_repeats[stream] += events.bad;
  }
}

}  // namespace

core::VersionCounts Tally::counts() const {
  core::VersionCounts counts;
  for (std::size_t novelty = 0; novelty < novelties; ++novelty) {
    const auto& by_end = ended[novelty];
    const std::uint64_t all = std::accumulate(by_end.begin(), by_end.end(), std::uint64_t{0});
    count(counts, errors, novelty, {all, by_end[end_failed]});
    count(counts, client_errors, novelty, {all, by_end[end_refused]});
    if (novelty == static_cast<std::size_t>(Novelty::repeated)) counts.repeated_requests = all;
    std::uint64_t in_time = 0;
    for (std::size_t index = 0; index < quantiles; ++index) {
      in_time += by_end[index];
      const std::uint64_t slow = became_slow[novelty][index];
      count(counts, quantile_streams[index], novelty, {in_time + slow, slow});
    }
  }
  return counts;
}

std::uint64_t Tally::requests() const {
  std::uint64_t all = 0;
  for (const auto& by_end : ended) {
    all = std::accumulate(by_end.begin(), by_end.end(), all);
  }
  return all;
}

std::uint64_t Tally::failed() const {
  std::uint64_t all = 0;
  for (const auto& by_end : ended) all += by_end[end_failed];
  return all;
}

}  // namespace sluice::sim
