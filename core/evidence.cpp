#include "core/evidence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::core {
namespace {

constexpr std::array<double, 8> error_ratios{1.5, 2, 3, 5, 10, 30, 100, 1000};
/// A release that breaks breaks much: most of the wealth is on the large ratios.
constexpr std::array<double, 8> error_parts{0.075, 0.075, 0.075, 0.075, 0.175, 0.175, 0.175, 0.175};
constexpr std::array<double, 4> p50_ratios{1.1, 1.3, 1.6, 1.95};
constexpr std::array<double, 4> p90_ratios{1.25, 2, 4, 8};
constexpr std::array<double, 5> p99_ratios{1.5, 3, 8, 20, 60};

constexpr double base_part = 0.5;

/// Copies that are kept apart: outcomes are at most two periods late.
constexpr std::size_t most_young = 3;
constexpr double nothing = -std::numeric_limits<double>::infinity();

/// A copy begins with one part in fifty of what is left, and with 1/(k(k+1)), half and half: the
/// first for faults within the hour, the second for those that come later still.
constexpr double hazard = 0.02;

/// The part of the wealth that the copy `k` (from 1) begins with.
double part_of(double k) {
  return 0.5 * hazard * std::pow(1 - hazard, k - 1) + 0.5 / (k * (k + 1));
}

/// The parts of all copies behind the first `k`.
double part_behind(double k) {
  return 0.5 * std::pow(1 - hazard, k) + 0.5 / (k + 1);
}

double log_add(double left, double right) {
  return log_sum_exp(std::array<double, 2>{left, right});
}

double to_value(double log_value) {
  return std::min(std::exp(log_value), std::numeric_limits<double>::max());
}

}  // namespace

double log_sum_exp(std::span<const double> logs) {
  double largest = nothing;
  for (const double log : logs) largest = std::max(largest, log);
  if (largest == nothing) return nothing;
  double sum = 0;
  for (const double log : logs) sum += std::exp(log - largest);
  return largest + std::log(sum);
}

void Bets::add(const Claim& claim, double weight, std::uint64_t bad_old, std::uint64_t bad_new) {
  if (!(weight > 0 && weight < 1) || bad_old + bad_new == 0) return;
  const double on_new = weight * claim.tolerance;
  const auto events = static_cast<double>(bad_old + bad_new);
  const auto of_new = static_cast<double>(bad_new);
  for (std::size_t k = 0; k < claim.ratios.size(); ++k) {
    const double ratio = claim.ratios[k];
    // D_k(w) = ln((1 - w + w rho0) / (1 - w + w rho0 r)), exact for small w.
    const double step = -std::log1p(on_new * (ratio - 1) / (1 - weight + on_new));
    logs[k] += events * step + of_new * std::log(ratio);
  }
}

double Bets::log_value(const Claim& claim) const {
  std::array<double, max_ratios> parts{};
  for (std::size_t k = 0; k < claim.ratios.size(); ++k) {
    parts[k] = logs[k] + std::log(claim.part_of(k));
  }
  return log_sum_exp(std::span(parts).first(claim.ratios.size()));
}

Claim claim_of(Stream stream, double error_tolerance) {
  switch (stream) {
    case Stream::p50:
      return {1, p50_ratios};
    case Stream::p90:
      return {1, p90_ratios};
    case Stream::p99:
      return {1, p99_ratios};
    case Stream::errors:
    case Stream::client_errors:
      break;
  }
  return {error_tolerance, error_ratios, error_parts};
}

double stake_of(Stream stream) {
  switch (stream) {
    case Stream::errors:
      return 0.55;
    case Stream::p50:
      return 0.08;
    case Stream::p90:
      return 0.12;
    case Stream::p99:
      return 0.17;
    case Stream::client_errors:
      return 0.08;
  }
  return 0;
}

Evidence::Evidence(EvidenceRules rules) : rules_(rules) {
  for (Bets& bets : begun_) bets.logs.fill(nothing);
  settled_.fill(nothing);
}

Evidence::Evidence(EvidenceRules rules, const Ledger& ledger,
                   const std::vector<std::string>& without)
    : Evidence(rules) {
  for (const Observation& entry : ledger.entries()) {
    while (period_ < entry.period) restart();
    add(entry, without);
  }
  while (period_ < ledger.period()) restart();
}

void Evidence::add(const Observation& observation, const std::vector<std::string>& without) {
  StreamNumbers left_out{};
  for (const BackendBad& one : observation.by_backend) {
    if (std::find(without.begin(), without.end(), one.backend) == without.end()) continue;
    for (std::size_t index = 0; index < stream_count; ++index) left_out[index] += one.bad[index];
  }
  add_part(observation, left_out);
}

/// The chance of those requests of NEW that are counted, among them and those of OLD.
double Evidence::chance(double weight) const {
  const double counted = weight * rules_.counted_part;
  return counted > 0 ? counted / (1 - weight + counted) : 0;
}

void Evidence::add_part(const Observation& observation, const StreamNumbers& left_out) {
  for (std::size_t index = 0; index < stream_count; ++index) {
    const Claim claim = claim_of(static_cast<Stream>(index), rules_.error_tolerance);
    const std::uint64_t ever = evident(observation.new_pool, index);
    base_[index].add(claim, chance(observation.weight), evident(observation.old_pool, index),
                     ever - std::min(ever, left_out[index]));
    const std::uint64_t in_period = evident_in_period(observation.new_pool, index);
    add_to_copies(index, observation, in_period - std::min(in_period, left_out[index]));
  }
}

void Evidence::add_to_copies(std::size_t index, const Observation& observation,
                             std::uint64_t bad_new) {
  const std::uint64_t bad_old = evident_in_period(observation.old_pool, index);
  if (bad_old + bad_new == 0) return;
  const Claim claim = claim_of(static_cast<Stream>(index), rules_.error_tolerance);
  const std::uint32_t period = std::min(observation.period, period_);
  if (!rules_.by_units) begun_[index].add(claim, chance(observation.weight), bad_old, bad_new);
  for (Copy& copy : young_) {
    const bool is_meant = rules_.by_units ? copy.period == period : copy.period <= period;
    if (is_meant) copy.bets[index].add(claim, chance(observation.weight), bad_old, bad_new);
  }
}

void Evidence::restart() {
  ++period_;
  Copy copy{period_, {}};
  for (std::size_t index = 0; index < stream_count; ++index) {
    copy.bets[index].logs.fill(std::log(part_of(period_)));
  }
  young_.push_back(copy);
  if (young_.size() > most_young) retire_oldest();
}

void Evidence::retire_oldest() {
  const Copy& oldest = young_.front();
  for (std::size_t index = 0; index < stream_count; ++index) {
    if (rules_.by_units) {
      const Claim claim = claim_of(static_cast<Stream>(index), rules_.error_tolerance);
      settled_[index] = log_add(settled_[index], oldest.bets[index].log_value(claim));
      continue;
    }
    for (std::size_t k = 0; k < max_ratios; ++k) {
      double& sum = begun_[index].logs[k];
      sum = log_add(sum, oldest.bets[index].logs[k]);
    }
  }
  young_.erase(young_.begin());
}

double Evidence::log_of(Stream stream) const {
  const std::size_t index = index_of(stream);
  const Claim claim = claim_of(stream, rules_.error_tolerance);
  double late = log_add(begun_[index].log_value(claim), settled_[index]);
  for (const Copy& copy : young_) late = log_add(late, copy.bets[index].log_value(claim));
  late = log_add(late, std::log(part_behind(period_)));
  return log_add(std::log(base_part) + base_[index].log_value(claim),
                 std::log(1 - base_part) + late);
}

double Evidence::of(Stream stream) const {
  return to_value(log_of(stream));
}

double Evidence::total() const {
  std::array<double, stream_count> parts{};
  for (std::size_t index = 0; index < stream_count; ++index) {
    const auto stream = static_cast<Stream>(index);
    parts[index] = std::log(stake_of(stream)) + log_of(stream);
  }
  return to_value(log_sum_exp(parts));
}

Stream Evidence::strongest() const {
  Stream best = Stream::errors;
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t index = 0; index < stream_count; ++index) {
    const auto stream = static_cast<Stream>(index);
    const double share = std::log(stake_of(stream)) + log_of(stream);
    if (share > most) {
      most = share;
      best = stream;
    }
  }
  return best;
}

}  // namespace sluice::core
