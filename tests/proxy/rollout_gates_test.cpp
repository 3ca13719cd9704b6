#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/rollout_hooks.hpp"
#include "tests/proxy/loop.hpp"
#include "tests/proxy/told_rollout.hpp"
#include "tests/support/latch.hpp"
#include "tests/support/socket.hpp"
#include "tests/support/test_backend.hpp"

namespace sluice::proxy {
namespace {

using support::Exchange;
using support::TestBackend;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using testing::Loop;
using testing::milliseconds;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing::told_rollout;

struct GateAnswer {
  std::optional<bool> agrees;
  std::string words;
};

class RolloutGatesTest : public ::testing::Test {
 protected:
  GateSettings gate(std::uint32_t before = 2500) const {
    GateSettings gate;
    gate.before = before;
    gate.hook = url_;
    return gate;
  }
  void ask(const GateSettings& gate) {
    hooks_->ask_gate(gate, told_rollout(), [this](std::optional<bool> agrees, std::string words) {
      answers_.push_back({agrees, std::move(words)});
    });
  }
  GateAnswer answer() {
    ask(gate());
    EXPECT_THAT(answers_, IsEmpty()) << "never from inside the call";
    EXPECT_TRUE(loop_.run_until([this] { return !answers_.empty(); }));
    return std::exchange(answers_, {}).at(0);
  }
  /// The answer when the hook says this.
  GateAnswer answer_to(unsigned status, const std::string& body) {
    backend_.set_script([=](Exchange& exchange) { exchange.answer(status, body); });
    return answer();
  }

  Loop loop_;
  TestBackend backend_;
  std::string url_ = "http://" + backend_.address() + "/approve";
  std::vector<GateAnswer> answers_;
  HookWaits waits_{.gate = std::chrono::duration_cast<milliseconds>(support::patience)};
  std::unique_ptr<RolloutHooks> hooks_ = std::make_unique<RolloutHooks>(
      loop_.io(), RolloutSettings{}, LogSink(), [](const std::string&) {}, waits_);
};

TEST_F(RolloutGatesTest, TheQuestionSaysBeforeWhat) {
  answer();
  const auto request = backend_.last();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/approve");
  EXPECT_EQ(request.fields.get("Content-Type"), "application/json");
  EXPECT_THAT(request.body, StartsWith(R"({"event":"gate","route":"shop","id":"build-42",)"));
  EXPECT_THAT(request.body, EndsWith("Z\",\"before\":25}\n"));
}

TEST_F(RolloutGatesTest, ASuccessAgrees) {
  const GateAnswer yes = answer_to(200, "fine\n");
  EXPECT_EQ(yes.agrees, true);
  EXPECT_EQ(yes.words, url_ + " agreed: \"fine\"");
  EXPECT_EQ(answer_to(202, "").agrees, true);
}

TEST_F(RolloutGatesTest, ForbiddenAndConflictRefuse) {
  const GateAnswer no = answer_to(403, "not on a Friday\r\nask again on Monday");
  EXPECT_EQ(no.agrees, false);
  EXPECT_EQ(no.words, url_ + " refused: \"not on a Friday\"");
  EXPECT_EQ(answer_to(409, "").agrees, false);
}

TEST_F(RolloutGatesTest, AllElseIsNoAnswer) {
  for (const unsigned status : {302U, 400U, 404U, 500U, 503U}) {
    const GateAnswer none = answer_to(status, "later");
    EXPECT_EQ(none.agrees, std::nullopt) << status;
    EXPECT_EQ(none.words,
              url_ + " gave no verdict but status " + std::to_string(status) + ": \"later\"");
  }
}

TEST_F(RolloutGatesTest, ADeadHookIsNoAnswer) {
  const std::string address = support::free_address();
  url_ = "http://" + address;
  const GateAnswer none = answer();
  EXPECT_EQ(none.agrees, std::nullopt);
  EXPECT_EQ(none.words,
            url_ + " could not be asked: connect to " + address + ": Connection refused");
}

TEST_F(RolloutGatesTest, ASilentHookIsNoAnswer) {
  backend_.set_script([](Exchange& exchange) { exchange.stream().fill(); });
  waits_.gate = milliseconds(50);
  hooks_ = std::make_unique<RolloutHooks>(
      loop_.io(), RolloutSettings{}, LogSink(), [](const std::string&) {}, waits_);
  const GateAnswer none = answer();
  EXPECT_EQ(none.agrees, std::nullopt);
  EXPECT_EQ(none.words, url_ + " could not be asked: no answer within 50 ms");
}

TEST_F(RolloutGatesTest, AGateIsAskedOneQuestionAtATime) {
  support::Latch latch;
  backend_.set_script([&latch](Exchange& exchange) {
    exchange.wait(latch);
    exchange.answer(200, "");
  });
  ask(gate());
  ask(gate());
  ask(gate(5000));
  ASSERT_TRUE(loop_.run_until([&] { return backend_.request_count() == 2; }));
  latch.release();
  ASSERT_TRUE(loop_.run_until([&] { return answers_.size() == 2; }));
  loop_.settle();
  EXPECT_THAT(answers_, SizeIs(2)) << "one for each gate";
  EXPECT_EQ(backend_.request_count(), 2U);
  ask(gate());
  EXPECT_TRUE(loop_.run_until([&] { return answers_.size() == 3; })) << "may be asked again";
}

TEST_F(RolloutGatesTest, NothingIsAnsweredAfterItsEnd) {
  backend_.set_script([](Exchange& exchange) { exchange.stream().fill(); });
  ask(gate());
  ASSERT_TRUE(loop_.run_until([&] { return backend_.request_count() == 1; }));
  hooks_.reset();
  EXPECT_TRUE(loop_.run_until([&] { return backend_.open() == 0; })) << "the question is ended";
  loop_.settle();
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(RolloutGatesTest, ItMayEndInsideTheAnswer) {
  unsigned answers = 0;
  hooks_->ask_gate(gate(), told_rollout(), [&](std::optional<bool>, const std::string&) {
    hooks_.reset();
    ++answers;
  });
  EXPECT_TRUE(loop_.run_until([&] { return answers == 1; }));
}

}  // namespace
}  // namespace sluice::proxy
