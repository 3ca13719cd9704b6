#include "tests/e2e/scene.hpp"
#include "tests/support/backend_process.hpp"
#include "tests/support/load.hpp"

namespace sluice::e2e {
namespace {

constexpr const char* backends_of_v1 = "/v1/pools/v1/backends";

/// A pool that starts with one of two backends, under load.
class Membership : public ::testing::Test {
 protected:
  AdminAnswer replace_by(const BackendProcess& backend) const {
    return sluice_.admin().put(backends_of_v1, R"({"backends":[")" + backend.address() + "\"]}");
  }

  void expect_no_failure(const std::string& step) const {
    const LoadCounts counts = load_.counts();
    EXPECT_EQ(counts.failures, 0u) << step << ": " << counts.first_failure;
  }

  static ConfigText config(const std::string& address) {
    ConfigText text;
    text.pool("v1", {address}).route("all", "v1 = 1");
    return text;
  }

  BackendProcess one_{"one"};
  BackendProcess two_{"two"};
  SluiceProcess sluice_{config(one_.address())};
  Load load_{{.address = sluice_.listener()}};
};

TEST_F(Membership, ABackendThatJoinsGetsItsShare) {
  ASSERT_TRUE(load_.wait_for_further(200));
  const AdminAnswer joined =
      sluice_.admin().post(backends_of_v1, R"({"address":")" + two_.address() + "\"}");
  EXPECT_EQ(joined.status / 100, 2u) << joined;
  EXPECT_EQ(joined.at("/backends").as_array().size(), 2u) << joined;
  EXPECT_TRUE(eventually([&] { return two_.requests() > 100; }));
  expect_no_failure("join");
}

TEST_F(Membership, ABackendThatLeavesIsDrainedFirst) {
  ASSERT_EQ(
      sluice_.admin().post(backends_of_v1, R"({"address":")" + two_.address() + "\"}").status / 100,
      2u);
  ASSERT_TRUE(load_.wait_for_further(300));
  const AdminAnswer left = sluice_.admin().remove(
      std::string(backends_of_v1) + "/" + one_.address(), R"({"wait":true})");
  EXPECT_EQ(left.status, 200u) << left;
  EXPECT_EQ(left.string("/state"), "drained") << left;
  const std::uint64_t mark = load_.mark();
  const std::uint64_t served = one_.requests();
  ASSERT_TRUE(load_.wait_for_further(300));
  EXPECT_EQ(load_.counts().versions_by_mark[mark]["one"], 0u);
  EXPECT_EQ(one_.requests(), served);
  EXPECT_TRUE(eventually([&] { return one_.open() == 0; }, seconds(5)));
  const AdminAnswer pool = sluice_.admin().get("/v1/pools/v1");
  EXPECT_EQ(pool.at("/backends").as_array().size(), 1u) << pool;
  EXPECT_EQ(pool.string("/backends/0/address"), two_.address());
  expect_no_failure("leave");
}

TEST_F(Membership, ReplacingAllBackendsAgainAndAgainLosesNothing) {
  for (int round = 0; round < 10; ++round) {
    ASSERT_TRUE(load_.wait_for_further(100));
    const BackendProcess& next = round % 2 == 0 ? two_ : one_;
    const AdminAnswer answer = replace_by(next);
    EXPECT_EQ(answer.status, 200u) << answer;
    const std::uint64_t mark = load_.mark();
    ASSERT_TRUE(load_.wait_for_further(100));
    const auto versions = load_.counts().versions_by_mark[mark];
    EXPECT_EQ(versions.count(round % 2 == 0 ? "one" : "two"), 0u);
    expect_no_failure("round " + std::to_string(round));
    if (HasFailure()) return;
  }
  EXPECT_GT(one_.requests(), 300u);
  EXPECT_GT(two_.requests(), 300u);
}

}  // namespace
}  // namespace sluice::e2e
