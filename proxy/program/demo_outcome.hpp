#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/program/demo_proxy.hpp"
#include "proxy/program/demo_release.hpp"
#include "proxy/program/demo_tally.hpp"

namespace sluice::proxy::program {

/// A part of the first act, with the weights that are in force in it.
struct DemoStep {
  const char* title;
  unsigned old_weight;
  unsigned new_weight;
};

inline constexpr std::array<DemoStep, 6> demo_steps = {{
    {"100/0", 100, 0},
    {"90/10", 90, 10},
    {"50/50", 50, 50},
    {"0/100", 0, 100},
    {"0/100, shop-v1 draining", 0, 100},
    {"0/100, shop-v1 switched off", 0, 100},
}};
inline constexpr std::size_t demo_step_all_new = 3;  ///< the first with 0 for the old version
inline constexpr std::size_t demo_step_drain = 4;
inline constexpr std::size_t demo_step_off = 5;

/// Everything that the demonstration found out.
struct DemoOutcome {
  std::vector<DemoCounts> steps;  ///< as demo_steps
  DemoCounts total;
  std::string first_failure;              ///< of the load; "" when none
  DemoDrain drain;                        ///< what the proxy says
  std::size_t old_connections = 0;        ///< that the old version counts itself after the drain
  std::array<std::uint64_t, 2> served{};  ///< requests that each version counts itself
  std::uint64_t new_requests_before_weight = 0;  ///< that the new version counted while it had none
  std::size_t download_octets = 0;
  bool drain_waited = false;          ///< the download was under way when the drain began
  std::string download_failure;       ///< "" when it came complete, from the old version
  std::vector<DemoRelease> releases;  ///< of the second act; the members above are of the first

  /// Answers of the old version to requests that started after its weight was 0.
  std::uint64_t old_answers_at_zero() const;
  /// The same for the new version, before it had a weight.
  std::uint64_t new_answers_at_zero() const { return new_requests_before_weight; }
  std::uint64_t failures() const { return total.failures + (download_failure.empty() ? 0 : 1); }
  /// What went wrong in both acts, a sentence each; empty: it shows what it should.
  std::vector<std::string> complaints() const;
};

}  // namespace sluice::proxy::program
