#include "core/reload.hpp"

#include <gtest/gtest.h>

namespace sluice::core {
namespace {

TEST(CheckReload, LetsEverythingPassThatARunningProxyCanChange) {
  Settings next;
  next.server.lame_duck = milliseconds(5);
  next.server.drain_timeout = milliseconds(5);
  next.server.forwarded = true;
  next.server.trusted_proxies = {"10.0.0.0/8"};
  next.log.level = "debug";
  next.timeouts.head = milliseconds(5);
  next.limits.body = 5;
  next.listeners = {{"127.0.0.1:1"}};
  next.pools.emplace_back();
  next.routes.emplace_back();
  EXPECT_TRUE(check_reload({}, next).empty());
}

TEST(CheckReload, NamesEveryKeyThatTakesARestart) {
  Settings next;
  next.server.workers = 3;
  next.server.io_uring = IoUring::off;
  next.server.state_dir = "elsewhere";
  next.admin.address = "127.0.0.1:1";
  next.admin.token_file = "token";
  next.log.access = "off";
  std::vector<std::string> keys;
  for (const Problem& problem : check_reload({}, next)) {
    keys.push_back(problem.where);
    EXPECT_NE(problem.what.find("restart"), std::string::npos) << problem.what;
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"server.workers", "server.io_uring", "server.state_dir",
                                            "admin.address", "admin.token_file", "log.access"}));
}

TEST(CheckReload, SaysWhatIsAndWhatWasWanted) {
  Settings running;
  running.server.workers = 2;
  Settings next;
  next.server.workers = 4;
  const auto problems = check_reload(running, next);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems.front().what,
            "It is 2 in the running proxy and 4 in the new settings; changing it takes a restart.");
}

TEST(CheckReload, NamesWordsAsTheFileDoes) {
  Settings running;
  running.server.io_uring = IoUring::on;
  const auto problems = check_reload(running, {});
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems.front().what,
            "It is \"on\" in the running proxy and \"auto\" in the new settings; changing it takes "
            "a restart.");
}

}  // namespace
}  // namespace sluice::core
