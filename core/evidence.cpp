#include "core/evidence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::core {
namespace {

constexpr std::array<double, 8> error_ratios{1.5, 2, 3, 5, 10, 30, 100, 1000};
constexpr std::array<double, 4> p50_ratios{1.1, 1.3, 1.6, 1.95};
constexpr std::array<double, 4> p90_ratios{1.25, 2, 4, 8};
constexpr std::array<double, 5> p99_ratios{1.5, 3, 8, 20, 60};

constexpr double base_part = 0.5;

/// ln of the part of the wealth that the copy `k` (from 1) begins with.
double log_part_of(std::size_t k) {
  const auto number = static_cast<double>(k);
  return -std::log(number * (number + 1));
}

double to_value(double log_value) {
  return std::min(std::exp(log_value), std::numeric_limits<double>::max());
}

}  // namespace

double log_sum_exp(std::span<const double> logs) {
  constexpr double nothing = -std::numeric_limits<double>::infinity();
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
  return log_sum_exp(std::span(logs).first(claim.ratios.size())) -
         std::log(static_cast<double>(claim.ratios.size()));
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
  return {error_tolerance, error_ratios};
}

double stake_of(Stream stream) {
  switch (stream) {
    case Stream::errors:
      return 0.45;
    case Stream::p50:
      return 0.10;
    case Stream::p90:
      return 0.15;
    case Stream::p99:
      return 0.20;
    case Stream::client_errors:
      return 0.10;
  }
  return 0;
}

Evidence::Evidence(double error_tolerance) : error_tolerance_(error_tolerance) {}

Evidence::Evidence(double error_tolerance, const Ledger& ledger,
                   const std::vector<std::string>& without)
    : Evidence(error_tolerance) {
  std::uint32_t period = 0;
  for (const Ledger::Entry& entry : ledger.entries()) {
    for (; period < entry.period; ++period) restart();
    StreamNumbers left_out{};
    for (const BackendBad& one : entry.seen.by_backend) {
      if (std::find(without.begin(), without.end(), one.backend) == without.end()) continue;
      for (std::size_t index = 0; index < stream_count; ++index) left_out[index] += one.bad[index];
    }
    add_part(entry.seen, left_out);
  }
  for (; period < ledger.period(); ++period) restart();
}

void Evidence::add(const Observation& observation) {
  add_part(observation, {});
}

void Evidence::add_part(const Observation& observation, const StreamNumbers& left_out) {
  for (std::size_t index = 0; index < stream_count; ++index) {
    const std::uint64_t bad_old = evident(observation.old_pool, index);
    const std::uint64_t bad_new = evident(observation.new_pool, index) - left_out[index];
    if (bad_old + bad_new == 0) continue;
    const Claim claim = claim_of(static_cast<Stream>(index), error_tolerance_);
    streams_[index].base.add(claim, observation.weight, bad_old, bad_new);
    for (Bets& copy : streams_[index].copies) {
      copy.add(claim, observation.weight, bad_old, bad_new);
    }
  }
}

void Evidence::restart() {
  for (StreamBets& stream : streams_) stream.copies.emplace_back();
}

double Evidence::log_of(Stream stream) const {
  const StreamBets& bets = streams_[index_of(stream)];
  const Claim claim = claim_of(stream, error_tolerance_);
  const double log_rest = std::log(1 - base_part);
  std::vector<double> parts{std::log(base_part) + bets.base.log_value(claim)};
  parts.reserve(bets.copies.size() + 2);
  for (std::size_t k = 1; k <= bets.copies.size(); ++k) {
    parts.push_back(log_rest + log_part_of(k) + bets.copies[k - 1].log_value(claim));
  }
  // The parts of all copies still to come sum to 1 / (number of copies + 1).
  parts.push_back(log_rest - std::log(static_cast<double>(bets.copies.size() + 1)));
  return log_sum_exp(parts);
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
