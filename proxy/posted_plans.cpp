#include "proxy/posted_plans.hpp"

#include <algorithm>
#include <utility>

namespace sluice::proxy {

void PostedPlans::add(std::shared_ptr<const core::Plan> plan) {
  if (std::find(topologies_.begin(), topologies_.end(), plan->topology) == topologies_.end()) {
    topologies_.push_back(plan->topology);
  }
  const bool is_known = std::find(plans_.begin(), plans_.end(), plan) != plans_.end();
  if (!is_known) plans_.push_back(std::move(plan));
}

/// Nobody can get a plan from here: what has one owner left is that owner's alone.
void PostedPlans::free_unused() {
  std::erase_if(plans_, [](const auto& plan) { return plan.use_count() == 1; });
  std::erase_if(topologies_, [](const auto& topology) { return topology.use_count() == 1; });
}

}  // namespace sluice::proxy
