#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "tests/e2e/scene.hpp"
#include "tests/support/backend_process.hpp"
#include "tests/support/load.hpp"

namespace sluice::e2e {
namespace {

/// The program in front of a pool v1 and a pool v2 with one quick backend each.
struct TwoVersions {
  explicit TwoVersions(const std::string& weight_v1, const std::string& weight_v2,
                       const std::string& route_lines = "")
      : sluice(two_pools(one.address(), two.address(), weight_v1, weight_v2, route_lines)) {}

  /// The version that serves a request with these fields.
  std::string version(const std::string& fields = "") const {
    const Response answer = sluice.client().get("/", fields);
    EXPECT_EQ(answer.status, 200u) << answer;
    return answer.body;
  }

  BackendProcess one{"v1"};
  BackendProcess two{"v2"};
  SluiceProcess sluice;
};

/// `share` of `count` draws with probability `p` lies within five standard deviations.
void expect_share(double share, double p, double count) {
  EXPECT_NEAR(share, p, 5 * std::sqrt(p * (1 - p) / count));
}

TEST(Split, ZeroGetsNothingAndAllGetsEverything) {
  TwoVersions scene("100", "0");
  Load load({.address = scene.sluice.listener(), .connections = 16});
  ASSERT_TRUE(load.wait_for_further(500));
  EXPECT_EQ(scene.two.requests(), 0u);
  ASSERT_EQ(scene.sluice.admin().split("0", "100").status, 200u);
  const std::uint64_t after = load.mark();
  ASSERT_TRUE(load.wait_for_further(500));
  LoadCounts counts = load.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  EXPECT_EQ(counts.versions_by_mark[after]["v1"], 0u);
  EXPECT_GT(counts.versions_by_mark[after]["v2"], 0u);
}

TEST(Split, SharesAreWithinTheBinomialBound) {
  TwoVersions scene("90", "10");
  for (const auto& [one, two] : {std::pair{"90", "10"}, {"1", "1"}, {"0.5", "99.5"}, {"3", "1"}}) {
    ASSERT_EQ(scene.sluice.admin().split(one, two).status, 200u);
    Load load({.address = scene.sluice.listener(), .connections = 16, .max_requests = 2000});
    const LoadCounts counts = load.finish();
    EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
    ASSERT_EQ(counts.requests, 2000u);
    expect_share(counts.share("v2"), std::stod(two) / (std::stod(one) + std::stod(two)), 2000);
  }
}

TEST(Split, AnOldKeepAliveConnectionFollowsNewWeights) {
  TwoVersions scene("100", "0");
  RawClient client = scene.sluice.client();
  EXPECT_EQ(client.get("/").body, "v1");
  for (const char* version : {"v2", "v1", "v2"}) {
    const bool is_new = std::string_view(version) == "v2";
    ASSERT_EQ(scene.sluice.admin().split(is_new ? "0" : "1", is_new ? "1" : "0").status, 200u);
    for (int round = 0; round < 20; ++round) EXPECT_EQ(client.get("/").body, version);
  }
}

TEST(Split, ForceRulesWinAlsoOverWeightZero) {
  TwoVersions scene("0", "100",
                    "force = [ { header = \"X-Release\", value = \"old\", pool = \"v1\" }, "
                    "{ cookie = \"release\", value = \"old\", pool = \"v1\" } ]\n");
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(scene.version(), "v2");
    EXPECT_EQ(scene.version("X-Release: old\r\n"), "v1");
    EXPECT_EQ(scene.version("X-Release: older\r\n"), "v2");
    EXPECT_EQ(scene.version("Cookie: a=b; release=old\r\n"), "v1");
  }
}

TEST(Split, StickyCookiesAreGivenAndHonoured) {
  TwoVersions scene("50", "50", "sticky = { cookie = \"sluice_shop\" }\n");
  std::map<std::string, int> first;
  for (int unit = 0; unit < 200; ++unit) {
    const Response answer = scene.sluice.client().get("/");
    ++first[answer.body];
    const std::string cookie = answer.fields.get("Set-Cookie");
    ASSERT_TRUE(cookie.starts_with("sluice_shop=")) << answer;
    const std::string pair = cookie.substr(0, cookie.find(';'));
    for (int round = 0; round < 3; ++round) {
      const Response again = scene.sluice.client().get("/", "Cookie: x=y; " + pair + "\r\n");
      EXPECT_EQ(again.body, answer.body);
      EXPECT_FALSE(again.fields.has("Set-Cookie")) << again;
    }
  }
  expect_share(first["v2"] / 200.0, 0.5, 200);
}

TEST(Split, StickyUnitsMoveOnlyTowardsTheRaisedWeight) {
  TwoVersions scene("80", "20", "sticky = { header = \"X-User\" }\n");
  const auto versions = [&scene] {
    std::vector<bool> is_new;
    RawClient client = scene.sluice.client();
    for (int user = 0; user < 300; ++user)
      is_new.push_back(client.get("/", "X-User: u" + std::to_string(user) + "\r\n").body == "v2");
    return is_new;
  };
  const std::vector<bool> at_20 = versions();
  EXPECT_EQ(versions(), at_20);
  ASSERT_EQ(scene.sluice.admin().split("40", "60").status, 200u);
  const std::vector<bool> at_60 = versions();
  for (std::size_t user = 0; user < at_20.size(); ++user)
    EXPECT_TRUE(at_60[user] || !at_20[user]) << "user " << user << " moved back";
  expect_share(static_cast<double>(std::count(at_60.begin(), at_60.end(), true)) / 300, 0.6, 300);
  ASSERT_EQ(scene.sluice.admin().split("80", "20").status, 200u);
  EXPECT_EQ(versions(), at_20);
}

TEST(Split, StickyByClientAddressKeepsAClient) {
  TwoVersions scene("50", "50", "sticky = { client_ip = true }\n");
  const std::string version = scene.version();
  for (int round = 0; round < 60; ++round) EXPECT_EQ(scene.version(), version);
}

TEST(Split, AThousandChangesUnderLoadLoseNothing) {
  TwoVersions scene("50", "50");
  Load load({.address = scene.sluice.listener(), .connections = 64});
  ASSERT_TRUE(load.wait_for_further(100));
  const AdminClient admin = scene.sluice.admin();
  std::minstd_rand random(7);
  const auto begin = Clock::now();
  for (int change = 0; change < 1000; ++change) {
    const unsigned weight = change % 100 == 99 ? 0 : static_cast<unsigned>(random() % 101);
    ASSERT_EQ(admin.split(std::to_string(weight), std::to_string(100 - weight)).status, 200u);
    if (weight == 0) {
      const std::uint64_t mark = load.mark();
      ASSERT_TRUE(load.wait_for_further(200));
      EXPECT_EQ(load.counts().versions_by_mark[mark]["v1"], 0u);
      load.mark();
    }
  }
  const auto took = Clock::now() - begin;
  if (!is_slow_build) {
    EXPECT_LE(took, seconds(10));
  }
  ASSERT_EQ(admin.split("30", "70").status, 200u);
  const std::uint64_t mark = load.mark();
  ASSERT_TRUE(load.wait_for_further(2000));
  LoadCounts counts = load.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  EXPECT_GT(counts.requests, 3000u);
  const auto late = counts.versions_by_mark[mark];
  const double all = static_cast<double>(late.at("v1") + late.at("v2"));
  expect_share(static_cast<double>(late.at("v2")) / all, 0.7, all);
  EXPECT_EQ(counts.requests, scene.one.requests() + scene.two.requests());
}

}  // namespace
}  // namespace sluice::e2e
