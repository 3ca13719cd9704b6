#pragma once

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/rollout_record.hpp"

/// Rollouts with anything in every member. all_of() names the members of each struct: one that is
/// added there does not compile here until it is named, and is then part of every round trip.
namespace sluice::proxy {

inline auto all_of(GateSettings& gate) {
  auto& [before, manual, hook, timeout, on_timeout] = gate;
  return std::tie(before, manual, hook, timeout, on_timeout);
}

inline auto all_of(HookSettings& hook) {
  auto& [on, url, command, timeout, retries] = hook;
  return std::tie(on, url, command, timeout, retries);
}

inline auto all_of(QuerySettings& query) {
  auto& [prometheus, expr, bad_when, samples, interval, action] = query;
  return std::tie(prometheus, expr, bad_when, samples, interval, action);
}

inline auto all_of(RolloutErrorSettings& errors) {
  auto& [statuses, tolerance, max_rate] = errors;
  return std::tie(statuses, tolerance, max_rate);
}

inline auto all_of(RolloutLatencySettings& latency) {
  auto& [tolerance, slack, quantiles] = latency;
  return std::tie(tolerance, slack, quantiles);
}

inline auto all_of(RolloutGuardSettings& guard) {
  auto& [max_error_rate, max_p99] = guard;
  return std::tie(max_error_rate, max_p99);
}

inline auto all_of(MirrorSettings& mirror) {
  auto& [time, share, max_body] = mirror;
  return std::tie(time, share, max_body);
}

inline auto all_of(RolloutSettings& policy) {
  auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w] = policy;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w);
}

inline auto all_of(core::VersionCounts& counts) {
  auto& [requests, bad, repeats, period_repeats, repeated] = counts;
  return std::tie(requests, bad, repeats, period_repeats, repeated);
}

inline auto all_of(core::BackendBad& backend) {
  auto& [name, bad] = backend;
  return std::tie(name, bad);
}

inline auto all_of(core::Observation& seen) {
  auto& [period, weight, old_pool, new_pool, by_backend] = seen;
  return std::tie(period, weight, old_pool, new_pool, by_backend);
}

inline auto all_of(RolloutDecision& decision) {
  auto& [at_ms, word, reason, words] = decision;
  return std::tie(at_ms, word, reason, words);
}

inline auto all_of(RolloutOrder& order) {
  auto& [to, from, id, policy] = order;
  return std::tie(to, from, id, policy);
}

inline auto all_of(core::QueuedRollout& queued) {
  auto& [order, who] = queued;
  return std::tie(order, who);
}

inline auto all_of(core::RolloutRecord& record) {
  auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, a2, b2, c2,
         d2, e2, f2, g2, h2, i2, j2, k2, l2, m2, n2] = record;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, a2,
                  b2, c2, d2, e2, f2, g2, h2, i2, j2, k2, l2, m2, n2);
}

/// The last value of each enum.
template <class E>
constexpr E last_of() {
  if constexpr (std::is_same_v<E, RolloutState>) return E::rolled_back;
  if constexpr (std::is_same_v<E, core::GateState>) return E::open;
  if constexpr (std::is_same_v<E, RolloutMode>) return E::observe;
  if constexpr (std::is_same_v<E, Inconclusive>) return E::rollback;
  if constexpr (std::is_same_v<E, Supersede>) return E::queue;
  if constexpr (std::is_same_v<E, RolloutReaction>) return E::rollback;
}

class AnyRollout {
 public:
  explicit AnyRollout(std::uint64_t seed) : random_(seed) {}

  /// As it may stand in the state file: counts and steps fit together.
  core::RolloutRecord record() {
    core::RolloutRecord record;
    fill(record);
    record.step %= record.policy.steps.size() + 1;
    record.weight %= 10'001;
    for (std::int64_t* at :
         {&record.started_ms, &record.since_ms, &record.step_since_ms, &record.restart_ms}) {
      *at = moment();
    }
    for (std::int64_t& at : record.gates_since_ms) at = moment();
    for (RolloutDecision& decision : record.decisions) decision.at_ms = moment();
    settle(record.step_new);
    return record;
  }

 private:
  std::int64_t moment() { return static_cast<std::int64_t>(random_() % 253'402'300'800'000U); }
  std::size_t count() { return random_() % 4; }

  /// Repeats are some of the bad.
  static void settle(core::VersionCounts& counts) {
    for (std::size_t i = 0; i < stream_count; ++i) {
      if (counts.repeats[i] > counts.bad[i]) std::swap(counts.repeats[i], counts.bad[i]);
      counts.period_repeats[i] %= counts.bad[i] + 1;
    }
    counts.repeated_requests %= counts.requests.front() + 1;
  }

  void fill(bool& value) { value = random_() % 2 == 0; }
  void fill(double& value) {
    // Any bits but those of infinity and of what is no number.
    const double fraction = static_cast<double>(random_()) * 0x1p-64;
    value = std::ldexp(fraction, static_cast<int>(random_() % 200) - 100);
  }
  void fill(std::string& value) {
    static const std::string pieces[] = {"shop", "\"", "\n", "\xff\xfe", "\u20ac", "\x01", ""};
    value.clear();
    for (std::size_t i = count(); i > 0; --i) value += pieces[random_() % std::size(pieces)];
  }
  void fill(milliseconds& value) {
    std::int64_t number = 0;
    fill(number);
    value = milliseconds(number);
  }
  void fill(core::Ledger& ledger) {
    std::vector<core::Observation> entries;
    fill(entries);
    std::uint32_t period = 0;
    for (core::Observation& entry : entries) {
      entry.period = period += static_cast<std::uint32_t>(count());
      entry.weight = static_cast<double>(random_()) * 0x1p-64;
      settle(entry.old_pool);
      settle(entry.new_pool);
    }
    ledger = core::Ledger::restore(period + static_cast<std::uint32_t>(count()), entries);
  }
  template <class T>
  requires std::is_integral_v<T>
  void fill(T& value) { value = static_cast<T>(random_() >> (random_() % 64)); }
  template <class T>
  requires std::is_enum_v<T>
  void fill(T& value) {
    value = static_cast<T>(random_() % (static_cast<std::uint64_t>(last_of<T>()) + 1));
  }
  template <class T>
  void fill(std::optional<T>& value) {
    value.reset();
    if (random_() % 2 == 0) fill(value.emplace());
  }
  template <class T>
  void fill(std::vector<T>& value) {
    value.assign(count(), T{});
    for (T& element : value) fill(element);
  }
  template <class T, std::size_t size>
  void fill(std::array<T, size>& value) {
    for (T& element : value) fill(element);
  }
  template <class T>
  requires requires(T& value) { all_of(value); }
  void fill(T& value) {
    std::apply([&](auto&... members) { (fill(members), ...); }, all_of(value));
  }

  std::mt19937_64 random_;
};

}  // namespace sluice::proxy
