#include "bench/rollout_sim/arrivals.hpp"

#include "core/draw.hpp"

namespace sluice::sim {
namespace {

/// A word is enough for two uniform numbers: steps of 2^-32 are far below every rate and weight
/// here, and what lies beyond the last of them happens to one request in thousands of runs. In the
/// middle of its step, so that none is 0 or 1.
double uniform_of_half(std::uint32_t half) {
  return (static_cast<double>(half) + 0.5) * 0x1p-32;
}

struct Halves {
  explicit Halves(std::uint64_t word)
      : high(static_cast<std::uint32_t>(word >> 32)), low(static_cast<std::uint32_t>(word)) {}
  std::uint32_t high;
  std::uint32_t low;
};

constexpr std::uint64_t scaled_half(std::uint32_t half, std::uint64_t total) {
  return (half * total) >> 32;
}

}  // namespace

Arrivals::Arrivals(const Scenario& scenario, std::uint64_t seed)
    : scenario_(&scenario),
      random_(seed),
      world_(scenario.begin(random_)),
      count_(scenario.rate * static_cast<double>(tick_us) / 1e6),
      unit_salt_(random_.next()) {}

/// A Poisson process: given their number, requests are spread evenly and independently.
const std::vector<Request>& Arrivals::next_tick() {
  // Of its own, so that its state stays in registers.
  Random random = random_;
  requests_.resize(count_.at(random.uniform()));
  for (Request& request : requests_) draw(request, random);
  if (scenario_->units > 0) {
    for (Request& request : requests_) choose_unit(request, random);
  }
  random_ = random;
  world_.decide(requests_);
  tick_begin_us_ += tick_us;
  return requests_;
}

inline void Arrivals::draw(Request& request, Random& random) const {
  const Halves split(random.next());
  const Halves luck(random.next());
  const Halves rest(random.next());
  request.start_us = tick_begin_us_ + static_cast<std::int64_t>(scaled_half(split.low, tick_us));
  request.draw = uniform_of_half(split.high);
  request.luck = {.status = uniform_of_half(luck.low),
                  .latency = uniform_of_half(luck.high),
                  .other = uniform_of_half(rest.high)};
  request.old_backend = static_cast<std::uint8_t>(scaled_half(rest.low, backends));
  request.new_backend = static_cast<std::uint8_t>(scaled_half(rest.low << 16, backends));
}

/// A unit keeps its draw for the whole rollout.
void Arrivals::choose_unit(Request& request, Random& random) const {
  const Halves chosen(random.next());
  const bool loops = uniform_of_half(chosen.high) < scenario_->looping_rate;
  const std::uint32_t looping = scenario_->looping_units;
  const std::uint64_t from = loops ? 0 : looping;
  const std::uint32_t count = loops ? looping : scenario_->units - looping;
  request.unit = static_cast<std::uint32_t>(1 + from + scaled_half(chosen.low, count));
  const std::uint64_t word = core::mixed(unit_salt_ + request.unit * 0x9e3779b97f4a7c15ULL);
  request.draw = static_cast<double>(word >> 11) * 0x1p-53;
}

}  // namespace sluice::sim
