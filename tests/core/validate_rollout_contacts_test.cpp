#include <gtest/gtest.h>

#include <string>

#include "tests/core/policy_problems.hpp"

namespace sluice::core {
namespace {

TEST(ValidateGateTest, StandsBeforeAStepOrThePromotion) {
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.gates[0].before = 9'500; }), Places{});
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.gates[0].before = 2'600; }),
            Places{"r.gate[0].before"});
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.gates[1].before = 0; }),
            Places{"r.gate[1].before"});
  EXPECT_EQ(sentence_after([](RolloutSettings& r) { r.gates[0].before = 2'625; }),
            "There is no step of 26.25 %; allowed are the steps of the rollout, and 100 for a "
            "gate before the promotion.");
}

TEST(ValidateGateTest, IsOpenedInOneWay) {
  EXPECT_EQ(sentence_after([](RolloutSettings& r) { r.gates[0].manual = true; }),
            R"(The gate has a hook and is manual; allowed is either "hook" or "manual".)");
  EXPECT_EQ(sentence_after([](RolloutSettings& r) { r.gates[1].manual = false; }),
            R"(Nothing could open the gate; allowed is either "hook" or "manual".)");
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.gates[0].hook = "https://a/"; }),
            Places{"r.gate[0].hook"});
}

TEST(ValidateHookTest, HearsOfKnownEvents) {
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.hooks[0].on = {}; }), Places{"r.hook[0].on"});
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              r.hooks[0].on = {"step", "failed", "Step"};
            }),
            (Places{"r.hook[0].on[1]", "r.hook[0].on[2]"}));
}

TEST(ValidateHookTest, LeadsToOnePlace) {
  EXPECT_EQ(sentence_after([](RolloutSettings& r) { r.hooks[0].command = {"a"}; }),
            R"(The hook has a URL and a command; allowed is either "url" or "command".)");
  EXPECT_EQ(sentence_after([](RolloutSettings& r) { r.hooks[0].url = ""; }),
            R"(The hook leads nowhere; allowed is either "url" or "command".)");
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.hooks[0].url = "ftp://a/"; }),
            Places{"r.hook[0].url"});
}

TEST(ValidateHookTest, ACommandCanBeRun) {
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              r.hooks[1].command = {"", std::string("a\0b", 3)};
            }),
            (Places{"r.hook[1].command[0]", "r.hook[1].command[1]"}));
}

TEST(ValidateQueryTest, CanBeAskedAndAnswered) {
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              r.queries[0].prometheus = "127.0.0.1:9090";
              r.queries[0].bad_when = "0.85";
              r.queries[0].samples = 0;
              r.queries[0].interval = milliseconds{999};
            }),
            (Places{"r.query[0].prometheus", "r.query[0].bad_when", "r.query[0].samples",
                    "r.query[0].interval"}));
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              r.queries[0].prometheus = "http://a/prometheus";
              r.queries[0].samples = 1;
              r.queries[0].interval = milliseconds{1'000};
            }),
            Places{});
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.queries[0].prometheus = "http://a/?b"; }),
            Places{"r.query[0].prometheus"});
}

}  // namespace
}  // namespace sluice::core
