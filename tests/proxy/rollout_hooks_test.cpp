#include "proxy/rollout_hooks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tests/proxy/rollout_hooks_fixture.hpp"
#include "tests/support/scripts.hpp"
#include "tests/support/socket.hpp"

namespace sluice::proxy {
namespace {

using support::Exchange;
using support::stays_silent;
using support::TestBackend;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::hook_of;
using testing::hook_to;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using testing::milliseconds;
using ::testing::StartsWith;
using testing::told_rollout;

class RolloutHooksTest : public testing::HooksFixture {};

TEST_F(RolloutHooksTest, AUrlGetsAPostOfJson) {
  make({hook_to(backend_)}).tell("step", told_rollout());
  ASSERT_TRUE(run_until_told(backend_, 1));
  const auto request = backend_.last();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/told");
  EXPECT_EQ(request.fields.get("Content-Type"), "application/json");
  EXPECT_THAT(request.body,
              MatchesRegex(R"(\{"event":"step","route":"shop","id":"build-42","attempt":1,)"
                           R"("state":"holding","reason":"errors",)"
                           R"("words":"shop-v2 fails more often than shop-v1","step":2,"steps":5,)"
                           R"("from":"shop-v1","to":"shop-v2","weight":5.5,)"
                           R"("at":"20[0-9-]+T[0-9:]+\.[0-9]+Z"\}.)"));
  EXPECT_TRUE(backend_.violations().empty());
}

TEST_F(RolloutHooksTest, AHookHearsOnlyWhatItWants) {
  HookSettings hook = hook_to(backend_);
  hook.on = {"started", "promoted"};
  make({hook});
  for (const std::string event : {"started", "step", "held", "promoted"}) {
    hooks_->tell(event, told_rollout());
  }
  ASSERT_TRUE(run_until_told(backend_, 2));
  loop_.settle();
  EXPECT_THAT(events(backend_), ElementsAre("started", "promoted"));
}

TEST_F(RolloutHooksTest, ACommandGetsTheJsonOnItsInput) {
  const std::string file = directory_.file("told");
  make({hook_of({"/usr/bin/tee", file})}).tell("step", told_rollout());
  ASSERT_TRUE(loop_.run_until([&] { return support::read_file(file).ends_with("}\n"); }));
  const auto told = boost::json::parse(support::read_file(file));
  EXPECT_EQ(told.at("event").as_string(), "step");
  EXPECT_EQ(told.at("id").as_string(), "build-42");
}

TEST_F(RolloutHooksTest, ACommandGetsTheEventInItsEnvironment) {
  const std::string file = directory_.file("environment");
  make({hook_of({"/bin/cp", "/proc/self/environ", file})}).tell("step", told_rollout());
  const std::string zero(1, '\0');
  ASSERT_TRUE(loop_.run_until([&] { return support::read_file(file).ends_with(zero); }));
  const std::string environment = zero + support::read_file(file);
  for (const std::string variable :
       {"SLUICE_EVENT=step", "SLUICE_ROUTE=shop", "SLUICE_ROLLOUT_ID=build-42",
        "SLUICE_STATE=holding", "SLUICE_REASON=errors", "SLUICE_FROM=shop-v1", "SLUICE_TO=shop-v2",
        "SLUICE_WEIGHT=5.5"}) {
    EXPECT_THAT(environment, HasSubstr(zero + variable + zero));
  }
}

TEST_F(RolloutHooksTest, TheNextEventFollowsACommandThatSucceeded) {
  const std::string file = directory_.file("told");
  make({hook_of({"/usr/bin/tee", "-a", file})});
  RolloutStatus status = told_rollout();
  for (status.step = 1; status.step <= 3; ++status.step) hooks_->tell("step", status);
  ASSERT_TRUE(loop_.run_until(
      [&] { return support::read_file(file).find("\"step\":3") != std::string::npos; }));
  const std::string told = support::read_file(file);
  EXPECT_LT(told.find("\"step\":1"), told.find("\"step\":2"));
  EXPECT_LT(told.find("\"step\":2"), told.find("\"step\":3"));
  EXPECT_THAT(failures_, IsEmpty());
}

TEST_F(RolloutHooksTest, AUrlMayHaveAnIpv6Address) {
  TestBackend backend("v6", {}, "[::1]:0");
  make({hook_to(backend)}).tell("step", told_rollout());
  EXPECT_TRUE(run_until_told(backend, 1));
  EXPECT_EQ(backend.last().fields.get("Host"), backend.address());
}

TEST_F(RolloutHooksTest, WhatIsNoHttpUrlIsAFailure) {
  HookSettings hook = hook_to(backend_);
  hook.url = "https://127.0.0.1/told";
  make({hook}).tell("step", told_rollout());
  EXPECT_THAT(failures_, IsEmpty()) << "never from inside the call";
  ASSERT_TRUE(run_until_failures(1));
  EXPECT_THAT(failures_[0], StartsWith("the hook https://127.0.0.1/told could not be told of "));
}

TEST_F(RolloutHooksTest, AnyStatusFrom200To299IsASuccess) {
  backend_.set_script([](Exchange& exchange) { exchange.send("HTTP/1.1 204 No Content\r\n\r\n"); });
  make({hook_to(backend_)}).tell("step", told_rollout());
  hooks_->tell("held", told_rollout());
  ASSERT_TRUE(run_until_told(backend_, 2)) << "the second follows when the first is told";
  EXPECT_THAT(events(backend_), ElementsAre("step", "held"));
  EXPECT_THAT(failures_, IsEmpty());
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(RolloutHooksTest, ADeadServerIsAFailure) {
  HookSettings hook = hook_to(backend_);
  const std::string address = support::free_address();
  hook.url = "http://" + address;
  make({hook}).tell("step", told_rollout());
  EXPECT_THAT(failures_, IsEmpty()) << "never from inside the call";
  ASSERT_TRUE(run_until_failures(1));
  EXPECT_THAT(failures_[0], HasSubstr("could not be told of \"step\": connect to " + address +
                                      ": Connection refused: it is asked again"));
}

TEST_F(RolloutHooksTest, ASilentServerIsAFailure) {
  backend_.set_script(stays_silent());
  HookSettings hook = hook_to(backend_);
  hook.timeout = milliseconds(50);
  make({hook}).tell("step", told_rollout());
  ASSERT_TRUE(run_until_failures(1));
  EXPECT_THAT(failures_[0], HasSubstr(": no answer within 50 ms: "));
}

TEST_F(RolloutHooksTest, ACommandThatFailsSaysHowItEnded) {
  make({hook_of({"/bin/false"})}).tell("step", told_rollout());
  ASSERT_TRUE(run_until_failures(1));
  EXPECT_EQ(failures_[0],
            "the hook /bin/false could not be told of \"step\": exit code 1: it is asked again "
            "every 1 h");
  make({hook_of({"/bin/cat", "/no-such-file"})}).tell("step", told_rollout());
  ASSERT_TRUE(run_until_failures(2));
  EXPECT_THAT(log_.of(LogLevel::error)[1], HasSubstr("it said at the end \"/bin/cat: "));
  make({hook_of({"/no-such-program"})}).tell("step", told_rollout());
  ASSERT_TRUE(run_until_failures(3));
  EXPECT_THAT(failures_[2], HasSubstr("cannot run /no-such-program"));
}

TEST_F(RolloutHooksTest, ADeadHookDoesNotDelayAnother) {
  backend_.set_script(stays_silent());
  TestBackend other;
  make({hook_to(backend_), hook_to(other)});
  hooks_->tell("started", told_rollout());
  hooks_->tell("step", told_rollout());
  ASSERT_TRUE(run_until_told(other, 2));
  EXPECT_THAT(events(other), ElementsAre("started", "step"));
  EXPECT_LE(backend_.request_count(), 1U);
}

TEST_F(RolloutHooksTest, NothingIsCalledAfterItsEnd) {
  backend_.set_script(stays_silent());
  make({hook_to(backend_), hook_of({"/bin/cat", "/dev/zero"})}).tell("step", told_rollout());
  ASSERT_TRUE(loop_.run_until([&] { return backend_.request_count() == 1; }));
  hooks_.reset();
  EXPECT_TRUE(loop_.run_until([&] { return backend_.open() == 0; })) << "the call is ended";
  loop_.settle();
  EXPECT_THAT(failures_, IsEmpty());
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(RolloutHooksTest, ItMayEndInsideItsCallback) {
  RolloutSettings policy;
  policy.hooks = {hook_of({"/bin/false"}), hook_of({"/bin/false"})};
  unsigned calls = 0;
  const auto end = [&](const std::string&) {
    ++calls;
    hooks_.reset();
  };
  hooks_ = std::make_unique<RolloutHooks>(loop_.io(), policy, LogSink(), end, HookWaits{});
  hooks_->tell("step", told_rollout());
  ASSERT_TRUE(loop_.run_until([&] { return calls > 0; }));
  loop_.settle();
  EXPECT_EQ(calls, 1U);
}

}  // namespace
}  // namespace sluice::proxy
