#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "proxy/socket_batch.hpp"
#include "tests/proxy/forbidden_call.hpp"
#include "tests/proxy/running_proxy.hpp"

namespace sluice::proxy {
namespace {

/// Clients that ask at the same time, again and again, and compare what comes back.
void ask_together(const std::string& address, int clients, int rounds) {
  std::vector<std::unique_ptr<RawClient>> all;
  for (int i = 0; i < clients; ++i) all.push_back(std::make_unique<RawClient>(address));
  for (int round = 0; round < rounds; ++round) {
    const auto body_of = [&](int client) {
      const std::string word = std::to_string(client) + ":" + std::to_string(round) + ";";
      std::string body;
      while (body.size() < static_cast<std::size_t>(client) * 1000) body += word;
      return body;
    };
    for (int i = 0; i < clients; ++i) {
      ASSERT_TRUE(all[static_cast<std::size_t>(i)]->send(
          support::request_text("POST", "/", "", body_of(i))));
    }
    for (int i = 0; i < clients; ++i) {
      const Response answer = all[static_cast<std::size_t>(i)]->response("POST");
      ASSERT_EQ(answer.status, 200U);
      ASSERT_EQ(answer.body, body_of(i)) << "client " << i << " in round " << round;
    }
  }
}

TEST(ProxyIoUring, EveryClientGetsItsOwnAnswer) {
  for (const IoUring mode : {IoUring::automatic, IoUring::on, IoUring::off}) {
    RunningProxy running(support::echoes());
    running.settings.server.io_uring = mode;
    running.settings.server.workers = 1;
    running.start();
    ask_together(running.address(), 40, 10);
    EXPECT_EQ(running.requests("all", "v1"), 400U);
    EXPECT_TRUE(running.v1.violations().empty());
  }
}

/// Rings of this process.
std::ptrdiff_t open_rings() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return std::count_if(begin(entries), end(entries), [](const auto& entry) {
    std::error_code ignored;
    return read_symlink(entry.path(), ignored) == "anon_inode:[io_uring]";
  });
}

TEST(ProxyIoUring, EachWorkerHasItsOwnAndTheLogSaysSo) {
  if (!SocketBatch::make()) GTEST_SKIP() << "the kernel has no io_uring";
  RunningProxy running;
  running.settings.server.io_uring = IoUring::on;
  running.settings.server.workers = 3;
  running.start();
  EXPECT_TRUE(running.recorder->hears("workers make socket calls in batches (io_uring)"));
  EXPECT_EQ(open_rings(), 3);
}

TEST(ProxyIoUring, OffIsNotWorthALine) {
  RunningProxy running;
  running.settings.server.io_uring = IoUring::off;
  running.start();
  EXPECT_EQ(running.who_answers(), "v1");
  EXPECT_EQ(running.recorder->count("io_uring"), 0U);
  EXPECT_EQ(open_rings(), 0);
}

TEST(ProxyIoUring, AutoSaysWhatWasChosen) {
  RunningProxy running;
  running.start();
  const bool batches = SocketBatch::make() && SocketBatch::pays();
  EXPECT_TRUE(running.recorder->hears(batches ? "in batches (io_uring)" : "one by one"));
  EXPECT_EQ(open_rings(), batches ? 2 : 0);
}

TEST(ProxyIoUring, WithoutItTheProxyServesAllTheSameAndSaysWhy) {
  bool is_forbidden = false;
  std::thread without([&] {
    is_forbidden = testing::forbid_call(SYS_io_uring_setup);
    if (!is_forbidden) return;
    for (const IoUring mode : {IoUring::on, IoUring::automatic}) {
      RunningProxy running(support::echoes());
      running.settings.server.io_uring = mode;
      running.settings.server.workers = 1;
      running.start();
      EXPECT_TRUE(running.recorder->hears(
          std::string(mode == IoUring::on ? "log 3 " : "log 2 ") +
          "workers make socket calls one by one: the kernel gives no io_uring ("));
      ask_together(running.address(), 10, 5);
    }
  });
  without.join();
  if (!is_forbidden) GTEST_SKIP() << "no seccomp";
}

}  // namespace
}  // namespace sluice::proxy
