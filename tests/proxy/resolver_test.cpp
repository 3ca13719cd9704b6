#include "proxy/resolver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/proxy/loop.hpp"

namespace sluice::proxy {
namespace {

using testing::Loop;
using testing::seconds;

class ResolverTest : public ::testing::Test {
 protected:
  std::vector<std::string> texts(const std::string& address) const {
    std::vector<std::string> all;
    for (const SocketAddress& found : resolver_.addresses("v1", address)) {
      all.push_back(found.text());
    }
    return all;
  }

  Loop loop_;
  int changes_ = 0;
  Resolver resolver_{loop_.io(), loop_.wheel(),
                     [this](const std::string&, const std::string&,
                            const std::vector<SocketAddress>&) { ++changes_; }};
};

TEST_F(ResolverTest, ALiteralAddressIsKnownAtOnce) {
  for (const std::string address : {"127.0.0.1:9001", "[::1]:9001", "unix:/run/shop.sock"}) {
    resolver_.watch("v1", address, seconds(10));
    EXPECT_EQ(texts(address), std::vector<std::string>{address});
  }
  EXPECT_TRUE(resolver_.has_all());
  EXPECT_TRUE(loop_.wheel().is_empty()) << "it is never looked up again";
}

TEST_F(ResolverTest, LocalhostIsLookedUpInTheBackground) {
  resolver_.watch("v1", "localhost:9001", seconds(10));
  EXPECT_FALSE(resolver_.has_all());
  EXPECT_TRUE(texts("localhost:9001").empty());
  ASSERT_TRUE(loop_.run_until([&] { return resolver_.has_all(); }));
  const auto found = texts("localhost:9001");
  ASSERT_FALSE(found.empty());
  for (const std::string& text : found) {
    EXPECT_TRUE(text == "127.0.0.1:9001" || text == "[::1]:9001") << text;
  }
  EXPECT_EQ(changes_, 1);
}

TEST_F(ResolverTest, ALookUpThatFindsTheSameIsNoChange) {
  resolver_.watch("v1", "localhost:9001", seconds(10));
  ASSERT_TRUE(loop_.run_until([&] { return resolver_.has_all(); }));
  EXPECT_FALSE(loop_.wheel().is_empty()) << "the next look-up is planned";
  loop_.pass(seconds(11));
  ASSERT_TRUE(loop_.run_until([&] { return !loop_.wheel().is_empty(); }));
  EXPECT_EQ(changes_, 1);
}

/// What is planned is on the wheel; while a look-up is under way, nothing is.
TEST_F(ResolverTest, AShorterIntervalDoesNotWaitForTheEndOfTheOldOne) {
  resolver_.watch("v1", "localhost:9001", std::chrono::hours(1));
  ASSERT_TRUE(loop_.run_until([&] { return resolver_.has_all(); }));
  resolver_.watch("v1", "localhost:9001", seconds(10));
  loop_.wheel().advance(Clock::now() + seconds(11));
  EXPECT_TRUE(loop_.wheel().is_empty()) << "it is looked up";
  EXPECT_TRUE(loop_.run_until([&] { return !loop_.wheel().is_empty(); })) << "and again";
}

TEST_F(ResolverTest, ANameThatDoesNotExistIsLookedUpAndHasNoAddress) {
  resolver_.watch("v1", "no-such-host.invalid:80", seconds(10));
  ASSERT_TRUE(loop_.run_until([&] { return resolver_.has_all(); }));
  EXPECT_TRUE(texts("no-such-host.invalid:80").empty());
  EXPECT_TRUE(resolver_.is_known("v1", "no-such-host.invalid:80"));
  EXPECT_FALSE(loop_.wheel().is_empty()) << "it is tried again";
}

TEST_F(ResolverTest, ANameThatWasForgottenIsHeardOfNoMore) {
  resolver_.watch("v1", "localhost:9001", seconds(10));
  resolver_.forget("v1", "localhost:9001");
  resolver_.forget("v1", "localhost:9001");
  EXPECT_TRUE(resolver_.has_all());
  resolver_.watch("v2", "localhost:9002", seconds(10));
  ASSERT_TRUE(loop_.run_until([&] { return resolver_.has_all(); }));
  EXPECT_EQ(changes_, 1) << "only the second";
  EXPECT_TRUE(texts("localhost:9001").empty());
  EXPECT_FALSE(resolver_.is_known("v1", "localhost:9001"));
}

TEST_F(ResolverTest, NothingIsLookedUpAfterAStop) {
  resolver_.watch("v1", "localhost:9001", seconds(10));
  resolver_.stop();
  // A stopped look-up answers the loop all the same; it is ignored.
  loop_.run_until(
      [until = Clock::now() + std::chrono::milliseconds(100)] { return Clock::now() > until; });
  EXPECT_EQ(changes_, 0);
  EXPECT_TRUE(loop_.wheel().is_empty());
}

}  // namespace
}  // namespace sluice::proxy
