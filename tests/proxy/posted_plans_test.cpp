#include "proxy/posted_plans.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

namespace sluice::proxy {
namespace {

std::shared_ptr<core::Plan> new_plan() {
  return std::make_shared<core::Plan>(core::build_plan(1, {}));
}

TEST(PostedPlans, KeepsWhatSomebodyHasAndFreesTheRest) {
  PostedPlans posted;
  auto plan = new_plan();
  const std::weak_ptr<core::Plan> seen = plan;
  std::weak_ptr<const core::Topology> topology = plan->topology;
  posted.add(plan);
  posted.free_unused();
  EXPECT_FALSE(seen.expired());
  plan.reset();
  EXPECT_FALSE(seen.expired()) << "not by the one who let go of it last";
  posted.free_unused();
  EXPECT_TRUE(seen.expired());
  EXPECT_TRUE(topology.expired());
}

TEST(PostedPlans, ATopologyOutlivesItsPlansForWhoStillHasIt) {
  PostedPlans posted;
  auto first = new_plan();
  auto second = std::make_shared<core::Plan>(*first);
  const std::weak_ptr<const core::Topology> topology = first->topology;
  posted.add(first);
  posted.add(second);
  auto worker = first->topology;
  first.reset();
  second.reset();
  posted.free_unused();
  EXPECT_EQ(topology.use_count(), 2) << "the worker's, and the one kept here";
  worker.reset();
  EXPECT_FALSE(topology.expired());
  posted.free_unused();
  EXPECT_TRUE(topology.expired());
}

}  // namespace
}  // namespace sluice::proxy
