#pragma once

#include <memory>
#include <vector>

#include "core/plan.hpp"

namespace sluice::proxy {

/// Plans that workers have, or have had. The last one to let go of a plan frees it, and a worker
/// would serve nobody while it frees a large one: so that is done here. Control thread.
class PostedPlans {
 public:
  void add(std::shared_ptr<const core::Plan> plan);
  /// Frees those that nobody else has any more.
  void free_unused();

 private:
  std::vector<std::shared_ptr<const core::Plan>> plans_;
  std::vector<std::shared_ptr<const core::Topology>> topologies_;  ///< of plans_, each once
};

}  // namespace sluice::proxy
