#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/reactor.hpp"
#include "proxy/stream.hpp"
#include "tests/proxy/loop.hpp"
#include "tests/support/socket.hpp"

/// What is registered only when it has to be: a connection that lives for a few turns never is.
namespace sluice::proxy {
namespace {

using testing::Loop;
using testing::milliseconds;
using testing::Running;
using testing::seconds;

/// How many descriptors the event loop is registered for, its own eventfd included (proc(5)).
int registered(const Reactor& reactor) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(reactor.descriptor()));
  int count = 0;
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("tfd:")) ++count;
  }
  return count;
}

Task<IoError> read(Stream& stream) {
  co_return co_await stream.read(seconds(5));
}

Task<IoError> write(Stream& stream, const std::string& octets) {
  std::array<iovec, 1> piece{iovec{const_cast<char*>(octets.data()), octets.size()}};
  co_return co_await stream.write(piece, seconds(5));
}

/// A stream that was accepted, and its client.
struct Accepted {
  explicit Accepted(Loop& loop) : stream(loop.stream()) {
    support::SocketPair pair = support::socket_pair();
    client = std::move(pair.peer);
    EXPECT_TRUE(stream->adopt(pair.ours.release()));
  }
  void hear() {
    stream->watch({[](void* self) { static_cast<Accepted*>(self)->has_heard = true; }, this});
  }

  StreamPtr stream;
  support::Fd client;
  bool has_heard = false;
};

/// Has an event in every turn.
struct Busy final : Polled {
  explicit Busy(Reactor& reactor) : events_(::eventfd(1, EFD_CLOEXEC)), reactor_(reactor) {
    EXPECT_TRUE(reactor.add(events_.get(), *this, EPOLLIN));
  }
  ~Busy() override { reactor_.remove(events_.get()); }
  void note(std::uint32_t /*events*/) noexcept override {}
  void act() override {}

 private:
  support::Fd events_;
  Reactor& reactor_;
};

TEST(ReactorLaterTest, OneThatComesWithItsRequestAndLeavesWithTheAnswerIsNeverRegistered) {
  Loop loop;
  const int none = registered(loop.reactor());
  Accepted one(loop);
  ASSERT_EQ(::send(one.client.get(), "x", 1, 0), 1);
  Running<IoError> reading(read(*one.stream));
  EXPECT_TRUE(reading.is_done());
  EXPECT_EQ(one.stream->in().view(), "x");
  EXPECT_EQ(registered(loop.reactor()), none);
  one.stream.reset();
  loop.settle();
  EXPECT_EQ(registered(loop.reactor()), none);
}

TEST(ReactorLaterTest, OneThatWaitsToReadIsRegisteredAtOnce) {
  Loop loop;
  const int none = registered(loop.reactor());
  Accepted one(loop);
  Running<IoError> reading(read(*one.stream));
  EXPECT_EQ(registered(loop.reactor()), none + 1);
  ASSERT_EQ(::send(one.client.get(), "x", 1, 0), 1);
  ASSERT_TRUE(loop.run_until([&] { return reading.is_done(); }));
  EXPECT_EQ(reading.result(), IoError::none);
  one.stream.reset();
  EXPECT_EQ(registered(loop.reactor()), none);
}

TEST(ReactorLaterTest, OneThatWaitsToWriteIsRegisteredAtOnceForBoth) {
  Loop loop;
  const int none = registered(loop.reactor());
  Accepted one(loop);
  const std::string much(4 << 20, 'x');
  Running<IoError> writing(write(*one.stream, much));
  EXPECT_FALSE(writing.is_done());
  EXPECT_EQ(registered(loop.reactor()), none + 1);
  std::vector<char> room(1 << 20);
  ASSERT_TRUE(loop.run_until([&] {
    static_cast<void>(!::recv(one.client.get(), room.data(), room.size(), MSG_DONTWAIT));
    return writing.is_done();
  }));
  EXPECT_EQ(writing.result(), IoError::none);
  one.hear();
  ASSERT_EQ(::send(one.client.get(), "x", 1, 0), 1);
  loop.settle();
  EXPECT_TRUE(one.has_heard);
}

TEST(ReactorLaterTest, AQuietTurnRegistersAllThatAreLeft) {
  Loop loop;
  const int none = registered(loop.reactor());
  std::vector<std::unique_ptr<Accepted>> several;
  for (int i = 0; i < 5; ++i) several.push_back(std::make_unique<Accepted>(loop));
  for (const auto& one : several) one->hear();
  several[1]->stream.reset();
  several[4]->stream.reset();
  several[3]->stream->close();
  EXPECT_EQ(registered(loop.reactor()), none);
  loop.settle();
  EXPECT_EQ(registered(loop.reactor()), none + 2);
  for (const int left : {0, 2}) {
    Accepted& one = *several[static_cast<std::size_t>(left)];
    EXPECT_FALSE(one.has_heard);
    one.client.close();
    loop.settle();
    EXPECT_TRUE(one.has_heard) << left;
    EXPECT_TRUE(one.stream->is_broken()) << left;
  }
}

TEST(ReactorLaterTest, NoTurnWaitsLongForThat) {
  Loop loop;
  const int none = registered(loop.reactor());
  for (const milliseconds timeout : {milliseconds(-1), milliseconds(600'000)}) {
    const Accepted one(loop);
    loop.reactor().turn(timeout);
    EXPECT_EQ(registered(loop.reactor()), none + 1);
  }
}

TEST(ReactorLaterTest, ManyAreRegisteredInSeveralTurns) {
  Loop loop;
  const int none = registered(loop.reactor());
  std::vector<std::unique_ptr<Accepted>> many;
  for (int i = 0; i < 600; ++i) many.push_back(std::make_unique<Accepted>(loop));
  EXPECT_EQ(loop.reactor().turn(milliseconds(0)), 256U);
  EXPECT_EQ(registered(loop.reactor()), none + 256);
  many[0].reset();
  many[599].reset();
  loop.settle();
  EXPECT_EQ(registered(loop.reactor()), none + 598);
}

TEST(ReactorLaterTest, WhereSomethingIsAlwaysToBeDoneItTakesSomeTurns) {
  Loop loop;
  const Busy busy(loop.reactor());
  const int none = registered(loop.reactor());
  for (int i = 0; i < 20; ++i) loop.reactor().turn(seconds(5));
  Accepted one(loop);
  one.hear();
  one.client.close();
  Accepted closed(loop);
  int turns = 0;
  for (; registered(loop.reactor()) == none && turns < 100; ++turns) {
    if (turns == 10) closed.stream.reset();
    loop.reactor().turn(seconds(5));
  }
  EXPECT_GE(turns, 16);
  EXPECT_LE(turns, 33);
  EXPECT_EQ(registered(loop.reactor()), none + 1);
  loop.reactor().turn(seconds(5));
  EXPECT_TRUE(one.has_heard);
}

TEST(ReactorLaterTest, InsideAnotherLoopAllAreRegisteredAtOnce) {
  Loop loop;
  loop.reactor().be_hosted();
  const int none = registered(loop.reactor());
  const Accepted one(loop);
  EXPECT_EQ(registered(loop.reactor()), none + 1) << "nobody would call turn() for it";
}

TEST(ReactorLaterTest, OneThatTheKernelRefusesIsBroken) {
  Loop loop;
  StreamPtr file = loop.stream();
  ASSERT_TRUE(file->adopt(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)));
  bool has_heard = false;
  file->watch({[](void* heard) { *static_cast<bool*>(heard) = true; }, &has_heard});
  loop.settle();
  EXPECT_TRUE(has_heard);
  EXPECT_TRUE(file->is_broken());
  EXPECT_FALSE(file->is_open());
}

TEST(ReactorLaterTest, WhoeverWaitsForOneThatTheKernelRefusesIsInterrupted) {
  Loop loop;
  for (const bool reads : {true, false}) {
    Accepted one(loop);
    // A descriptor can be registered once only.
    Busy other(loop.reactor());
    ASSERT_TRUE(loop.reactor().add(one.stream->descriptor(), other, EPOLLET));
    const std::string much(4 << 20, 'x');
    Running<IoError> waiting(reads ? read(*one.stream) : write(*one.stream, much));
    EXPECT_FALSE(waiting.is_done()) << "nobody is resumed from inside a call";
    ASSERT_TRUE(loop.run_until([&] { return waiting.is_done(); }));
    EXPECT_EQ(waiting.result(), IoError::interrupted) << reads;
    EXPECT_FALSE(one.stream->is_open());
  }
}

}  // namespace
}  // namespace sluice::proxy
