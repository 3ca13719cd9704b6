#include "proxy/backend_connection.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "tests/proxy/loop.hpp"

namespace sluice::proxy {
namespace {

using testing::Line;
using testing::Loop;
using testing::Peer;
using testing::Running;
using testing::seconds;

using ConnectionPtr = std::unique_ptr<BackendConnection>;

class BackendConnectionTest : public ::testing::Test {
 public:
  BackendConnectionTest() = default;
  BackendConnectionTest(const BackendConnectionTest&) = delete;
  BackendConnectionTest& operator=(const BackendConnectionTest&) = delete;
  ~BackendConnectionTest() override { backend_->close_idle(); }

 protected:
  /// A connection in use; `peer` is the backend's end.
  ConnectionPtr connect(Peer& peer) {
    Line line(loop_);
    peer = std::move(line.peer);
    return std::make_unique<BackendConnection>(backend_, std::move(line.stream));
  }
  void expect_counts(unsigned open, unsigned idle) {
    EXPECT_EQ(backend_->open, open);
    EXPECT_EQ(backend_->idle, idle);
  }
  static bool is_ended(Peer& peer) {
    peer.take_all();
    return peer.is_ended();
  }

  Loop loop_;
  LocalPtr<LiveBackend> backend_ = make_local<LiveBackend>("shop-v1", "127.0.0.1:9001");
};

TEST_F(BackendConnectionTest, IsCountedAsOpenWhileItLives) {
  Peer one;
  Peer two;
  expect_counts(0, 0);
  ConnectionPtr first = connect(one);
  ConnectionPtr second = connect(two);
  expect_counts(2, 0);
  EXPECT_FALSE(backend_->is_quiet());
  first.reset();
  expect_counts(1, 0);
  second.reset();
  expect_counts(0, 0);
  EXPECT_TRUE(backend_->is_quiet());
  loop_.settle();
  EXPECT_TRUE(is_ended(one));
}

TEST_F(BackendConnectionTest, AnIdleOneIsStillOpenAndComesBackAsReused) {
  Peer peer;
  ConnectionPtr connection = connect(peer);
  EXPECT_FALSE(connection->is_reused());
  backend_->give_idle(std::move(connection));
  expect_counts(1, 1);
  EXPECT_FALSE(backend_->is_quiet()) << "a drain waits for idle connections, too";
  connection = backend_->take_idle(true);
  ASSERT_NE(connection, nullptr);
  EXPECT_TRUE(connection->is_reused());
  expect_counts(1, 0);
  EXPECT_EQ(backend_->take_idle(true), nullptr);
}

TEST_F(BackendConnectionTest, TheOneUsedLastIsTakenFirst) {
  Peer peer;
  ConnectionPtr one = connect(peer);
  Peer other;
  ConnectionPtr two = connect(other);
  const BackendConnection* last = two.get();
  backend_->give_idle(std::move(one));
  backend_->give_idle(std::move(two));
  expect_counts(2, 2);
  EXPECT_EQ(backend_->take_idle(true).get(), last);
}

TEST_F(BackendConnectionTest, OneThatWasPooledInAnEarlierTurnComesFirstUnlessEachIsLookedAt) {
  std::array<Peer, 3> peers;
  backend_->give_idle(connect(peers[0]));
  ConnectionPtr earlier = connect(peers[1]);
  const BackendConnection* const last_of_earlier = earlier.get();
  backend_->give_idle(std::move(earlier));
  loop_.settle();
  ConnectionPtr now = connect(peers[2]);
  const BackendConnection* const last = now.get();
  backend_->give_idle(std::move(now));
  ConnectionPtr taken = backend_->take_idle(false);
  EXPECT_EQ(taken.get(), last_of_earlier) << "of those, too, the most recently used";
  expect_counts(3, 2);
  EXPECT_EQ(backend_->take_idle(true).get(), last);
  EXPECT_NE(backend_->take_idle(false), nullptr);
  EXPECT_EQ(backend_->idle_head, nullptr);
}

TEST_F(BackendConnectionTest, OneThatTheBackendClosesWhileIdleIsDropped) {
  Peer peer;
  backend_->give_idle(connect(peer));
  peer.close();
  loop_.settle();
  expect_counts(0, 0);
  EXPECT_EQ(backend_->take_idle(true), nullptr);
}

TEST_F(BackendConnectionTest, UnexpectedOctetsWhileIdleEndIt) {
  Peer peer;
  backend_->give_idle(connect(peer));
  peer.send("HTTP/1.1 408 Request Timeout\r\n\r\n");
  loop_.settle();
  expect_counts(0, 0);
  EXPECT_TRUE(is_ended(peer));
}

TEST_F(BackendConnectionTest, WhatComesBehindAnAnswerInTheSameTurnIsSeenBeforeReuse) {
  Peer peer;
  ConnectionPtr connection = connect(peer);
  loop_.settle();
  backend_->give_idle(std::move(connection));
  peer.send("HTTP/1.1 408 Request Timeout\r\n\r\n");
  EXPECT_EQ(backend_->take_idle(false), nullptr);
}

/// More than a turn takes are ready all the time, so what comes behind them is not told of.
TEST_F(BackendConnectionTest, ATurnThatTookOnlyAPartOfTheEventsHasNotLookedAtIt) {
  struct Busy final : Polled {
    void note(std::uint32_t /*events*/) noexcept override {}
    void act() override {}
  } busy;
  std::vector<support::Fd> ready;
  for (int i = 0; i < 200; ++i) {
    ready.emplace_back(::eventfd(1, EFD_CLOEXEC));
    ASSERT_TRUE(loop_.reactor().add(ready.back().get(), busy, EPOLLIN));
  }
  Peer peer;
  ConnectionPtr connection = connect(peer);
  backend_->give_idle(std::move(connection));
  peer.send("HTTP/1.1 408 Request Timeout\r\n\r\n");
  const std::uint64_t before = loop_.reactor().looks();
  loop_.reactor().turn(milliseconds(0));
  EXPECT_EQ(loop_.reactor().looks(), before);
  EXPECT_EQ(backend_->take_idle(false), nullptr);
  for (const support::Fd& one : ready) loop_.reactor().remove(one.get());
  loop_.settle();
  EXPECT_GT(loop_.reactor().looks(), before);
}

TEST_F(BackendConnectionTest, OneThatIsIdleForTooLongIsClosed) {
  Peer peer;
  backend_->idle_timeout = seconds(30);
  backend_->give_idle(connect(peer));
  loop_.pass(seconds(29));
  expect_counts(1, 1);
  loop_.pass(seconds(2));
  expect_counts(0, 0);
  EXPECT_TRUE(is_ended(peer));
}

TEST_F(BackendConnectionTest, TheReadThatWatchedItServesTheNextAnswer) {
  Peer peer;
  backend_->give_idle(connect(peer));
  const ConnectionPtr connection = backend_->take_idle(true);
  Running<IoError> reading(testing::read(connection->stream(), seconds(60)));
  peer.send("HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(reading.wait(loop_), IoError::none);
  EXPECT_EQ(connection->stream().in().view(), "HTTP/1.1 200 OK\r\n");
  expect_counts(1, 0);
}

TEST_F(BackendConnectionTest, TheIdleTimeoutDoesNotFollowItIntoUse) {
  Peer peer;
  backend_->idle_timeout = seconds(30);
  backend_->give_idle(connect(peer));
  const ConnectionPtr connection = backend_->take_idle(true);
  Running<IoError> reading(testing::read(connection->stream(), seconds(600)));
  loop_.pass(seconds(60));
  EXPECT_FALSE(reading.is_done());
  peer.close();
  EXPECT_EQ(reading.wait(loop_), IoError::eof);
}

TEST_F(BackendConnectionTest, NothingIsPooledWhereNothingMayGo) {
  Peer peer;
  backend_->draining = true;
  backend_->give_idle(connect(peer));
  expect_counts(0, 0);
  backend_->draining = false;
  backend_->up = false;
  backend_->give_idle(connect(peer));
  expect_counts(0, 0);
  backend_->up = true;
  backend_->gone = true;
  backend_->give_idle(connect(peer));
  expect_counts(0, 0);
}

TEST_F(BackendConnectionTest, OneWithOctetsLeftOverIsNotPooled) {
  Peer peer;
  ConnectionPtr connection = connect(peer);
  peer.send("answer and more");
  EXPECT_EQ(Running<IoError>(testing::read(connection->stream(), seconds(60))).wait(loop_),
            IoError::none);
  connection->stream().in().consume(6);
  backend_->give_idle(std::move(connection));
  expect_counts(0, 0);
}

TEST_F(BackendConnectionTest, OneThatWasClosedHereIsNotPooled) {
  Peer peer;
  ConnectionPtr connection = connect(peer);
  connection->stream().close();
  backend_->give_idle(std::move(connection));
  expect_counts(0, 0);
}

TEST_F(BackendConnectionTest, CloseIdleLeavesThoseInUseAlone) {
  Peer idle;
  Peer used;
  const ConnectionPtr connection = connect(used);
  backend_->give_idle(connect(idle));
  expect_counts(2, 1);
  backend_->close_idle();
  expect_counts(1, 0);
  loop_.settle();
  EXPECT_TRUE(is_ended(idle));
  EXPECT_FALSE(is_ended(used));
  EXPECT_TRUE(connection->stream().is_open());
}

TEST_F(BackendConnectionTest, CloseUnsentLeavesThoseWithARequestAlone) {
  Peer peer;
  const ConnectionPtr unsent = connect(peer);
  Peer other;
  const ConnectionPtr sent = connect(other);
  sent->mark_sent();
  backend_->close_unsent();
  EXPECT_FALSE(unsent->stream().is_open());
  EXPECT_TRUE(sent->stream().is_open());
  EXPECT_FALSE(unsent->is_cut());
}

TEST_F(BackendConnectionTest, CutBreaksAllInUseAndCountsThem) {
  Peer one;
  Peer two;
  Peer idle;
  ConnectionPtr first = connect(one);
  ConnectionPtr second = connect(two);
  second->mark_sent();
  backend_->give_idle(connect(idle));
  Running<IoError> reading(testing::read(second->stream(), seconds(60)));
  EXPECT_EQ(backend_->cut(), 2U);
  EXPECT_TRUE(first->is_cut());
  EXPECT_TRUE(second->is_cut());
  EXPECT_EQ(reading.wait(loop_), IoError::interrupted);
  backend_->give_idle(std::move(first));
  expect_counts(2, 1);
}

TEST_F(BackendConnectionTest, AddressesAreTriedInTurn) {
  backend_->addresses.resize(2);
  backend_->addresses[0].length = 1;
  backend_->addresses[1].length = 2;
  EXPECT_EQ(backend_->next_address().length, 1U);
  EXPECT_EQ(backend_->next_address().length, 2U);
  EXPECT_EQ(backend_->next_address().length, 1U);
}

TEST_F(BackendConnectionTest, ABackendThatNobodyElseHoldsLivesAsLongAsItsConnections) {
  Peer peer;
  auto forgotten = make_local<LiveBackend>("shop-v1", "127.0.0.1:9002");
  LiveBackend* const raw = forgotten.get();
  Line line(loop_);
  auto connection =
      std::make_unique<BackendConnection>(std::move(forgotten), std::move(line.stream));
  raw->give_idle(std::move(connection));
  EXPECT_EQ(raw->idle, 1U);
  // The last connection takes the backend along, from inside a call on it.
  raw->close_idle();
}

TEST_F(BackendConnectionTest, WhatARequestTouchesOfABackendIsOneCacheLine) {
  const auto* begin = reinterpret_cast<const char*>(backend_.get());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(begin) % 64, 0U);
  const auto ends_at = [begin](const auto& member) {
    return reinterpret_cast<const char*>(&member + 1) - begin;
  };
  EXPECT_LE(ends_at(backend_->requests), 64);
  EXPECT_LE(ends_at(backend_->idle), 64);
  EXPECT_LE(ends_at(backend_->idle_timeout), 64);
  EXPECT_LE(ends_at(backend_->gone), 64);
  EXPECT_EQ(sizeof(BackendConnection), 64U);
}

TEST_F(BackendConnectionTest, CountsStayExactOverAnyHistory) {
  std::mt19937 random(11);
  std::vector<std::pair<ConnectionPtr, Peer>> used;
  std::vector<Peer> ends;
  for (int step = 0; step < 2000; ++step) {
    const unsigned dice = random() % 8;
    if (dice < 3) {
      Peer peer;
      ConnectionPtr connection = backend_->take_idle(true);
      if (!connection) connection = connect(peer);
      used.emplace_back(std::move(connection), std::move(peer));
    } else if (dice < 6 && !used.empty()) {
      const auto at = used.begin() + static_cast<std::ptrdiff_t>(random() % used.size());
      ends.push_back(std::move(at->second));
      backend_->give_idle(std::move(at->first));
      used.erase(at);
    } else if (dice == 6 && !ends.empty()) {
      ends.erase(ends.begin() + static_cast<std::ptrdiff_t>(random() % ends.size()));
    } else if (dice == 7) {
      loop_.settle();
      if (random() % 10 == 0) backend_->close_idle();
    }
    ASSERT_EQ(backend_->open, used.size() + backend_->idle);
  }
  used.clear();
  ends.clear();
  loop_.settle();
  expect_counts(0, 0);
}

}  // namespace
}  // namespace sluice::proxy
