#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/health.hpp"
#include "proxy/deadline.hpp"
#include "proxy/place_map.hpp"
#include "proxy/random.hpp"
#include "proxy/stream.hpp"
#include "sluice/settings.hpp"

namespace sluice::proxy {

/// Checks the health of backends from the control thread, with jitter and a bound so that not
/// everything is probed at one instant (pitfall P9). A check never stops while its backend is
/// configured (P18).
class Prober {
 public:
  /// The state of (pool, address) changed; `seen` says in words what the check saw.
  using OnChange = std::function<void(const std::string& pool, const std::string& address,
                                      core::HealthState state, const std::string& seen)>;

  Prober(Reactor& reactor, DeadlineWheel& wheel, BlockPool& blocks, OnChange on_change);
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;
  ~Prober();

  /// First checks under way at once; others begin as these end.
  static constexpr unsigned most_first_checks = 256;

  /// Begins to check a backend, at once. A backend that is checked in the same way already goes on
  /// as it was. `known` up or down is a verdict to go on from, by `rise` and `fall`; one that was
  /// checked in another way, with a verdict, has its next check somewhere in the new interval.
  void watch(const std::string& pool, const std::string& address, const HealthSettings& settings,
             core::HealthState known = core::HealthState::unknown);
  void forget(const std::string& pool, const std::string& address);
  /// Where to check it. Until this is said there is no check and no verdict; an empty list is a
  /// failure.
  void set_addresses(const std::string& pool, const std::string& address,
                     std::vector<SocketAddress> addresses);

  /// Unchecked when it is not watched.
  core::HealthState state(const std::string& pool, const std::string& address) const;
  /// What the last failed check saw; "" after a success.
  std::string last_seen(const std::string& pool, const std::string& address) const;
  /// True when every watched backend has had its first verdict.
  bool has_all_verdicts() const;

 private:
  struct Target;

  void begin(const std::shared_ptr<Target>& target);
  void drop(Target& target);
  Task<void> check(std::shared_ptr<Target> target);
  Task<std::string> probe(Target& target);
  void conclude(Target& target, const std::string& problem);

  Reactor& reactor_;
  DeadlineWheel& wheel_;
  BlockPool& blocks_;
  OnChange on_change_;
  Random random_;
  PlaceMap<std::shared_ptr<Target>> targets_;
  unsigned first_checks_ = 0;  ///< under way
};

}  // namespace sluice::proxy
