#include "conf/rollout_keys.hpp"

#include <gtest/gtest.h>

#include "sluice/conf.hpp"

namespace sluice::conf {
namespace {

using Lines = std::vector<std::string>;

/// Seven lines without a problem; what a test appends begins on line 8.
constexpr std::string_view least_rollout = R"([[listener]]
address = "127.0.0.1:8080"
[pool.a]
backends = ["127.0.0.1:9001"]
[route.r]
split = { a = 1 }
[route.r.rollout]
)";

Parsed parsed_after_least(std::string_view text) {
  return parse(std::string(least_rollout) + std::string(text), "f");
}

/// The problems, without what they all begin with: "10:3 errors.tolerance: found ...".
Lines policy_problems(std::string_view text) {
  Lines lines;
  for (const Diagnostic& problem : parsed_after_least(text).problems) {
    std::string message = problem.message;
    if (const std::string path = "route.r.rollout."; message.starts_with(path)) {
      message.erase(0, path.size());
    }
    lines.push_back(std::to_string(problem.line) + ":" + std::to_string(problem.column) + " " +
                    message);
  }
  return lines;
}

/// The policy of a text without a problem.
RolloutSettings policy_of(std::string_view text) {
  const Parsed parsed = parsed_after_least(text);
  for (const Diagnostic& problem : parsed.problems) ADD_FAILURE() << to_string(problem);
  return parsed.settings.routes.at(0).rollout;
}

constexpr std::string_view everything = R"(
mode = "observe"
steps = [0.5, 10, 33.33]
step_time = "1s"
step_timeout = "2s"
min_requests = 5000000000
on_inconclusive = "rollback"
bake = "3s"
retain_old = "4s"
deadline = "5m"
alpha = 0.01
supersede = "queue"
shield = false
shield_budget = 1
slew = 12.5
catastrophe = 3
freeze = ["Fri 16:00 - Mon 07:00"]
[route.r.rollout.errors]
statuses = ["4xx", "503"]
tolerance = 2
max_rate = 0.25
[route.r.rollout.latency]
tolerance = 1.5
slack = "6ms"
quantiles = [99]
[route.r.rollout.guard]
max_error_rate = 0.5
max_p99 = "7ms"
[route.r.rollout.mirror]
time = "8s"
share = 0.125
max_body = "9B"
[[route.r.rollout.gate]]
before = 33.33
hook = "http://a/"
timeout = "10s"
on_timeout = "hold"
[[route.r.rollout.gate]]
before = 100
manual = true
[[route.r.rollout.hook]]
on = ["step", "held"]
url = "http://b/"
timeout = "11s"
retries = 0
[[route.r.rollout.hook]]
on = ["drained"]
command = ["c", "d"]
[[route.r.rollout.query]]
prometheus = "http://e"
expr = "f"
bad_when = "< 1"
samples = 12
interval = "13s"
action = "rollback"
)";

RolloutSettings expected_of_everything() {
  RolloutSettings expected;
  expected.mode = RolloutMode::observe;
  expected.steps = {50, 1'000, 3'333};
  expected.step_time = milliseconds{1'000};
  expected.step_timeout = milliseconds{2'000};
  expected.min_requests = 5'000'000'000;
  expected.on_inconclusive = Inconclusive::rollback;
  expected.bake = milliseconds{3'000};
  expected.retain_old = milliseconds{4'000};
  expected.deadline = milliseconds{300'000};
  expected.alpha = 0.01;
  expected.supersede = Supersede::queue;
  expected.shield = false;
  expected.shield_budget = 1;
  expected.slew = 1'250;
  expected.catastrophe = 3;
  expected.freeze = {"Fri 16:00 - Mon 07:00"};
  expected.errors = {{"4xx", "503"}, 2, 0.25};
  expected.latency = {1.5, milliseconds{6}, {99}};
  expected.guard = {0.5, milliseconds{7}};
  expected.mirror = {milliseconds{8'000}, 0.125, 9};
  expected.gates = {{3'333, false, "http://a/", milliseconds{10'000}, RolloutReaction::hold},
                    {10'000, true, "", milliseconds{3'600'000}, RolloutReaction::rollback}};
  expected.hooks = {{{"step", "held"}, "http://b/", {}, milliseconds{11'000}, 0},
                    {{"drained"}, "", {"c", "d"}, milliseconds{10'000}, 2}};
  expected.queries = {
      {"http://e", "f", "< 1", 12, milliseconds{13'000}, RolloutReaction::rollback}};
  return expected;
}

TEST(RolloutKeys, reads_every_key) {
  EXPECT_EQ(policy_of(everything), expected_of_everything());
}

TEST(RolloutKeys, keeps_the_default_of_every_key_left_out) {
  EXPECT_EQ(policy_of(""), RolloutSettings{});
  RolloutSettings expected;
  expected.latency.slack = milliseconds{5};
  expected.guard.max_p99 = milliseconds{800};
  EXPECT_EQ(policy_of("latency.slack = \"5ms\"\nguard = { max_p99 = \"800ms\" }\n"), expected);
}

TEST(RolloutKeys, reads_every_word) {
  EXPECT_EQ(policy_of("mode = \"act\"").mode, RolloutMode::act);
  EXPECT_EQ(policy_of("on_inconclusive = \"hold\"").on_inconclusive, Inconclusive::hold);
  EXPECT_EQ(policy_of("on_inconclusive = \"advance\"").on_inconclusive, Inconclusive::advance);
  EXPECT_EQ(policy_of("supersede = \"reject\"").supersede, Supersede::reject);
  EXPECT_EQ(policy_of("supersede = \"restart\"").supersede, Supersede::restart);
}

TEST(RolloutKeys, of_a_route_do_not_touch_other_routes) {
  const Parsed parsed =
      parsed_after_least("alpha = 0.01\n[route.s]\npath = \"/s\"\nsplit = { a = 1 }\n");
  EXPECT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.settings.routes.at(0).rollout.alpha, 0.01);
  EXPECT_EQ(parsed.settings.routes.at(1).rollout, RolloutSettings{});
}

TEST(RolloutKeys, put_a_policy_on_top_of_another_one) {
  const Table table{{"alpha", {}, {{}, 0.05}}, {"gate", {}, {{}, Array{}}}};
  const Node node{{}, table};
  RolloutSettings policy = expected_of_everything();
  Reading reading;
  read_rollout({node, "policy"}, policy, reading);
  RolloutSettings expected = expected_of_everything();
  expected.alpha = 0.05;
  expected.gates = {};
  EXPECT_EQ(policy, expected);
  EXPECT_TRUE(reading.all_read());
}

TEST(RolloutProblems, name_the_nearest_key_for_an_unknown_one) {
  EXPECT_EQ(policy_problems("step_tme = \"1s\"\n"),
            Lines{"8:1 unknown key 'step_tme' in [route.r.rollout]; did you mean 'step_time'?"});
  EXPECT_EQ(policy_problems("[route.r.rollot]\n"),
            Lines{"8:10 unknown key 'rollot' in [route.r]; did you mean 'rollout'?"});
  EXPECT_EQ(policy_problems("[[route.r.rollout.gate]]\nbefore = 25\nmanuel = true\n"),
            Lines{"10:1 unknown key 'manuel' in route.r.rollout.gate[0]; did you mean 'manual'?"});
}

TEST(RolloutProblems, name_the_nearest_word_for_an_unknown_one) {
  EXPECT_EQ(policy_problems("mode = \"observ\"\n"),
            Lines{"8:8 mode: found 'observ', expected one of act, observe; did you mean "
                  "'observe'?"});
  EXPECT_EQ(policy_problems("hook = [{ on = [\"step\", \"rolledback\"], url = \"http://a\" }]\n"),
            Lines{"8:25 hook[0].on[1]: found 'rolledback', expected one of started, step, held, "
                  "rolled_back, promoted, drained; did you mean 'rolled_back'?"});
}

TEST(RolloutProblems, say_which_type_was_found_and_which_is_expected) {
  EXPECT_EQ(policy_problems("steps = 5\nalpha = \"0.1\"\nfreeze = \"at night\"\ngate = {}\n"),
            (Lines{"8:9 steps: found the integer 5, expected an array of percentages",
                   "9:9 alpha: found the string \"0.1\", expected a number",
                   "10:10 freeze: found the string \"at night\", expected an array of strings",
                   "11:8 gate: found a table, expected an array of tables, each written "
                   "[[...gate]]"}));
  EXPECT_EQ(policy_problems("min_requests = \"5B\"\nslew = true\nlatency.quantiles = [50, 9.9]\n"),
            (Lines{"8:16 min_requests: found the string \"5B\", expected an integer from 0 to "
                   "9223372036854775807",
                   "9:8 slew: found the boolean true, expected percent points a minute from 0 to "
                   "6000 with at most two decimals",
                   "10:26 latency.quantiles[1]: found the number 9.9, expected an integer from 0 "
                   "to 4294967295"}));
  EXPECT_EQ(policy_problems("guard = { max_p99 = 800, max_error_rate = [] }\n"),
            (Lines{"8:21 guard.max_p99: found the integer 800 without a unit, expected a duration "
                   "in quotes with one of ms, s, m and h, such as \"250ms\", \"30s\" or \"5m\"",
                   "8:43 guard.max_error_rate: found an empty array, expected a number"}));
}

TEST(RolloutProblems, refuse_percentages_that_are_none) {
  EXPECT_EQ(policy_problems("steps = [1, 2.345, \"5\", -1, 101]\n"),
            (Lines{"8:13 steps[1]: found the number 2.345, expected a percentage from 0 to 100 "
                   "with at most two decimals",
                   "8:20 steps[2]: found the string \"5\", expected a percentage from 0 to 100 "
                   "with at most two decimals",
                   "8:25 steps[3]: found the integer -1, expected a percentage from 0 to 100 with "
                   "at most two decimals",
                   "8:29 steps[4]: found the integer 101, expected a percentage from 0 to 100 "
                   "with at most two decimals"}));
}

TEST(RolloutProblems, refuse_numbers_that_are_not_finite) {
  EXPECT_EQ(policy_problems("alpha = nan\nshield_budget = inf\n"),
            (Lines{"8:9 alpha: found the number nan, expected a finite number",
                   "9:17 shield_budget: found the number inf, expected a finite number"}));
}

TEST(RolloutProblems, ask_for_missing_keys) {
  EXPECT_EQ(
      policy_problems("gate = [{ manual = true }]\nhook = [{ url = \"http://a\" }]\n"
                      "query = [{}]\n"),
      (Lines{"8:9 gate[0]: the key 'before' is missing", "9:9 hook[0]: the key 'on' is missing",
             "10:10 query[0]: the key 'prometheus' is missing",
             "10:10 query[0]: the key 'expr' is missing",
             "10:10 query[0]: the key 'bad_when' is missing"}));
}

TEST(RolloutProblems, of_the_values_stand_at_their_values) {
  EXPECT_EQ(policy_problems("steps = [5, 1]\nerrors = { statuses = [\"5xx\", \"2xx\"] }\n"
                            "freeze = [\"x\"]\ngate = [{ before = 7, manual = true }]\n"
                            "hook = [{ on = [\"step\"] }]\n"),
            (Lines{"8:13 steps[1]: The step is 1 % and comes after 5 %; each step must be above "
                   "the one before it",
                   "9:31 errors.statuses[1]: \"2xx\" is no error: 1xx announces an answer, 2xx and "
                   "3xx are good ones; allowed are \"4xx\", \"5xx\" and codes from \"400\" to "
                   "\"599\"",
                   "10:11 freeze[0]: \"x\" is not a window of time; allowed are \"Fri 16:00 - Mon "
                   "07:00\", each week, and \"22:00 - 06:00\", each day, with two different ends",
                   "11:20 gate[0].before: There is no step of 7 %; allowed are the steps of the "
                   "rollout, and 100 for a gate before the promotion",
                   "12:9 hook[0]: The hook leads nowhere; allowed is either \"url\" or "
                   "\"command\""}));
}

TEST(RolloutProblems, of_a_default_that_stands_for_an_unread_value_are_none) {
  // What is meant might fit; the defaults in its place do not.
  for (const char* text :
       {"step_timeout = \"1s\"\nstep_time = 1\n", "deadline = \"6m\"\nbake = 1\n",
        "deadline = \"6m\"\nsteps = [5, 10.123]\n",
        "steps = [\"7\"]\ngate = [{ before = 7, manual "
        "= true }]\n",
        "hook = [{ on = [\"step\"], comand = [\"a\"] }]\n"}) {
    EXPECT_EQ(policy_problems(text).size(), 1U) << text;
  }
  // Others are reported beside the unread value.
  EXPECT_EQ(policy_problems("step_time = 1\nalpha = 2\nshield_budget = 2\n").size(), 3U);
}

}  // namespace
}  // namespace sluice::conf
