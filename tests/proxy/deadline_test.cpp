#include "proxy/deadline.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "tests/proxy/counted_deadline.hpp"

namespace sluice::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A deadline that does something when it passes.
struct Acting {
  Acting(DeadlineWheel& wheel, std::function<void()> what)
      : action(std::move(what)),
        deadline(
            wheel, [](void* self) { static_cast<Acting*>(self)->act(); }, this) {}
  void act() {
    ++passed;
    action();
  }
  std::function<void()> action;
  int passed = 0;
  Deadline deadline;
};

TEST(DeadlineTest, NeverPassesEarly) {
  // Wheels that begin at different moments see every phase of a grain.
  for (int after = 1; after <= 400; ++after) {
    DeadlineWheel wheel;
    Counted one(wheel);
    const TimePoint before = Clock::now();
    one.deadline.arm(milliseconds(after));
    wheel.advance(before + milliseconds(after) - std::chrono::microseconds(1));
    ASSERT_EQ(one.passed, 0) << after << " ms";
  }
}

TEST(DeadlineTest, PassesAtMostTwoGrainsLate) {
  for (int after = 1; after <= 400; ++after) {
    DeadlineWheel wheel;
    Counted one(wheel);
    one.deadline.arm(milliseconds(after));
    wheel.advance(Clock::now() + milliseconds(after) + 2 * grain);
    ASSERT_EQ(one.passed, 1) << after << " ms";
    EXPECT_FALSE(one.deadline.is_armed());
    EXPECT_TRUE(wheel.is_empty());
  }
}

TEST(DeadlineTest, PassesOnce) {
  DeadlineWheel wheel;
  Counted one(wheel);
  one.deadline.arm(milliseconds(10));
  for (int i = 1; i < 100; ++i) wheel.advance(Clock::now() + i * seconds(1));
  EXPECT_EQ(one.passed, 1);
}

TEST(DeadlineTest, ZeroAndLessDisarm) {
  DeadlineWheel wheel;
  Counted one(wheel);
  for (const int after : {0, -5}) {
    one.deadline.arm(milliseconds(10));
    EXPECT_TRUE(one.deadline.is_armed());
    one.deadline.arm(milliseconds(after));
    EXPECT_FALSE(one.deadline.is_armed());
    EXPECT_TRUE(wheel.is_empty());
  }
  wheel.advance(Clock::now() + seconds(1));
  EXPECT_EQ(one.passed, 0);
}

TEST(DeadlineTest, ArmedLaterPassesLater) {
  DeadlineWheel wheel;
  Counted one(wheel);
  const TimePoint start = Clock::now();
  one.deadline.arm(seconds(1));
  one.deadline.arm(seconds(20));
  wheel.advance(start + seconds(2));
  EXPECT_EQ(one.passed, 0);
  EXPECT_TRUE(one.deadline.is_armed());
  wheel.advance(start + seconds(19));
  EXPECT_EQ(one.passed, 0);
  wheel.advance(start + seconds(21));
  EXPECT_EQ(one.passed, 1);
}

TEST(DeadlineTest, ArmedEarlierPassesEarlier) {
  DeadlineWheel wheel;
  Counted one(wheel);
  const TimePoint start = Clock::now();
  one.deadline.arm(seconds(20));
  one.deadline.arm(seconds(1));
  wheel.advance(start + seconds(2));
  EXPECT_EQ(one.passed, 1);
}

TEST(DeadlineTest, DisarmedNeverPasses) {
  DeadlineWheel wheel;
  Counted one(wheel);
  one.deadline.arm(milliseconds(50));
  one.deadline.disarm();
  one.deadline.disarm();
  wheel.advance(Clock::now() + seconds(60));
  EXPECT_EQ(one.passed, 0);
}

TEST(DeadlineTest, FarBeyondOneTurnOfTheWheelItStillPassesInTime) {
  DeadlineWheel wheel;
  Counted hour(wheel);
  const TimePoint start = Clock::now();
  hour.deadline.arm(std::chrono::hours(1));
  for (TimePoint now = start; now < start + seconds(3599); now += milliseconds(250)) {
    wheel.advance(now);
  }
  EXPECT_EQ(hour.passed, 0);
  wheel.advance(start + seconds(3601));
  EXPECT_EQ(hour.passed, 1);
}

TEST(DeadlineTest, ALongPauseLosesNothing) {
  DeadlineWheel wheel;
  std::vector<std::unique_ptr<Counted>> all;
  all.reserve(3000);
  const TimePoint start = Clock::now();
  for (int i = 1; i <= 3000; ++i) {
    all.push_back(std::make_unique<Counted>(wheel));
    all.back()->deadline.arm(i * milliseconds(37));
    // Some move while they are armed: their slot is an old one.
    if (i % 3 == 0) all.back()->deadline.arm(i * milliseconds(41));
  }
  wheel.advance(start + std::chrono::hours(10));
  for (const auto& one : all) EXPECT_EQ(one->passed, 1);
  EXPECT_TRUE(wheel.is_empty());
}

TEST(DeadlineTest, MovedToAndFroAllTheTimeItPassesInTime) {
  DeadlineWheel wheel;
  std::minstd_rand random(1);
  std::vector<std::unique_ptr<Counted>> all;
  std::vector<TimePoint> due(50, no_deadline);
  std::generate_n(std::back_inserter(all), due.size(),
                  [&] { return std::make_unique<Counted>(wheel); });
  int passed = 0;
  const TimePoint start = Clock::now();
  for (TimePoint now = start; now < start + seconds(300); now += milliseconds(7)) {
    wheel.advance(now);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i]->passed == 1) {
        ASSERT_GE(now, due[i]);
        ASSERT_LE(now - due[i], 2 * grain + milliseconds(7));
        all[i]->passed = 0;
        due[i] = no_deadline;
        ++passed;
      }
      ASSERT_TRUE(due[i] == no_deadline || now <= due[i] + 2 * grain + milliseconds(7)) << "lost";
    }
    // Mostly beyond a turn of the wheel, earlier and later than what was armed before.
    const std::size_t moved = random() % all.size();
    due[moved] = now + milliseconds(random() % 40'000);
    all[moved]->deadline.arm_at(due[moved]);
  }
  EXPECT_GT(passed, 100);
}

TEST(DeadlineTest, TimeThatStandsStillOrGoesBackDoesNothing) {
  DeadlineWheel wheel;
  Counted one(wheel);
  const TimePoint start = Clock::now();
  one.deadline.arm(seconds(1));
  wheel.advance(start + milliseconds(500));
  wheel.advance(start + milliseconds(500));
  wheel.advance(start + milliseconds(100));
  EXPECT_EQ(one.passed, 0);
  wheel.advance(start + seconds(2));
  EXPECT_EQ(one.passed, 1);
}

TEST(DeadlineTest, DestructionDisarms) {
  DeadlineWheel wheel;
  Counted stays(wheel);
  stays.deadline.arm(seconds(1));
  for (int i = 0; i < 3; ++i) {
    std::optional<Counted> goes;
    goes.emplace(wheel);
    goes->deadline.arm(seconds(1));
    goes.reset();
  }
  wheel.advance(Clock::now() + seconds(2));
  EXPECT_EQ(stays.passed, 1);
  EXPECT_TRUE(wheel.is_empty());
}

TEST(DeadlineActionTest, MayArmItselfAgain) {
  DeadlineWheel wheel;
  std::optional<Acting> beat;
  const TimePoint start = Clock::now();
  beat.emplace(wheel, [&] {
    if (beat->passed == 1) beat->deadline.arm(seconds(10));
  });
  beat->deadline.arm(seconds(1));
  wheel.advance(start + seconds(2));
  EXPECT_EQ(beat->passed, 1);
  EXPECT_TRUE(beat->deadline.is_armed());
  wheel.advance(start + seconds(9));
  EXPECT_EQ(beat->passed, 1);
  wheel.advance(start + seconds(12));
  EXPECT_EQ(beat->passed, 2);
  EXPECT_TRUE(wheel.is_empty());
}

TEST(DeadlineActionTest, MayDisarmOthersThatAreDueWithIt) {
  DeadlineWheel wheel;
  std::vector<std::unique_ptr<Acting>> all;
  all.reserve(10);
  for (int i = 0; i < 10; ++i) {
    all.push_back(std::make_unique<Acting>(wheel, [&] {
      for (const auto& other : all) other->deadline.disarm();
    }));
  }
  for (const auto& one : all) one->deadline.arm(seconds(1));
  wheel.advance(Clock::now() + seconds(2));
  int passed = 0;
  for (const auto& one : all) passed += one->passed;
  EXPECT_EQ(passed, 1) << "the first that passed disarmed all others";
}

TEST(DeadlineActionTest, MayDestroyOthersThatAreDueWithIt) {
  DeadlineWheel wheel;
  std::vector<std::unique_ptr<Acting>> all;
  all.reserve(10);
  Acting* first = nullptr;
  int passed = 0;
  for (int i = 0; i < 10; ++i) {
    auto one = std::make_unique<Acting>(wheel, [] {});
    one->action = [&, self = one.get()] {
      ++passed;
      if (first != nullptr) return;
      first = self;
      std::erase_if(all, [&](const auto& other) { return other.get() != self; });
    };
    one->deadline.arm(seconds(1));
    all.push_back(std::move(one));
  }
  wheel.advance(Clock::now() + seconds(2));
  EXPECT_EQ(passed, 1);
  EXPECT_TRUE(wheel.is_empty());
}

TEST(DeadlineActionTest, MayMoveOthersThatAreDueWithIt) {
  DeadlineWheel wheel;
  const TimePoint start = Clock::now();
  std::vector<std::unique_ptr<Acting>> all;
  all.reserve(10);
  for (int i = 0; i < 10; ++i) {
    all.push_back(std::make_unique<Acting>(wheel, [&] {
      for (const auto& other : all) {
        if (other->passed == 0) other->deadline.arm(seconds(30));
      }
    }));
  }
  for (const auto& one : all) one->deadline.arm(seconds(1));
  const auto passed = [&] {
    return std::count_if(all.begin(), all.end(), [](const auto& one) { return one->passed == 1; });
  };
  wheel.advance(start + seconds(2));
  EXPECT_EQ(passed(), 1);
  wheel.advance(start + seconds(29));
  EXPECT_EQ(passed(), 1);
  wheel.advance(start + seconds(31));
  EXPECT_EQ(passed(), 10);
}

}  // namespace
}  // namespace sluice::proxy
