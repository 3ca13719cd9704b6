#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <vector>

#include "tests/proxy/counted_deadline.hpp"

namespace sluice::proxy {
namespace {

using std::chrono::milliseconds;

/// What the wheel has to do with one deadline, worked out without a wheel.
struct Expected {
  bool is_armed = false;
  TimePoint earliest;
  TimePoint latest;
};

class DeadlineModelTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(DeadlineModelTest, ThousandsOfDeadlinesPassAsANaiveListSays) {
  std::mt19937 random(GetParam());
  DeadlineWheel wheel;
  std::vector<std::unique_ptr<Counted>> all;
  all.reserve(4000);
  std::vector<Expected> model;
  for (int i = 0; i < 4000; ++i) all.push_back(std::make_unique<Counted>(wheel));
  model.resize(all.size());
  // The coarse clock may be one tick of the kernel behind.
  const milliseconds behind(12);
  TimePoint now = Clock::now();
  for (int step = 0; step < 600; ++step) {
    for (int change = 0; change < 40; ++change) {
      const std::size_t i = random() % all.size();
      if (random() % 4 == 0) {
        all[i]->deadline.disarm();
        model[i].is_armed = false;
        continue;
      }
      const milliseconds after(1 + random() % (random() % 8 == 0 ? 60'000 : 9'000));
      const TimePoint before = Clock::now();
      all[i]->deadline.arm(after);
      // Armed by the real clock: what the simulated one has left behind passes with its next grain.
      model[i] = {true, std::max(before + after - behind, now),
                  std::max(Clock::now() + after, now) + 2 * grain};
    }
    now += milliseconds(random() % 16 == 0 ? random() % 15'000 : random() % 50);
    for (const auto& one : all) one->passed = 0;
    wheel.advance(now);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool may_pass = model[i].is_armed && now >= model[i].earliest;
      const bool has_to = model[i].is_armed && now >= model[i].latest;
      ASSERT_LE(all[i]->passed, may_pass ? 1 : 0) << "early, in step " << step;
      ASSERT_GE(all[i]->passed, has_to ? 1 : 0) << "late, in step " << step;
      if (all[i]->passed != 0) model[i].is_armed = false;
      ASSERT_EQ(all[i]->deadline.is_armed(), model[i].is_armed);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DeadlineModelTest, ::testing::Range(1U, 5U));

}  // namespace
}  // namespace sluice::proxy
