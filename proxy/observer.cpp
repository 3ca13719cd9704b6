#include "sluice/observer.hpp"

namespace sluice {

void Observer::on_log(LogLevel, std::string_view) {}
void Observer::on_audit(const Audit&) {}
void Observer::on_split_changed(const SplitChange&) {}
void Observer::on_health_changed(const HealthChange&) {}
void Observer::on_drain_begun(const DrainChange&) {}
void Observer::on_drained(const DrainChange&) {}
void Observer::on_undrained(const DrainChange&) {}
void Observer::on_membership_changed(const MembershipChange&) {}
void Observer::on_rollout(const RolloutNotice&) {}
void Observer::on_reload(const ReloadNotice&) {}
void Observer::on_readiness_changed(const Readiness&) {}
void Observer::on_stopped(std::size_t) {}

}  // namespace sluice
