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

/// exp(x) of an x that is not positive, without the work when it is 1 or too small for a double.
double exp_at_most_1(double x) {
  constexpr double no_double_below = -746;
  if (x < no_double_below) return 0;
  return x == 0 ? 1 : std::exp(x);
}

double log_add(double left, double right) {
  return log_sum_exp(std::array<double, 2>{left, right});
}

using LogParts = std::array<double, max_ratios>;

LogParts log_parts_of(const Claim& claim) {
  LogParts logs{};
  for (std::size_t k = 0; k < claim.ratios.size(); ++k) logs[k] = std::log(claim.part_of(k));
  return logs;
}

/// What is the same for every rollout.
struct StreamConstants {
  double log_stake = 0;
  std::size_t bets = 0;
  LogParts log_parts{};
};

const StreamConstants& constants_of(std::size_t index) {
  static const std::array<StreamConstants, stream_count> all = [] {
    std::array<StreamConstants, stream_count> made;
    for (std::size_t stream = 0; stream < stream_count; ++stream) {
      const Claim claim = claim_of(static_cast<Stream>(stream), 1);
      made[stream] = {std::log(stake_of(static_cast<Stream>(stream))), claim.ratios.size(),
                      log_parts_of(claim)};
    }
    return made;
  }();
  return all[index];
}

/// Takes what is larger, bet by bet.
void raise(Bets& largest, const Bets& bets) {
  for (std::size_t k = 0; k < max_ratios; ++k) {
    largest.logs[k] = largest.logs[k] < bets.logs[k] ? bets.logs[k] : largest.logs[k];
  }
}

double best_of(const Bets& bets) {
  return *std::max_element(bets.logs.begin(), bets.logs.end());
}

/// Each of a stream's bets with this logarithm.
Bets bets_with(double log, std::size_t index) {
  Bets bets;
  bets.logs.fill(nothing);
  std::fill_n(bets.logs.begin(), constants_of(index).bets, log);
  return bets;
}

double log_value_of(const Bets& bets, std::size_t index) {
  const StreamConstants& constants = constants_of(index);
  return bets.log_value(std::span(constants.log_parts).first(constants.bets));
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
  for (const double log : logs) sum += exp_at_most_1(log - largest);
  return largest + std::log(sum);
}

BetSteps steps_of(const Claim& claim, double weight) {
  BetSteps steps;
  if (!(weight > 0 && weight < 1)) return steps;
  const double on_new = weight * claim.tolerance;
  for (std::size_t k = 0; k < claim.ratios.size(); ++k) {
    const double ratio = claim.ratios[k];
    // D_k(w) = ln((1 - w + w rho0) / (1 - w + w rho0 r)), exact for small w.
    steps.of_each[k] = -std::log1p(on_new * (ratio - 1) / (1 - weight + on_new));
    steps.of_new[k] = std::log(ratio);
  }
  return steps;
}

// Of bets that do not exist, too: a fixed number is done faster.
BetChanges changes_of(const BetSteps& steps, std::uint64_t bad_old, std::uint64_t bad_new) {
  const auto events = static_cast<double>(bad_old + bad_new);
  const auto of_new = static_cast<double>(bad_new);
  BetChanges changes;
  for (std::size_t k = 0; k < max_ratios; ++k) {
    changes[k] = events * steps.of_each[k] + of_new * steps.of_new[k];
  }
  return changes;
}

void Bets::add(const Claim& claim, double weight, std::uint64_t bad_old, std::uint64_t bad_new) {
  if (bad_old + bad_new > 0) add(steps_of(claim, weight), bad_old, bad_new);
}

void Bets::add(const BetSteps& steps, std::uint64_t bad_old, std::uint64_t bad_new) {
  if (bad_old + bad_new > 0) add(changes_of(steps, bad_old, bad_new));
}

void Bets::add(const BetChanges& changes) {
  for (std::size_t k = 0; k < max_ratios; ++k) logs[k] += changes[k];
}

double Bets::log_value(const Claim& claim) const {
  const LogParts log_parts = log_parts_of(claim);
  return log_value(std::span(log_parts).first(claim.ratios.size()));
}

double Bets::log_value(std::span<const double> log_parts) const {
  std::array<double, max_ratios> parts{};
  for (std::size_t k = 0; k < log_parts.size(); ++k) parts[k] = logs[k] + log_parts[k];
  return log_sum_exp(std::span(parts).first(log_parts.size()));
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

Evidence::Evidence(EvidenceRules rules) : rules_(rules), log_behind_(std::log(part_behind(0))) {
  for (Bets& bets : begun_) bets.logs.fill(nothing);
  for (std::size_t index = 0; index < stream_count; ++index) base_[index] = bets_with(0, index);
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

/// The steps of what comes next.
void Evidence::use_weight(double weight) {
  if (weight == steps_weight_) return;
  steps_weight_ = weight;
  for (std::size_t index = 0; index < stream_count; ++index) {
    const Claim claim = claim_of(static_cast<Stream>(index), rules_.error_tolerance);
    steps_[index] = steps_of(claim, chance(weight));
  }
}

void Evidence::has_changed(std::size_t index) {
  known_logs_[index].reset();
  known_total_.reset();
  known_at_most_.reset();
}

void Evidence::add_part(const Observation& observation, const StreamNumbers& left_out) {
  use_weight(observation.weight);
  for (std::size_t index = 0; index < stream_count; ++index) {
    const std::uint64_t bad_old = evident(observation.old_pool, index);
    const std::uint64_t ever = evident(observation.new_pool, index);
    const std::uint64_t bad_new = ever - std::min(ever, left_out[index]);
    if (bad_old + bad_new > 0) has_changed(index);
    base_[index].add(steps_[index], bad_old, bad_new);
    const std::uint64_t in_period = evident_in_period(observation.new_pool, index);
    add_to_copies(index, observation, in_period - std::min(in_period, left_out[index]));
  }
}

void Evidence::add_to_copies(std::size_t index, const Observation& observation,
                             std::uint64_t bad_new) {
  const std::uint64_t bad_old = evident_in_period(observation.old_pool, index);
  if (bad_old + bad_new == 0) return;
  has_changed(index);
  const std::uint32_t period = std::min(observation.period, period_);
  const BetChanges changes = changes_of(steps_[index], bad_old, bad_new);
  if (!rules_.by_units) begun_[index].add(changes);
  for (Copy& copy : young_) {
    const bool is_meant = rules_.by_units ? copy.period == period : copy.period <= period;
    if (is_meant) copy.bets[index].add(changes);
  }
}

void Evidence::restart() {
  ++period_;
  Copy copy{period_, {}};
  const double log_part = std::log(part_of(period_));
  log_behind_ = std::log(part_behind(period_));
  for (std::size_t index = 0; index < stream_count; ++index) {
    copy.bets[index] = bets_with(log_part, index);
    has_changed(index);
  }
  young_.push_back(copy);
  if (young_.size() > most_young) retire_oldest();
}

void Evidence::retire_oldest() {
  const Copy& oldest = young_.front();
  for (std::size_t index = 0; index < stream_count; ++index) {
    if (rules_.by_units) {
      settled_[index] = log_add(settled_[index], log_value_of(oldest.bets[index], index));
      continue;
    }
    for (std::size_t k = 0; k < constants_of(index).bets; ++k) {
      double& sum = begun_[index].logs[k];
      sum = log_add(sum, oldest.bets[index].logs[k]);
    }
  }
  young_.erase(young_.begin());
}

double Evidence::log_of(Stream stream) const {
  std::optional<double>& known = known_logs_[index_of(stream)];
  if (!known) known = computed_log_of(index_of(stream));
  return *known;
}

double Evidence::computed_log_of(std::size_t index) const {
  double late = log_add(log_value_of(begun_[index], index), settled_[index]);
  for (const Copy& copy : young_) late = log_add(late, log_value_of(copy.bets[index], index));
  late = log_add(late, log_behind_);
  return log_add(std::log(base_part) + log_value_of(base_[index], index),
                 std::log(1 - base_part) + late);
}

double Evidence::of(Stream stream) const {
  return to_value(log_of(stream));
}

double Evidence::total() const {
  if (known_total_) return *known_total_;
  std::array<double, stream_count> parts{};
  for (std::size_t index = 0; index < stream_count; ++index) {
    parts[index] = constants_of(index).log_stake + log_of(static_cast<Stream>(index));
  }
  known_total_ = to_value(log_sum_exp(parts));
  return *known_total_;
}

/// No less than total(), without the mixtures: a mean is at most its largest member, and the sum of
/// what is late at most as often that as it has members.
double Evidence::at_most() const {
  constexpr double rounding = 1e-10;
  if (known_at_most_) return *known_at_most_;
  Bets base = base_.front();
  Bets begun = begun_.front();
  double late = log_behind_;
  for (std::size_t index = 0; index < stream_count; ++index) {
    raise(base, base_[index]);
    raise(begun, begun_[index]);
    for (const Copy& copy : young_) raise(begun, copy.bets[index]);
    late = std::max(late, settled_[index]);
  }
  late = std::max(late, best_of(begun));
  const double log_members = period_ == 0 ? 0 : std::log(3 + static_cast<double>(young_.size()));
  known_at_most_ = std::exp(std::max(best_of(base), late + log_members) + rounding);
  return *known_at_most_;
}

Stream Evidence::strongest() const {
  Stream best = Stream::errors;
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t index = 0; index < stream_count; ++index) {
    const auto stream = static_cast<Stream>(index);
    const double share = constants_of(index).log_stake + log_of(stream);
    if (share > most) {
      most = share;
      best = stream;
    }
  }
  return best;
}

}  // namespace sluice::core
