#include "proxy/rollout_hook.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/proxy/rollout_hooks_fixture.hpp"
#include "tests/support/latch.hpp"

namespace sluice::proxy {
namespace {

using support::Exchange;
using testing::always;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::fails_first;
using testing::hook_of;
using testing::hook_to;
using ::testing::IsEmpty;
using testing::milliseconds;
using testing::never;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing::told_rollout;

class RolloutHookTest : public testing::HooksFixture {};

TEST_F(RolloutHookTest, AFailedTryIsRepeatedWithTheSameWords) {
  backend_.set_script(fails_first(2));
  make({hook_to(backend_, 2)}).tell("step", told_rollout());
  hooks_->tell("held", told_rollout());
  ASSERT_TRUE(run_until_told(backend_, 4));
  EXPECT_THAT(events(backend_), ElementsAre("step", "step", "step", "held"));
  EXPECT_EQ(backend_.requests()[2].body, backend_.requests()[0].body);
  EXPECT_THAT(failures_, IsEmpty());
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(RolloutHookTest, BetweenTwoTriesItWaits) {
  backend_.set_script(fails_first(1));
  make({hook_to(backend_, 1)}, {milliseconds(50), never});
  const TimePoint start = Clock::now();
  hooks_->tell("step", told_rollout());
  ASSERT_TRUE(run_until_told(backend_, 2));
  EXPECT_GE(Clock::now() - start, milliseconds(50));
}

TEST_F(RolloutHookTest, WhenAllTriesFailTheRolloutAndTheLogHearWhy) {
  backend_.set_script(always(503, "no room\nat all\n"));
  make({hook_to(backend_, 1)}).tell("step", told_rollout());
  ASSERT_TRUE(run_until_failures(1));
  loop_.settle();
  EXPECT_EQ(backend_.request_count(), 2U);
  const std::string words = "the hook http://" + backend_.address() +
                            "/told could not be told of \"step\": status 503: it is asked again "
                            "every 1 h";
  EXPECT_THAT(failures_, ElementsAre(words));
  EXPECT_THAT(log_.of(LogLevel::error), ElementsAre("rollout build-42 of route shop: " + words +
                                                    R"(; it said at the end "no room\x0aat all")"));
  EXPECT_THAT(log_.lines(), SizeIs(1));
}

TEST_F(RolloutHookTest, AHookThatFailedIsAskedAgainUntilItIsTold) {
  backend_.set_script(fails_first(4));
  make({hook_to(backend_, 1)}, {milliseconds(1), milliseconds(1)}).tell("step", told_rollout());
  ASSERT_TRUE(loop_.run_until([&] { return !failures_.empty() && failures_.back().empty(); }));
  EXPECT_EQ(backend_.request_count(), 5U);
  EXPECT_THAT(failures_, SizeIs(4)) << "two tries at first, then one by one";
  EXPECT_THAT(log_.of(LogLevel::error), SizeIs(1)) << "not one for each try";
  EXPECT_THAT(log_.of(LogLevel::info),
              ElementsAre(EndsWith("/told was told of \"step\" after all")));
}

TEST_F(RolloutHookTest, WhatHappensMeanwhileIsToldAfterwardsInOrder) {
  backend_.set_script(fails_first(2));
  make({hook_to(backend_)}, {milliseconds(1), milliseconds(1)});
  for (const std::string event : {"started", "step", "held", "step"}) {
    hooks_->tell(event, told_rollout());
  }
  ASSERT_TRUE(run_until_told(backend_, 6));
  EXPECT_THAT(events(backend_),
              ElementsAre("started", "started", "started", "step", "held", "step"));
}

TEST_F(RolloutHookTest, AHookThatIsToldDoesNotHideAnotherThatIsNot) {
  support::Latch latch;
  backend_.set_script([&](Exchange& exchange) {
    const bool is_first = backend_.request_count() == 1;
    if (!is_first) exchange.wait(latch);
    exchange.answer(is_first ? 500 : 200, "");
  });
  make({hook_to(backend_), hook_of({"/bin/false"})}, {milliseconds(1), milliseconds(20)});
  hooks_->tell("step", told_rollout());
  ASSERT_TRUE(loop_.run_until([&] { return log_.of(LogLevel::error).size() == 2; }));
  latch.release();
  ASSERT_TRUE(loop_.run_until([&] { return !log_.of(LogLevel::info).empty(); }));
  EXPECT_THAT(failures_.back(), StartsWith("the hook /bin/false "));
  EXPECT_THAT(failures_, Not(Contains("")));
}

TEST_F(RolloutHookTest, TheEndOfTheRolloutIsToldAtOnce) {
  backend_.set_script(always(500));
  make({hook_to(backend_)}).tell("step", told_rollout());
  ASSERT_TRUE(run_until_failures(1));
  backend_.set_script({});
  hooks_->tell("rolled_back", told_rollout(RolloutState::rolled_back));
  ASSERT_TRUE(run_until_told(backend_, 3)) << "does not wait for an hour";
  EXPECT_THAT(events(backend_), ElementsAre("step", "step", "rolled_back"));
  EXPECT_EQ(failures_.back(), "");
}

TEST_F(RolloutHookTest, AfterTheEndAnEventIsGivenUp) {
  backend_.set_script(always(500));
  make({hook_to(backend_, 1)}, {milliseconds(1), milliseconds(1)});
  hooks_->tell("rolled_back", told_rollout(RolloutState::rolled_back));
  ASSERT_TRUE(run_until_failures(1));
  EXPECT_THAT(failures_[0], EndsWith("status 500: it is not asked again"));
  backend_.set_script({});
  hooks_->tell("started", told_rollout(RolloutState::staged));
  ASSERT_TRUE(run_until_told(backend_, 3));
  EXPECT_THAT(events(backend_), ElementsAre("rolled_back", "rolled_back", "started"));
  EXPECT_THAT(failures_, SizeIs(1));
}

TEST_F(RolloutHookTest, AnEventThatTheHookDoesNotWantEndsItsWaitingToo) {
  backend_.set_script(always(500));
  HookSettings hook = hook_to(backend_);
  hook.on = {"step"};
  make({hook}).tell("step", told_rollout());
  ASSERT_TRUE(run_until_failures(1));
  hooks_->tell("rolled_back", told_rollout(RolloutState::rolled_back));
  ASSERT_TRUE(run_until_failures(2));
  EXPECT_THAT(failures_[1], EndsWith("it is not asked again"));
  EXPECT_THAT(events(backend_), ElementsAre("step", "step"));
}

TEST_F(RolloutHookTest, OfTooManyEventsTheOldestAreGivenUp) {
  backend_.set_script(always(500));
  make({hook_to(backend_)});
  RolloutStatus status = told_rollout();
  for (status.step = 1; status.step <= 103; ++status.step) hooks_->tell("step", status);
  ASSERT_TRUE(run_until_failures(1));
  EXPECT_THAT(log_.of(LogLevel::warn), SizeIs(2));
  backend_.set_script({});
  hooks_->tell("drained", told_rollout(RolloutState::done));
  ASSERT_TRUE(run_until_told(backend_, 102));
  std::vector<std::int64_t> steps;
  for (const auto& request : backend_.requests()) {
    steps.push_back(boost::json::parse(request.body).at("step").as_int64());
  }
  ASSERT_THAT(steps, SizeIs(102));
  EXPECT_EQ(steps[1], 1) << "the one that is being told stays";
  EXPECT_EQ(steps[2], 4);
  EXPECT_EQ(steps.back(), 103);
}

}  // namespace
}  // namespace sluice::proxy
