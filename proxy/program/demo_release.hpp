#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/json_writer.hpp"
#include "proxy/program/demo_proxy.hpp"
#include "proxy/program/demo_tally.hpp"
#include "sluice/rollout.hpp"

namespace sluice::proxy::program {

/// A release of the second act, with the end that it should have.
struct DemoPlot {
  const char* title;
  std::size_t old_version;
  std::size_t new_version;
  const char* reason;  ///< of the rollback that it should end with; "": it should be promoted

  bool should_be_promoted() const { return reason[0] == '\0'; }
  std::string old_pool() const { return std::string(demo_cart_pools[old_version]); }
  std::string new_pool() const { return std::string(demo_cart_pools[new_version]); }
};

inline constexpr std::array<DemoPlot, 3> demo_plots = {{
    {"a good v2", 0, 1, ""},
    {"a v3 that fails every tenth request", 1, 2, "errors"},
    {"a v4 with five times the p99", 1, 3, "p99"},
}};

/// What became of it.
struct DemoRelease {
  DemoPlot plot{};
  RolloutStatus end;  ///< in the words of the proxy
  /// What the clients of the load saw, over the requests that they began before the next release.
  DemoCounts users;
  std::uint64_t bad_answers = 0;    ///< that the new version counts itself
  std::int64_t first_bad_ms = 0;    ///< asked for then, since the Unix epoch; 0: none
  std::uint64_t answers_after = 0;  ///< of the version that lost, to requests begun after all this

  /// It came out as it should.
  bool is_as_told() const;
  /// Failed and slow requests that users had.
  std::uint64_t bad_for_users() const;
  /// From the start to the decision; none when there was none.
  std::optional<std::chrono::milliseconds> decided_after() const;
  /// From the first bad answer to the decision; none without either.
  std::optional<std::chrono::milliseconds> decided_after_first_bad() const;
  /// Why it was decided so, in the words of the proxy, a sentence each.
  std::vector<std::string> reasons() const;
  /// What went wrong, a sentence each.
  std::vector<std::string> complaints() const;
};

/// As an object.
void write(JsonWriter& json, const DemoRelease& release);

}  // namespace sluice::proxy::program
