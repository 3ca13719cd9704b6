#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "proxy/socket_batch.hpp"
#include "tests/proxy/running_proxy.hpp"
#include "tests/support/deadline.hpp"

/// A proxy whose traffic runs on the caller's io_context.
namespace sluice::proxy {
namespace {

namespace asio = boost::asio;

/// Two backends and a proxy on `io`, which a thread runs or the test itself.
struct Hosted {
  explicit Hosted(Script script = {}, IoUring io_uring = IoUring::automatic)
      : running(std::move(script)) {
    running.settings.server.io_uring = io_uring;
    Proxy::Options options;
    options.observer = running.recorder;
    running.proxy = std::make_unique<Proxy>(io, running.settings, std::move(options));
  }
  ~Hosted() {
    if (thread.joinable()) {
      asio::post(io, [this] { running.proxy.reset(); });
      thread.join();
    }
  }
  void start() {
    ASSERT_TRUE(running.proxy->start().empty());
    thread = std::thread([this] { io.run(); });
    ASSERT_TRUE(running.recorder->hears("log 2 serving on"));
  }

  asio::io_context io{1};
  RunningProxy running;
  std::thread thread;
};

TEST(HostedProxy, ServesOnTheCallersLoopWithOneWorker) {
  Hosted hosted;
  hosted.start();
  EXPECT_EQ(hosted.running.who_answers(), "v1");
  ASSERT_TRUE(hosted.running.proxy->set_split("all", {{"v2", 1}}).get());
  EXPECT_EQ(hosted.running.who_answers(), "v2");
  EXPECT_EQ(hosted.running.proxy->status().get()->workers, 1U);
}

TEST(HostedProxy, MakesSocketCallsInBatchesWhereThatIsAskedFor) {
  if (!SocketBatch::make()) GTEST_SKIP() << "the kernel has no io_uring";
  Hosted hosted(support::echoes(), IoUring::on);
  hosted.start();
  ASSERT_TRUE(hosted.running.recorder->hears("in batches (io_uring)"));
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<RawClient>(hosted.running.address()));
  }
  for (int round = 0; round < 5; ++round) {
    const auto body = [&](std::size_t client) {
      return std::to_string(client) + ":" + std::to_string(round);
    };
    for (std::size_t i = 0; i < clients.size(); ++i) {
      clients[i]->send(support::request_text("POST", "/", "", body(i)));
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      EXPECT_EQ(clients[i]->response("POST").body, body(i));
    }
  }
}

TEST(HostedProxy, TheLoopServesTheCallerAsWell) {
  Hosted hosted;
  hosted.start();
  std::thread::id ran_on;
  Latch ran;
  asio::post(hosted.io, [&] {
    ran_on = std::this_thread::get_id();
    ran.release();
  });
  EXPECT_EQ(hosted.running.who_answers(), "v1");
  ASSERT_TRUE(ran.wait(support::patience));
  EXPECT_EQ(ran_on, hosted.thread.get_id());
}

TEST(HostedProxy, NothingIsServedWhileTheLoopStands) {
  Hosted hosted;
  hosted.start();
  Latch entered;
  Latch leave;
  asio::post(hosted.io, [&] {
    entered.release();
    leave.wait(support::patience);
  });
  ASSERT_TRUE(entered.wait(support::patience));
  RawClient client(hosted.running.address());
  client.send(support::request_text("GET", "/"));
  EXPECT_EQ(hosted.running.v1.request_count(), 0U);
  leave.release();
  EXPECT_EQ(client.response().status, 200U);
}

TEST(HostedProxy, DeadlinesPassOnTheCallersLoop) {
  Hosted hosted(support::answers_after(std::make_shared<Latch>()));
  hosted.running.settings.routes.front().timeouts.first_byte = milliseconds(50);
  hosted.running.proxy = std::make_unique<Proxy>(hosted.io, hosted.running.settings,
                                                 Proxy::Options{{}, hosted.running.recorder});
  hosted.start();
  EXPECT_EQ(hosted.running.who_answers(), "504");
}

TEST(HostedProxy, AStopLetsTheLoopEnd) {
  Hosted hosted;
  hosted.start();
  EXPECT_EQ(hosted.running.who_answers(), "v1");
  hosted.running.proxy->stop();
  EXPECT_EQ(hosted.running.proxy->wait(), 0U);
  hosted.thread.join();
  EXPECT_TRUE(hosted.io.stopped()) << "nothing keeps it";
}

TEST(HostedProxy, MayBeDestroyedWhileNobodyRunsTheLoop) {
  Hosted hosted;
  ASSERT_TRUE(hosted.running.proxy->start().empty());
  const support::Deadline deadline;
  while (!hosted.running.recorder->count("log 2 serving on") && !deadline.passed()) {
    hosted.io.run_one_for(milliseconds(20));
  }
  std::optional<RawClient> client(hosted.running.address());
  client->send(support::request_text("GET", "/"));
  while (hosted.running.v1.request_count() == 0 && !deadline.passed()) {
    hosted.io.run_one_for(milliseconds(20));
  }
  hosted.running.proxy.reset();
  hosted.io.poll();
  EXPECT_TRUE(hosted.io.stopped());
}

TEST(HostedProxy, OneThatWasNeverStartedLeavesNothing) {
  Hosted hosted;
  hosted.running.proxy.reset();
  hosted.io.poll();
  EXPECT_TRUE(hosted.io.stopped());
}

}  // namespace
}  // namespace sluice::proxy
