#include <boost/json.hpp>

#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

TEST(Demo, MovesTheTrafficWithoutAFailureAndSaysSo) {
  const FinishedRun run = run_to_end({program_path(), "demo", "--json", "--seconds", "1"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  boost::system::error_code error;
  const boost::json::value outcome = boost::json::parse(run.out, error);
  ASSERT_FALSE(error) << run.out << run.err;
  const auto number = [&](const char* pointer) {
    return outcome.at_pointer(pointer).to_number<std::int64_t>();
  };
  EXPECT_TRUE(outcome.at_pointer("/ok").as_bool()) << run.out;
  EXPECT_EQ(outcome.at_pointer("/complaints").as_array().size(), 0u) << run.out;
  EXPECT_EQ(number("/failures"), 0) << run.out;
  EXPECT_GT(number("/served/v1"), 0);
  EXPECT_GT(number("/served/v2"), 0);
  EXPECT_EQ(number("/v1_connections_after_drain"), 0);
  EXPECT_EQ(number("/v1_answers_at_weight_0"), 0);
  EXPECT_TRUE(outcome.at_pointer("/drain/drained").as_bool()) << run.out;
}

}  // namespace
}  // namespace sluice::e2e
