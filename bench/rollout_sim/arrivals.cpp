#include "bench/rollout_sim/arrivals.hpp"

#include "core/draw.hpp"

namespace sluice::sim {

Arrivals::Arrivals(const Scenario& scenario, std::uint64_t seed)
    : scenario_(&scenario),
      random_(seed),
      world_(scenario.begin(random_)),
      mean_gap_us_(scenario.rate > 0 ? 1e6 / scenario.rate : 0),
      unit_salt_(random_.next()) {
  if (mean_gap_us_ > 0) next_start_us_ = random_.exponential(mean_gap_us_);
}

namespace {

Request drawn(double start_us, Random& random) {
  Request request;
  request.start_us = static_cast<std::int64_t>(start_us);
  request.draw = random.uniform();
  request.luck = {random.uniform(), random.uniform(), random.uniform()};
  const std::uint64_t word = random.next();
  request.old_backend = static_cast<std::uint8_t>(core::scaled(word, backends));
  request.new_backend = static_cast<std::uint8_t>(core::scaled(word << 32, backends));
  return request;
}

}  // namespace

const std::vector<Request>& Arrivals::next_tick() {
  requests_.clear();
  tick_end_us_ += tick_us;
  if (mean_gap_us_ <= 0) return requests_;
  // Of its own, so that its state stays in registers.
  Random random = random_;
  while (next_start_us_ < static_cast<double>(tick_end_us_)) {
    requests_.push_back(drawn(next_start_us_, random));
    if (scenario_->units > 0) choose_unit(requests_.back(), random);
    next_start_us_ += random.exponential(mean_gap_us_);
  }
  random_ = random;
  world_.decide(requests_);
  return requests_;
}

/// A unit keeps its draw for the whole rollout.
void Arrivals::choose_unit(Request& request, Random& random) const {
  const bool loops = random.uniform() < scenario_->looping_rate;
  const std::uint32_t looping = scenario_->looping_units;
  const std::uint64_t from = loops ? 0 : looping;
  const std::uint32_t count = loops ? looping : scenario_->units - looping;
  request.unit = static_cast<std::uint32_t>(1 + from + core::scaled(random.next(), count));
  const std::uint64_t word = core::mixed(unit_salt_ + request.unit * 0x9e3779b97f4a7c15ULL);
  request.draw = static_cast<double>(word >> 11) * 0x1p-53;
}

}  // namespace sluice::sim
