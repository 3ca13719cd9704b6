#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/reactor.hpp"
#include "proxy/stream.hpp"
#include "tests/proxy/loop.hpp"
#include "tests/support/socket.hpp"

/// The groups of a turn: many receive, then all act, then all that was written goes out together.
namespace sluice::proxy {
namespace {

using testing::Abandoned;
using testing::Line;
using testing::Loop;
using testing::milliseconds;
using testing::Running;
using testing::seconds;

/// A descriptor with an event, and a script of what it does.
struct Member final : Polled {
  Member(Reactor& reactor, std::string name, std::vector<std::string>& log)
      : reactor_(reactor), name_(std::move(name)), log_(log) {
    EXPECT_TRUE(reactor_.add(pair_.ours.get(), *this, EPOLLIN | EPOLLET));
    EXPECT_EQ(::send(pair_.peer.get(), "x", 1, 0), 1);
  }

  void note(std::uint32_t /*events*/) noexcept override {}
  std::size_t receive() noexcept override {
    log_.push_back("receive " + name_);
    return octets;
  }
  std::size_t receive(SocketBatch& batch) noexcept override {
    if (!std::exchange(has_received_, true)) batch.receive(pair_.ours.get(), &octet_, 1);
    return receive();
  }
  std::size_t received(std::int32_t result) noexcept override {
    EXPECT_EQ(result, 1);
    return octets;
  }
  void act() override {
    log_.push_back("act " + name_);
    if (on_act) on_act();
  }
  bool send() noexcept override {
    log_.push_back("send " + name_);
    return sends;
  }
  bool send(SocketBatch& batch) noexcept override {
    batch.send(pair_.ours.get(), piece_);
    send();
    return true;
  }
  bool sent(std::int32_t result) noexcept override {
    EXPECT_EQ(result, 1);
    return sends;
  }

  std::size_t octets = 1;
  bool sends = true;
  std::function<void()> on_act;

 private:
  Reactor& reactor_;
  std::string name_;
  std::vector<std::string>& log_;
  support::SocketPair pair_ = support::socket_pair();
  bool has_received_ = false;
  char octet_ = 'x';
  std::array<iovec, 1> piece_{iovec{&octet_, 1}};
};

using Log = std::vector<std::string>;

/// A loop whose groups make their calls one by one, or in batches.
struct ReactorGroupTest : ::testing::TestWithParam<bool> {
  ReactorGroupTest() {
    if (GetParam()) loop.reactor().batch_calls(SocketBatch::make());
  }
  void SetUp() override {
    if (GetParam() && !loop.reactor().batches_calls()) GTEST_SKIP() << "the kernel has no io_uring";
  }
  Loop loop;
};

INSTANTIATE_TEST_SUITE_P(Calls, ReactorGroupTest, ::testing::Bool(), [](const auto& mode) {
  return std::string(mode.param ? "InBatches" : "OneByOne");
});

TEST_P(ReactorGroupTest, ReceivesForAllThenActsThenSendsThenTellsThoseThatSent) {
  Reactor& reactor = loop.reactor();
  Log log;
  Member a(reactor, "a", log);
  Member b(reactor, "b", log);
  EXPECT_FALSE(reactor.gathers()) << "outside of a turn nothing would send";
  a.on_act = b.on_act = [&] {
    if (log.size() > 4) {
      EXPECT_FALSE(reactor.gathers())
          << "who is told that it has sent comes too late for the group";
    } else {
      EXPECT_TRUE(reactor.gathers());
      reactor.gather(log.size() == 3 ? a : b);
    }
  };
  b.sends = false;
  EXPECT_EQ(reactor.turn(milliseconds(0)), 2U);
  EXPECT_EQ(log, (Log{"receive a", "receive b", "act a", "act b", "send a", "send b", "act a"}));
}

TEST_P(ReactorGroupTest, ManyOctetsEndAGroup) {
  Reactor& reactor = loop.reactor();
  Log log;
  Member a(reactor, "a", log);
  Member b(reactor, "b", log);
  Member c(reactor, "c", log);
  a.octets = 1024;
  b.octets = 1 << 20;
  b.on_act = [&] {
    if (reactor.gathers()) reactor.gather(b);
  };
  EXPECT_EQ(reactor.turn(milliseconds(0)), 3U);
  EXPECT_EQ(log, (Log{"receive a", "receive b", "act a", "act b", "send b", "act b", "receive c",
                      "act c"}));
}

TEST_P(ReactorGroupTest, NobodyWaitsForMoreThanAFewOthers) {
  Reactor& reactor = loop.reactor();
  Log log;
  std::vector<std::unique_ptr<Member>> members;
  for (int i = 0; i < 60; ++i) {
    members.push_back(std::make_unique<Member>(reactor, std::to_string(i), log));
  }
  EXPECT_EQ(reactor.turn(milliseconds(0)), 60U);
  const auto first_act = std::find(log.begin(), log.end(), "act 0");
  EXPECT_LE(first_act - log.begin(), 32);
  EXPECT_EQ(log.size(), 120U);
}

TEST_P(ReactorGroupTest, ManyWritesEndAGroupToo) {
  Reactor& reactor = loop.reactor();
  Log log;
  Member accepts(reactor, "accepts", log);
  Member last(reactor, "last", log);
  std::vector<std::unique_ptr<Member>> accepted;
  accepts.on_act = [&] {
    for (int i = 0; i < 40; ++i) {
      accepted.push_back(std::make_unique<Member>(reactor, "new", log));
      accepted.back()->sends = false;
      reactor.gather(*accepted.back());
    }
  };
  EXPECT_EQ(reactor.turn(milliseconds(0)), 2U);
  const auto sent = std::find(log.begin(), log.end(), "send new");
  EXPECT_LT(sent, std::find(log.begin(), log.end(), "act last"));
  EXPECT_EQ(std::count(log.begin(), log.end(), "act last"), 1);
}

TEST_P(ReactorGroupTest, WhoActsDeferredSendsByItself) {
  Reactor& reactor = loop.reactor();
  Log log;
  Member a(reactor, "a", log);
  bool gathered = true;
  a.on_act = [&] {
    if (log.size() == 2) {
      reactor.defer(a);
    } else {
      gathered = reactor.gathers();
    }
  };
  reactor.turn(milliseconds(0));
  EXPECT_EQ(log, (Log{"receive a", "act a", "act a"}));
  EXPECT_FALSE(gathered) << "it would wait for the next turn";
}

/// Answers one message with `answer`.
Task<IoError> answer(Stream& stream, std::string answer) {
  if (const IoError error = co_await stream.read(seconds(60)); error != IoError::none) {
    co_return error;
  }
  stream.in().consume(stream.in().view().size());
  std::array<iovec, 1> piece{iovec{answer.data(), answer.size()}};
  co_return co_await stream.write(piece, seconds(60));
}

Abandoned answer_abandoned(Stream& stream) {
  co_await answer(stream, "never");
}

TEST_P(ReactorGroupTest, AnswersOfAGroupLeaveBehindTheLastOfItsMembers) {
  Line one(loop);
  Line two(loop);
  Running<IoError> first(answer(*one.stream, "first"));
  Running<IoError> second(answer(*two.stream, "second"));
  loop.settle();
  Log log;
  one.peer.send("?");
  two.peer.send("?");
  Member last(loop.reactor(), "last", log);
  bool was_first = false;
  last.on_act = [&] { was_first = one.peer.take_all().empty() && two.peer.take_all().empty(); };
  loop.reactor().turn(milliseconds(0));
  EXPECT_EQ(log, (Log{"receive last", "act last"}));
  EXPECT_TRUE(was_first) << "nothing had left when the last one acted";
  EXPECT_EQ(first.result(), IoError::none);
  EXPECT_EQ(second.result(), IoError::none);
  EXPECT_EQ(one.peer.take_all(), "first");
  EXPECT_EQ(two.peer.take_all(), "second");
}

TEST_P(ReactorGroupTest, AStreamThatIsClosedBeforeTheGroupSendsSaysSo) {
  Line line(loop);
  Log log;
  Running<IoError> answering(answer(*line.stream, "never"));
  loop.settle();
  line.peer.send("?");
  Member closes(loop.reactor(), "closes", log);
  closes.on_act = [&] { line.stream->close(); };
  EXPECT_EQ(answering.wait(loop), IoError::interrupted);
  EXPECT_EQ(line.peer.take_all(), "");
  EXPECT_TRUE(line.peer.is_ended());
}

/// Waits for a message on one stream and writes to another.
Task<IoError> pass_on(Stream& from, Stream& to) {
  co_await from.read(seconds(60));
  co_return co_await testing::write(to, "never", seconds(60));
}

TEST_P(ReactorGroupTest, AWriteToAStreamThatIsClosedAlreadyEndsAtOnce) {
  Line from(loop);
  Line to(loop);
  Running<IoError> passing(pass_on(*from.stream, *to.stream));
  loop.settle();
  to.stream->close();
  from.peer.send("?");
  loop.reactor().turn(milliseconds(0));
  EXPECT_EQ(passing.result(), IoError::interrupted);
}

TEST_P(ReactorGroupTest, AStreamThatIsClosedBehindItsReceiveSaysSo) {
  Log log;
  Line line(loop);
  // Its event comes first, so it acts before the stream that has received already.
  Member closes(loop.reactor(), "closes", log);
  Running<IoError> answering(answer(*line.stream, "never"));
  closes.on_act = [&] { line.stream->close(); };
  // What a stream finds at its first read is no event; the next one is.
  line.peer.send("?");
  loop.reactor().turn(milliseconds(0));
  EXPECT_EQ(answering.wait(loop), IoError::interrupted);
}

Task<IoError> say(Stream& stream, Stream& other, bool closes_other) {
  const IoError error = co_await answer(stream, "said");
  if (closes_other) other.close();
  co_return error;
}

TEST_P(ReactorGroupTest, WhoIsClosedBehindItsSendIsToldSo) {
  Line one(loop);
  Line two(loop);
  Running<IoError> closes(say(*one.stream, *two.stream, true));
  Running<IoError> closed(say(*two.stream, *one.stream, false));
  loop.settle();
  one.peer.send("?");
  two.peer.send("?");
  loop.reactor().turn(milliseconds(0));
  EXPECT_EQ(closes.result(), IoError::none);
  EXPECT_EQ(closed.result(), IoError::interrupted) << "a relay would go on reading for it";
  EXPECT_EQ(two.peer.take_all(), "said");
}

TEST_P(ReactorGroupTest, WhatMayNotWaitIsSentAtOnce) {
  Line line(loop);
  Line prompt(loop);
  std::string text = "now";
  std::array<iovec, 1> piece{iovec{text.data(), text.size()}};
  const auto write = [&]() -> Task<IoError> {
    co_await line.stream->read(seconds(60));
    co_return co_await prompt.stream->write(piece, seconds(60), Sending::at_once);
  };
  Running<IoError> writing(write());
  loop.settle();
  Log log;
  line.peer.send("?");
  Member last(loop.reactor(), "last", log);
  std::string seen;
  last.on_act = [&] { seen = prompt.peer.take_all(); };
  loop.reactor().turn(milliseconds(0));
  EXPECT_EQ(seen, "now");
}

TEST_P(ReactorGroupTest, AStreamThatIsDisposedOfBeforeTheGroupSendsIsNotTouched) {
  Log log;
  Line line(loop);
  const Abandoned answering = answer_abandoned(*line.stream);
  loop.settle();
  line.peer.send("?");
  Member disposes(loop.reactor(), "disposes", log);
  disposes.on_act = [&] { line.stream.reset(); };
  loop.reactor().turn(milliseconds(0));
  loop.settle();
  EXPECT_EQ(line.peer.take_all(), "");
}

/// Answers one message with `first`, and says `second` as soon as that has left.
Task<IoError> answer_twice(Stream& stream, std::string first, std::string second) {
  const IoError error = co_await answer(stream, std::move(first));
  if (error != IoError::none) co_return error;
  co_return co_await testing::write(stream, std::move(second), seconds(60));
}

TEST_P(ReactorGroupTest, WhoWritesAgainBehindItsGroupDoesNotWaitForAnotherTurn) {
  Line line(loop);
  Running<IoError> answering(answer_twice(*line.stream, "one ", "two"));
  loop.settle();
  line.peer.send("?");
  EXPECT_EQ(loop.reactor().turn(milliseconds(0)), 1U);
  EXPECT_EQ(line.peer.take_all(), "one two");
}

TEST_P(ReactorGroupTest, AnAnswerThatIsTooLargeForTheKernelGoesOnWhenItHasRoom) {
  Line line(loop);
  const std::string large(4 << 20, 'z');
  Running<IoError> answering(answer(*line.stream, large));
  loop.settle();
  line.peer.send("?");
  loop.settle();
  EXPECT_FALSE(answering.is_done());
  EXPECT_FALSE(loop.wheel().is_empty()) << "a peer that takes nothing more has a deadline";
  ASSERT_TRUE(loop.run_until([&] {
    line.peer.take();
    return answering.is_done();
  }));
  EXPECT_EQ(*answering.result(), IoError::none);
  EXPECT_EQ(line.peer.take_all().size(), large.size());
}

TEST_P(ReactorGroupTest, ADeadlineEndsAWriteThatTheGroupCouldNotFinish) {
  Line line(loop);
  Running<IoError> answering(answer(*line.stream, std::string(4 << 20, 'z')));
  loop.settle();
  line.peer.send("?");
  loop.settle();
  loop.pass(seconds(61));
  EXPECT_EQ(answering.result(), IoError::timeout);
}

TEST_P(ReactorGroupTest, ABrokenPeerIsToldToTheWriter) {
  Line line(loop);
  Running<IoError> answering(answer(*line.stream, "answer"));
  loop.settle();
  line.peer.send("?");
  line.peer.close();
  EXPECT_EQ(answering.wait(loop), IoError::reset);
}

}  // namespace
}  // namespace sluice::proxy
