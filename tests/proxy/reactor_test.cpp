#include "proxy/reactor.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "proxy/deadline.hpp"
#include "proxy/reactor_host.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/socket.hpp"

namespace sluice::proxy {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds at_once{0};

struct SocketPair : support::SocketPair {
  SocketPair() : support::SocketPair(support::socket_pair()) {}
  void send() const { EXPECT_EQ(::send(peer.get(), "x", 1, 0), 1); }
};

struct Target final : Polled {
  void note(std::uint32_t events) noexcept override { noted |= events; }
  void act() override {
    ++acts;
    if (on_act) on_act();
  }
  ~Target() override {
    if (is_deleted != nullptr) *is_deleted = true;
  }
  std::uint32_t noted = 0;
  int acts = 0;
  std::function<void()> on_act;
  bool* is_deleted = nullptr;
};

TEST(ReactorTest, TellsOfEachArrivalOnce) {
  Reactor reactor;
  const SocketPair pair;
  Target target;
  ASSERT_TRUE(reactor.add(pair.ours.get(), target, EPOLLIN | EPOLLET));
  EXPECT_EQ(reactor.turn(at_once), 0U);
  pair.send();
  EXPECT_EQ(reactor.turn(at_once), 1U);
  EXPECT_NE(target.noted & static_cast<std::uint32_t>(EPOLLIN), 0U);
  EXPECT_EQ(reactor.turn(at_once), 0U) << "the octet is still there, but it was told";
  pair.send();
  EXPECT_EQ(reactor.turn(at_once), 1U);
  EXPECT_EQ(target.acts, 2);
}

TEST(ReactorTest, EverythingIsNotedBeforeAnythingActs) {
  Reactor reactor;
  const SocketPair one;
  const SocketPair two;
  Target first;
  Target second;
  ASSERT_TRUE(reactor.add(one.ours.get(), first, EPOLLIN | EPOLLET));
  ASSERT_TRUE(reactor.add(two.ours.get(), second, EPOLLIN | EPOLLET));
  bool saw_both = true;
  first.on_act = second.on_act = [&] { saw_both &= first.noted != 0 && second.noted != 0; };
  one.send();
  two.send();
  EXPECT_EQ(reactor.turn(at_once), 2U);
  EXPECT_TRUE(saw_both);
  EXPECT_EQ(first.acts + second.acts, 2);
}

TEST(ReactorTest, DeferredOnesActLaterNeverInsideTheCall) {
  Reactor reactor;
  Target target;
  reactor.defer(target);
  reactor.defer(target);
  EXPECT_EQ(target.acts, 0);
  EXPECT_EQ(reactor.turn(milliseconds(60'000)), 1U) << "does not wait when something is deferred";
  EXPECT_EQ(target.acts, 1);
  target.on_act = [&] {
    if (target.acts == 2) reactor.defer(target);
  };
  reactor.defer(target);
  reactor.turn(at_once);
  EXPECT_EQ(target.acts, 2) << "one that defers itself again waits for the next turn";
  reactor.turn(at_once);
  EXPECT_EQ(target.acts, 3);
}

TEST(ReactorTest, WhatIsRetiredLivesAsLongAsTheTurnMayReferToIt) {
  Reactor reactor;
  const SocketPair one;
  const SocketPair two;
  bool is_deleted = false;
  auto* victim = new Target;
  victim->is_deleted = &is_deleted;
  Target other;
  ASSERT_TRUE(reactor.add(one.ours.get(), other, EPOLLIN | EPOLLET));
  ASSERT_TRUE(reactor.add(two.ours.get(), *victim, EPOLLIN | EPOLLET));
  other.on_act = [&] {
    reactor.defer(*victim);
    reactor.retire(victim);
    EXPECT_FALSE(is_deleted);
  };
  one.send();
  two.send();
  reactor.turn(at_once);
  EXPECT_TRUE(is_deleted) << "its event and its deferral are behind";
}

TEST(ReactorTest, DeletesWhatWasRetiredAtItsEnd) {
  bool is_deleted = false;
  {
    Reactor reactor;
    auto* victim = new Target;
    victim->is_deleted = &is_deleted;
    reactor.retire(victim);
  }
  EXPECT_TRUE(is_deleted);
}

TEST(ReactorTest, RemovingEndsWhatASharedFileWouldKeepUp) {
  Reactor reactor;
  const SocketPair pair;
  Target target;
  support::Fd copy(::dup(pair.ours.get()));
  ASSERT_TRUE(reactor.add(copy.get(), target, EPOLLIN));
  reactor.remove(copy.get());
  copy.close();
  pair.send();
  EXPECT_EQ(reactor.turn(at_once), 0U);
}

TEST(ReactorTest, JobsFromOtherThreadsRunInOrderAndNoneIsLost) {
  Reactor reactor;
  constexpr int jobs = 2000;
  std::vector<int> ran;
  std::thread poster([&] {
    for (int job = 0; job < jobs; ++job) reactor.post([&ran, job] { ran.push_back(job); });
  });
  const support::Deadline deadline;
  while (ran.size() < jobs && !deadline.passed()) reactor.turn(milliseconds(50));
  poster.join();
  ASSERT_EQ(ran.size(), jobs);
  for (int job = 0; job < jobs; ++job) EXPECT_EQ(ran[static_cast<std::size_t>(job)], job);
}

TEST(ReactorHostTest, AnIoContextGivesTheTurns) {
  boost::asio::io_context io;
  Reactor reactor;
  int turns = 0;
  ReactorHost host(io, reactor, [&] { ++turns; });
  host.start();
  const SocketPair pair;
  Target target;
  ASSERT_TRUE(reactor.add(pair.ours.get(), target, EPOLLIN | EPOLLET));
  pair.send();
  while (target.acts == 0 && io.run_one_for(support::patience) != 0) {
  }
  EXPECT_EQ(target.acts, 1);
  reactor.defer(target);
  while (target.acts == 1 && io.run_one_for(support::patience) != 0) {
  }
  EXPECT_EQ(target.acts, 2) << "what is deferred outside a turn asks for one";
  EXPECT_GE(turns, 2);
  host.stop();
  io.run_for(support::patience);
  EXPECT_TRUE(io.stopped()) << "nothing keeps the io_context";
}

TEST(ReactorHostTest, WhatATurnLeavesGetsAnother) {
  boost::asio::io_context io;
  Reactor reactor;
  ReactorHost host(io, reactor);
  host.start();
  Target target;
  // Deferred while deferred ones run: nothing but the host gives it its turn.
  target.on_act = [&] {
    if (target.acts < 3) reactor.defer(target);
  };
  reactor.defer(target);
  while (target.acts < 3 && io.run_one_for(support::patience) != 0) {
  }
  EXPECT_EQ(target.acts, 3);
}

TEST(ReactorHostTest, AWaitThatEndsBehindItFindsItGone) {
  boost::asio::io_context io;
  Reactor reactor;
  auto host = std::make_unique<ReactorHost>(io, reactor);
  host->start();
  reactor.post([] {});
  io.poll_one();
  host.reset();
  io.poll();
  EXPECT_TRUE(io.stopped());
}

TEST(ReactorTest, WhatIsPostedInPartsLetsEventsInAndHoldsBackWhatIsPostedBehindIt) {
  Reactor reactor;
  const SocketPair pair;
  Target target;
  ASSERT_TRUE(reactor.add(pair.ours.get(), target, EPOLLIN | EPOLLET));
  std::vector<std::string> seen;
  int parts = 0;
  reactor.post_in_parts([&] {
    seen.push_back("part");
    pair.send();
    return ++parts == 3;
  });
  reactor.post([&] { seen.push_back("behind"); });
  for (int turn = 1; turn <= 3; ++turn) {
    EXPECT_GT(reactor.turn(at_once), 0U);
    EXPECT_EQ(parts, turn);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"part", "part", "part", "behind"}));
  reactor.turn(at_once);
  EXPECT_GE(target.acts, 3) << "what came between the parts was acted on";
}

TEST(ReactorTest, ALongQueueOfJobsIsNotWorkedOffInOneTurn) {
  Reactor reactor;
  constexpr int jobs = 5;
  int done = 0;
  for (int job = 0; job < jobs; ++job) {
    reactor.post([&] {
      const auto end = Clock::now() + longest_part;
      while (Clock::now() < end) {
      }
      ++done;
    });
  }
  for (int turn = 1; turn <= jobs; ++turn) {
    EXPECT_GT(reactor.turn(at_once), 0U);
    EXPECT_EQ(done, turn);
  }
  EXPECT_EQ(reactor.turn(at_once), 0U);
}

}  // namespace
}  // namespace sluice::proxy
