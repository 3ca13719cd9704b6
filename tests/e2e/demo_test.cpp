#include <boost/json.hpp>

#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

using boost::json::value;

std::int64_t number(const value& outcome, const char* pointer) {
  return outcome.at_pointer(pointer).to_number<std::int64_t>();
}

/// Half a minute is what it takes when all goes well.
FinishedRun run_demo() {
  const TempDir directory;
  ChildProcess child({program_path(), "demo", "--json", "--seconds", "1"}, directory.file("out"),
                     directory.file("err"));
  FinishedRun run;
  run.exit_code = child.wait_exit(seconds(100));
  run.out = read_file(directory.file("out"));
  run.err = read_file(directory.file("err"));
  return run;
}

bool is_said(const FinishedRun& run, const std::string& words) {
  return run.err.find(words) != std::string::npos;
}

/// The weights were moved by hand.
void expect_first_act(const value& outcome) {
  EXPECT_EQ(number(outcome, "/failures"), 0);
  EXPECT_GT(number(outcome, "/served/v1"), 0);
  EXPECT_GT(number(outcome, "/served/v2"), 0);
  EXPECT_EQ(number(outcome, "/v1_connections_after_drain"), 0);
  EXPECT_EQ(number(outcome, "/v1_answers_at_weight_0"), 0);
  EXPECT_TRUE(outcome.at_pointer("/drain/drained").as_bool());
}

/// No release was an error to a user or got anything after it was over.
void expect_release(const value& release, const std::string& state, const std::string& reason) {
  SCOPED_TRACE(boost::json::serialize(release));
  EXPECT_EQ(release.at("state").as_string(), state);
  EXPECT_EQ(release.at("reason").as_string(), reason);
  EXPECT_GT(number(release, "/decided_after_ms"), 0);
  EXPECT_GT(number(release, "/judged_new"), 0);
  EXPECT_GT(number(release, "/users/requests"), 0);
  EXPECT_EQ(number(release, "/users/failures"), 0);
  EXPECT_EQ(number(release, "/answers_after_weight_0"), 0);
}

/// The proxy moved them.
void expect_second_act(const value& outcome) {
  const boost::json::array& releases = outcome.at("releases").as_array();
  ASSERT_EQ(releases.size(), 3u);
  const value& good = releases[0];
  const value& failing = releases[1];
  const value& slow = releases[2];
  expect_release(good, "done", "");
  EXPECT_EQ(number(good, "/bad_answers"), 0);
  EXPECT_EQ(number(good, "/users/bad"), 0);
  expect_release(failing, "rolled_back", "errors");
  EXPECT_GT(number(failing, "/shielded"), 0);
  EXPECT_EQ(number(failing, "/shielded"), number(failing, "/bad_answers"));
  EXPECT_EQ(number(failing, "/users/bad"), 0);
  expect_release(slow, "rolled_back", "p99");
  EXPECT_GT(number(slow, "/users/slow"), 0);
  EXPECT_GE(number(slow, "/users/slow"), number(slow, "/bad_answers"));
}

TEST(Demo, MovesTheTrafficByHandThenPromotesTheGoodReleaseAndTakesTheBadOnesBack) {
  const FinishedRun run = run_demo();
  EXPECT_EQ(run.exit_code, 0) << run.err;
  boost::system::error_code error;
  const value outcome = boost::json::parse(run.out, error);
  ASSERT_FALSE(error) << run.out << run.err;
  EXPECT_TRUE(outcome.at_pointer("/ok").as_bool()) << run.err;
  EXPECT_EQ(outcome.at_pointer("/complaints").as_array().size(), 0u) << run.out;
  expect_first_act(outcome);
  expect_second_act(outcome);
  for (const char* words : {"cart-v2 (a good v2) is promoted", "is rolled back, errors",
                            "is rolled back, p99", "takes the traffic back"})
    EXPECT_TRUE(is_said(run, words)) << words << "\n" << run.err;
}

}  // namespace
}  // namespace sluice::e2e
