#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "proxy/state_json.hpp"
#include "tests/proxy/any_rollout.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;
using core::RolloutRecord;

core::Overrides overrides_with(const RolloutRecord& rollout) {
  core::Overrides overrides;
  overrides.rollouts = {rollout};
  return overrides;
}

core::VersionCounts counts(std::uint64_t first) {
  return {{first, 2, 3, 4, 5}, {6, 7, 8, 9, 10}, {1, 2, 3, 4, 5}, {2, 3, 4, 5, 6}, 1};
}

RolloutSettings policy() {
  RolloutSettings policy;
  policy.mode = RolloutMode::observe;
  policy.steps = {1, 333, 9999};
  policy.step_time = milliseconds(1);
  policy.step_timeout = milliseconds(2);
  policy.min_requests = 3;
  policy.on_inconclusive = Inconclusive::advance;
  policy.bake = milliseconds(4);
  policy.retain_old = milliseconds(5);
  policy.deadline = milliseconds(6);
  policy.alpha = 0.1 / 3;
  policy.supersede = Supersede::queue;
  policy.shield = false;
  policy.shield_budget = 1.0 / 3;
  policy.slew = 7;
  policy.catastrophe = 9;
  policy.freeze = {"Fri 16:00 - Mon 07:00", "22:00 - 06:00"};
  policy.errors = {{"429", "4xx"}, 1.7, 0.01};
  policy.latency = {0.7, milliseconds(8), {99, 50}};
  policy.guard = {0.02, milliseconds(800)};
  policy.mirror = {milliseconds(9), 0.9, 10};
  policy.gates = {{500, true, "", milliseconds(10), RolloutReaction::hold},
                  {9999, false, "http://127.0.0.1/ask", milliseconds(11)}};
  policy.hooks = {{{"step", "held"}, "http://127.0.0.1/tell", {}, milliseconds(12), 3},
                  {{"promoted"}, "", {"/bin/tell", "it all"}, milliseconds(13), 0}};
  policy.queries = {
      {"http://127.0.0.1:9090", "up", "> 0.85", 4, milliseconds(14), RolloutReaction::rollback}};
  return policy;
}

/// Every member is something that a new one has not.
RolloutRecord full() {
  RolloutRecord record;
  record.route = "shop";
  record.id = "build-42";
  record.from = "v1";
  record.to = "v2";
  record.started_by = "anna";
  record.policy = policy();
  record.attempt = 2;
  record.salt = std::numeric_limits<std::uint64_t>::max() - 1;
  record.revision = std::numeric_limits<std::uint64_t>::max();
  record.state = RolloutState::paused;
  record.before_pause = RolloutState::baking;
  record.reason = "errors";
  record.words = "NEW fails\nmore \"often\" \xe2\x82\xac";
  record.step = 3;
  record.weight = 9999;
  record.steps_back = 1;
  record.started_ms = 1'700'000'000'001;
  record.since_ms = 1'700'000'000'002;
  record.step_since_ms = 1'700'000'000'003;
  record.restart_ms = 1'700'000'000'004;
  record.by_units = true;
  record.passes_step = true;
  record.gates = {core::GateState::open, core::GateState::asking};
  record.gates_since_ms = {1'700'000'000'005, 0};
  record.query_bad = {2};
  record.ejected = {"127.0.0.1:9003", "unix:/run/v2"};
  record.hook_failure = "no answer";
  record.ledger = core::Ledger::restore(
      5, {{0, 0.0001, counts(1), counts(2), {{"127.0.0.1:9003", {1, 0, 2, 0, 3}}}},
          {0, 1.0 / 3, counts(3), counts(4), {}},
          {4, 0.9999, counts(std::numeric_limits<std::uint64_t>::max()), counts(6), {}}});
  record.step_new = counts(7);
  record.run_failed = 8;
  record.run_old_good = 9;
  record.run_old_bad = 10;
  record.guard_slow_old = 11;
  record.guard_slow_new = 12;
  record.shielded = 13;
  record.bad_delivered = 14;
  record.mirrored = 15;
  record.mirror_differences = 16;
  record.decisions = {{1'700'000'000'006, "start", "operator", "anna started it"},
                      {1'700'000'000'007, "hold", "", ""}};
  record.queued = core::QueuedRollout{{"v3", "v2", "build-43", policy()}, "bert"};
  return record;
}

template <class T>
void expect_nothing_is_default(T value) {
  T fresh{};
  const auto expect = [](const auto& mine, const auto& other) { EXPECT_FALSE(mine == other); };
  std::apply(
      [&](auto&... mine) {
        std::apply([&](auto&... others) { (expect(mine, others), ...); }, all_of(fresh));
      },
      all_of(value));
}

TEST(StateRolloutJsonTest, TheFullRolloutIsFull) {
  expect_nothing_is_default(full());
  expect_nothing_is_default(*full().queued);
  expect_nothing_is_default(full().queued->order);
  expect_nothing_is_default(policy());
  expect_nothing_is_default(policy().errors);
  expect_nothing_is_default(policy().latency);
  expect_nothing_is_default(policy().guard);
  expect_nothing_is_default(policy().mirror);
}

TEST(StateRolloutJsonTest, AFullRolloutComesBackAsItWas) {
  const core::Overrides overrides = overrides_with(full());
  const std::string text = to_state_text(overrides);
  const auto read = read_state_text(text);
  ASSERT_TRUE(read) << read.error() << "\n" << text;
  EXPECT_EQ(*read, overrides) << text;
  EXPECT_EQ(to_state_text(*read), text);
}

TEST(StateRolloutJsonTest, AnyRolloutsComeBackAsTheyWere) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    AnyRollout any(seed);
    core::Overrides overrides;
    overrides.drains = {{"v1", "", {"anna", 5}}};
    for (std::uint64_t i = seed % 4; i > 0; --i) overrides.rollouts.push_back(any.record());
    const std::string text = to_state_text(overrides);
    const auto read = read_state_text(text);
    ASSERT_TRUE(read) << read.error() << "\n" << text;
    ASSERT_EQ(*read, overrides) << text;
  }
}

TEST(StateRolloutJsonTest, EveryStateComesBackByItsName) {
  for (int i = 0; i <= static_cast<int>(RolloutState::rolled_back); ++i) {
    RolloutRecord rollout;
    rollout.state = static_cast<RolloutState>(i);
    const std::string text = to_state_text(overrides_with(rollout));
    const std::string named = R"("state":")" + std::string(to_string(rollout.state)) + '"';
    EXPECT_NE(text.find(named), std::string::npos) << text;
    EXPECT_EQ(read_state_text(text)->rollouts.at(0).state, rollout.state);
  }
}

TEST(StateRolloutJsonTest, TheSaltIsATextThatNoToolRounds) {
  RolloutRecord rollout;
  rollout.salt = 0xfedcba9876543210;
  const std::string text = to_state_text(overrides_with(rollout));
  EXPECT_NE(text.find(R"("salt":"fedcba9876543210")"), std::string::npos) << text;
}

TEST(StateRolloutJsonTest, FormatOneIsReadAndHasNoRollouts) {
  const auto read = read_state_text(
      R"({"format":1,"splits":[],"drains":[{"pool":"v1","backend":"","by":"anna","at_ms":5}],
          "memberships":[]})");
  ASSERT_TRUE(read) << read.error();
  core::Overrides expected;
  expected.drains = {{"v1", "", {"anna", 5}}};
  EXPECT_EQ(*read, expected);
}

/// The sentence for a state file whose only rollout is full() but for `value` at `path`.
std::string refusal_of(const std::string& path, const json::value& value) {
  json::value root = json::parse(to_state_text(overrides_with(full())));
  root.at_pointer("/rollouts/0" + path) = value;
  const auto read = read_state_text(json::serialize(root));
  return read ? "it was read" : read.error();
}

struct Broken {
  const char* path;
  json::value value;
  const char* refusal;
};

TEST(StateRolloutJsonTest, ABrokenMemberIsNamedWithWhatIsWrong) {
  const std::vector<Broken> all = {
      {"/route", 7, "route is no text"},
      {"/salt", "12345678123456789", "salt is no text of 1 to 16 hexadecimal digits"},
      {"/salt", "", "salt is no text of 1 to 16 hexadecimal digits"},
      {"/salt", "-1", "salt is no text of 1 to 16 hexadecimal digits"},
      {"/revision", -1, "revision is no whole number in range"},
      {"/attempt", 4'294'967'296, "attempt is no whole number in range"},
      {"/weight_hundredths", 1.5, "weight_hundredths is no whole number in range"},
      {"/weight_hundredths", 10'001, "weight_hundredths is above 10000"},
      {"/step", 4, "step is above the number of steps"},
      {"/passes_step", 1, "passes_step is neither true nor false"},
      {"/state", "dancing", "state is none of the words that can stand there"},
      {"/state", 3, "state is no text"},
      {"/gates/1", "ajar", "gates[1] is none of the words that can stand there"},
      {"/gates", json::object(), "gates is no array"},
      {"/queued", nullptr, "queued is no object"},
      {"/queued/who", 7, "queued.who is no text"},
      {"/queued/policy/alpha", 0.5, "queued.policy.alpha is no text"},
      {"/policy", nullptr, "policy is no object"},
      {"/policy/alpha", 0.5, "policy.alpha is no text"},
      {"/policy/alpha", "0.5x", "policy.alpha is no text of a finite number"},
      {"/policy/alpha", "nan", "policy.alpha is no text of a finite number"},
      {"/policy/errors/max_rate", "inf", "policy.errors.max_rate is no text of a finite number"},
      {"/policy/gates/1/timeout_ms", "1h",
       "policy.gates[1].timeout_ms is no whole number in range"},
      {"/policy/steps_hundredths/0", "1", "policy.steps_hundredths[0] is no whole number in range"},
      {"/ledger/period", 3, "ledger has periods, weights or counts that cannot be"},
      {"/ledger/period", 4'000'000'000, "ledger has periods, weights or counts that cannot be"},
      {"/ledger/entries/0/period", 5, "ledger has periods, weights or counts that cannot be"},
      {"/ledger/entries/1/weight", "1.1", "ledger has periods, weights or counts that cannot be"},
      {"/ledger/entries/1/new/repeats/4", 11,
       "ledger has periods, weights or counts that cannot be"},
      {"/ledger/entries/1/old/bad",
       {1, 2, 3, 4},
       "ledger.entries[1].old.bad has 4 elements instead of 5"},
      {"/step_new/repeats/0", 7, "step_new has more repeats than bad"},
      {"/started_ms", std::numeric_limits<std::int64_t>::min(),
       " has a moment that no clock shows"},
      {"/decisions/1/at_ms", std::numeric_limits<std::int64_t>::max(),
       " has a moment that no clock shows"},
  };
  for (const Broken& broken : all) {
    const std::string joint = broken.refusal[0] == ' ' ? "" : ".";
    EXPECT_EQ(refusal_of(broken.path, broken.value),
              "its member rollouts[0]" + joint + broken.refusal)
        << broken.path;
  }
}

/// All objects of a rollout, as JSON pointers below it.
void collect_objects(const json::value& value, const std::string& path,
                     std::vector<std::string>& out) {
  if (const json::object* object = value.if_object()) {
    out.push_back(path);
    for (const auto& member : *object) {
      collect_objects(member.value(), path + "/" + std::string(member.key()), out);
    }
  } else if (const json::array* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      collect_objects((*array)[i], path + "/" + std::to_string(i), out);
    }
  }
}

TEST(StateRolloutJsonTest, EveryMemberIsNeededAndItsAbsenceToldByName) {
  const json::value whole = json::parse(to_state_text(overrides_with(full())));
  std::vector<std::string> objects;
  collect_objects(whole.at_pointer("/rollouts/0"), "/rollouts/0", objects);
  std::size_t members = 0;
  for (const std::string& path : objects) {
    for (const auto& member : whole.at_pointer(path).as_object()) {
      if (path == "/rollouts/0" && member.key() == "queued") continue;
      json::value root = whole;
      root.at_pointer(path).as_object().erase(member.key());
      const auto read = read_state_text(json::serialize(root));
      ASSERT_FALSE(read) << path << " " << member.key();
      const std::string end = std::string(member.key()) + " is missing";
      EXPECT_TRUE(read.error().starts_with("its member rollouts[0].")) << read.error();
      EXPECT_TRUE(read.error().ends_with("." + end)) << read.error();
      ++members;
    }
  }
  EXPECT_GT(members, 100U);
}

TEST(StateRolloutJsonTest, ARolloutBehindWhichNothingWaitsIsWrittenAsBefore) {
  RolloutRecord rollout = full();
  rollout.queued.reset();
  const std::string text = to_state_text(overrides_with(rollout));
  EXPECT_EQ(text.find("queued"), std::string::npos) << text;
  const auto read = read_state_text(text);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->rollouts.at(0), rollout);
}

TEST(StateRolloutJsonTest, AReleaseThatWaitsMayLeaveOpenWhatTheConfigurationSays) {
  RolloutRecord rollout = full();
  rollout.queued = core::QueuedRollout{{"v3", "", "build-43", std::nullopt}, "bert"};
  const auto read = read_state_text(to_state_text(overrides_with(rollout)));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->rollouts.at(0), rollout);
}

TEST(StateRolloutJsonTest, FormatTwoWithoutRolloutsIsBroken) {
  for (const char* rollouts : {"", R"(,"rollouts":{})", R"(,"rollouts":[7])"}) {
    const auto read = read_state_text(
        std::string(R"({"format":2,"splits":[],"drains":[],"memberships":[])") + rollouts + "}");
    ASSERT_FALSE(read) << rollouts;
    EXPECT_NE(read.error(), "");
  }
}

TEST(StateRolloutJsonTest, ADamagedTextIsReadOrRefusedButNeverEndsTheProcess) {
  std::mt19937 random(7);
  const std::string whole = to_state_text(overrides_with(full()));
  for (int round = 0; round < 2000; ++round) {
    std::string text = whole;
    for (std::size_t i = 1 + random() % 4; i > 0; --i) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    const auto read = read_state_text(text);
    if (!read) {
      EXPECT_NE(read.error(), "");
    }
  }
}

}  // namespace
}  // namespace sluice::proxy
