#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/ledger.hpp"

/// Evidence that NEW is worse than OLD, as e-processes: bets against the claim that it is not. A
/// value E has mean at most 1 while the claim holds, whenever it is looked at, so it ever reaches
/// 1/alpha with probability at most alpha (Ville's inequality). Pure.
///
/// Source: Lindon and Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022
/// (the canary test), with a weight that changes: request i goes to NEW with probability w_i, fixed
/// before its outcome. While P(bad|NEW) <= rho0 * P(bad|OLD), a bad event is one of NEW's with
/// probability at most w rho0 / (1 - w + w rho0), whatever the shared rate of bad events does.
namespace sluice::core {

/// ln(sum exp(x)) without overflow; minus infinity of nothing.
double log_sum_exp(std::span<const double> logs);

/// The claim "the ratio of bad rates NEW : OLD is at most `tolerance`", bet against with a mixture:
/// the ratio is tolerance * r, for each r of `ratios`, all above 1.
struct Claim {
  double tolerance = 1;
  std::span<const double> ratios;
  std::span<const double> parts = {};  ///< of the mixture, summing to 1; empty: equal ones
  double part_of(std::size_t k) const {
    return parts.empty() ? 1 / static_cast<double>(ratios.size()) : parts[k];
  }
};

/// Most alternatives of one claim.
inline constexpr std::size_t max_ratios = 8;

/// What bad events add to each bet of a claim under one weight; 0 for bets that do not exist.
struct BetSteps {
  std::array<double, max_ratios> of_each{};  ///< for every bad event
  std::array<double, max_ratios> of_new{};   ///< on top, when it is one of NEW's
};
/// For requests that went to NEW with probability `weight`. A weight of 0 or 1 decides the pool
/// beforehand and says nothing.
BetSteps steps_of(const Claim& claim, double weight);

/// What some bad events change in the logarithms of the bets.
using BetChanges = std::array<double, max_ratios>;
BetChanges changes_of(const BetSteps& steps, std::uint64_t bad_old, std::uint64_t bad_new);

/// One e-process: the logarithms of its bets, which are sums over bad events.
struct Bets {
  std::array<double, max_ratios> logs{};

  /// Bad events of requests that went to NEW with probability `weight`. Good ones say nothing
  /// here. A weight of 0 or 1 decides the pool beforehand and says nothing either.
  void add(const Claim& claim, double weight, std::uint64_t bad_old, std::uint64_t bad_new);
  /// The same, with steps that were computed before.
  void add(const BetSteps& steps, std::uint64_t bad_old, std::uint64_t bad_new);
  void add(const BetChanges& changes);
  /// ln E.
  double log_value(const Claim& claim) const;
  /// The same, from the logarithms of the mixture's parts.
  double log_value(std::span<const double> log_parts) const;
};

/// The claim that each stream is judged by; `error_tolerance` is rho0 of errors and client errors.
Claim claim_of(Stream stream, double error_tolerance);
/// The part of the wealth that bets on a stream; they sum to 1.
double stake_of(Stream stream);

/// How bad events become evidence.
struct EvidenceRules {
  double error_tolerance = 1.10;  ///< rho0 of errors and client errors
  /// Sticky: the same units come again in every period, so what they say in one must not be
  /// multiplied with what they said in another.
  bool by_units = false;
  /// The part of NEW's requests whose errors are counted, when some backends are left out: the rest
  /// has this part of NEW's chance.
  double counted_part = 1;
};

/// All streams of a rollout. Half of each stream's wealth bets from the beginning on; the other
/// half goes to copies that begin with each period, for faults that begin late: what has not begun
/// counts as 1. A weighted mean of e-processes is one, so a single bound holds for everything
/// together. Since every copy multiplies by the same numbers, those that have begun are one sum.
/// Values are kept until something changes them, so that asking is cheap: for one thread.
class Evidence {
 public:
  explicit Evidence(EvidenceRules rules);
  /// From counts alone. `without`: leave out what these backends of NEW did; then the value is at
  /// most what it would be with them, were they sound.
  Evidence(EvidenceRules rules, const Ledger& ledger, const std::vector<std::string>& without = {});

  /// Outcomes that were seen in a period before the present one are given to the copies that had
  /// begun by then. `without`: see above.
  void add(const Observation& observation, const std::vector<std::string>& without = {});
  /// The next period: begins another copy.
  void restart();

  /// E of one stream and of all. Never overflows: infinity is the largest double.
  double of(Stream stream) const;
  double total() const;
  /// Whether total() is at least `value`. Cheaper, as long as it is far from it.
  bool reaches(double value) const { return at_most() >= value && total() >= value; }
  /// The stream that says most against NEW.
  Stream strongest() const;

 private:
  using AllBets = std::array<Bets, stream_count>;
  struct Copy {
    std::uint32_t period = 0;
    AllBets bets;  ///< with the copy's part of the wealth
  };

  double log_of(Stream stream) const;
  double computed_log_of(std::size_t index) const;
  double at_most() const;
  double chance(double weight) const;
  void use_weight(double weight);
  void has_changed(std::size_t index);
  void add_part(const Observation& observation, const StreamNumbers& left_out);
  void add_to_copies(std::size_t index, const Observation& observation, std::uint64_t bad_new);
  void retire_oldest();

  EvidenceRules rules_;
  std::uint32_t period_ = 0;
  AllBets base_;
  AllBets begun_;            ///< the sum of the older copies, bet by bet
  std::vector<Copy> young_;  ///< those that late outcomes must be kept from
  std::array<double, stream_count>
      settled_{};  ///< by units: logarithm of what older copies came to

  double steps_weight_ = 0;  ///< the weight that `steps_` are for
  std::array<BetSteps, stream_count> steps_{};
  double log_behind_ = 0;  ///< of the parts of the copies that have not begun
  mutable std::array<std::optional<double>, stream_count> known_logs_{};
  mutable std::optional<double> known_total_;
  mutable std::optional<double> known_at_most_;
};

/// Evidence that NEW fails at most `ratio` times as often as OLD: against the claim that it fails
/// that often or more. 20 is good evidence of health.
double evidence_of_health(const Ledger& ledger, double ratio);

/// Evidence that a rate of bad requests is above `rate`, against the claim that it is not (a
/// Bernoulli e-process with alternatives above the rate). `rate` in (0, 1).
double evidence_above_rate(double rate, std::uint64_t requests, std::uint64_t bad);

/// The largest rate that `bad` of `requests` leave possible at 95 %: the upper Poisson bound
/// (Garwood 1936), above the binomial one of Clopper and Pearson. 1 when there were no requests.
double rate_upper_bound(std::uint64_t requests, std::uint64_t bad);

/// NEW is at least this many times as bad as OLD in `stream`, at 95 %, whenever it is asked: the
/// largest ratio whose claim the bets refute 20 to 1. 0 when nothing can be said.
double ratio_lower_bound(const Ledger& ledger, Stream stream);

}  // namespace sluice::core
