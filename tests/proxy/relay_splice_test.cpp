#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/relay.hpp"
#include "tests/proxy/loop.hpp"
#include "tests/proxy/relayed_text.hpp"
#include "tests/support/socket.hpp"

/// Large bodies that go from socket to socket inside the kernel.
namespace sluice::proxy {
namespace {

using core::BodyKind;
using testing::Line;
using testing::Loop;
using testing::Running;
using testing::seconds;

constexpr std::size_t large = 3'000'000;

class RelaySpliceTest : public ::testing::Test {
 protected:
  // As the threads of workers do: splice(2) knows no MSG_NOSIGNAL.
  RelaySpliceTest() { std::signal(SIGPIPE, SIG_IGN); }

  Relay relay(BodyKind framing = BodyKind::length) {
    return {*from.stream, body, *to.stream, framing, seconds(60), seconds(60), replay, &pipes};
  }
  void start(std::size_t size) { body.start({BodyKind::length, size}, 0); }

  /// Sends and takes in small steps until the relay has ended.
  RelayEnd run(Running<RelayEnd>& relaying, std::string_view wire) {
    loop.run_until([&] {
      wire.remove_prefix(from.peer.send(wire.substr(0, 100'000)));
      if (wire.empty() && finishes) from.peer.finish_sending();
      to.peer.take(70'000);
      return relaying.is_done();
    });
    const RelayEnd end = relaying.wait(loop);
    to.peer.take_all();
    return end;
  }

  Loop loop;
  Line from{loop};
  Line to{loop};
  BodyReader body;
  PipePool pipes;
  ReplayBuffer* replay = nullptr;
  bool finishes = false;
};

TEST_F(RelaySpliceTest, ALargeBodyArrivesWholeBehindItsHead) {
  start(large);
  const std::string text = numbers(large);
  Running<RelayEnd> relaying(relay_body(relay(), relayed_head));
  EXPECT_EQ(run(relaying, text + "GET /next"), RelayEnd::complete);
  EXPECT_TRUE(to.peer.received() == std::string(relayed_head) + text) << to.peer.received().size();
  EXPECT_EQ(body.octets(), large);
  EXPECT_EQ(to.stream->octets_sent(), relayed_head.size() + large);
  EXPECT_TRUE(from.stream->has_input()) << "what follows the body was not touched";
}

TEST_F(RelaySpliceTest, TheOctetsOfALargeBodyDoNotPassThroughTheBuffer) {
  start(large);
  const std::string text = numbers(large);
  Running<RelayEnd> relaying(relay_body(relay(), relayed_head));
  std::string_view wire = text;
  bool was_copied = false;
  loop.run_until([&] {
    wire.remove_prefix(from.peer.send(wire.substr(0, 100'000)));
    to.peer.take(70'000);
    was_copied |=
        to.peer.received().size() > relayed_head.size() && from.stream->in().capacity() != 0;
    return relaying.is_done();
  });
  EXPECT_EQ(relaying.wait(loop), RelayEnd::complete);
  EXPECT_FALSE(was_copied);
}

TEST_F(RelaySpliceTest, ABodyThatIsCutIsNotComplete) {
  start(large);
  finishes = true;
  Running<RelayEnd> relaying(relay_body(relay(), relayed_head));
  EXPECT_EQ(run(relaying, numbers(large - 1)), RelayEnd::source_cut);
  EXPECT_EQ(to.peer.received().size(), relayed_head.size() + large - 1);
}

TEST_F(RelaySpliceTest, AReceiverThatLeavesEndsIt) {
  start(large);
  Running<RelayEnd> relaying(relay_body(relay(), relayed_head));
  from.peer.send(numbers(200'000));
  loop.settle();
  to.peer.close();
  loop.run_until([&] {
    from.peer.send("more");
    return relaying.is_done();
  });
  EXPECT_EQ(relaying.wait(loop), RelayEnd::sink_broken);
}

TEST_F(RelaySpliceTest, AReceiverThatTakesNothingEndsIt) {
  start(large);
  Running<RelayEnd> relaying(relay_body(relay(), relayed_head));
  const std::string text = numbers(large);
  std::string_view wire = text;
  for (int i = 0; i < 50; ++i) {
    wire.remove_prefix(from.peer.send(wire));
    loop.settle();
  }
  loop.pass(seconds(120));
  EXPECT_EQ(relaying.wait(loop), RelayEnd::sink_stalled);
}

TEST_F(RelaySpliceTest, ASenderThatStopsEndsIt) {
  start(large);
  Running<RelayEnd> relaying(relay_body(relay(), relayed_head));
  from.peer.send(numbers(100'000));
  loop.settle();
  to.peer.take_all();
  loop.pass(seconds(120));
  EXPECT_EQ(relaying.wait(loop), RelayEnd::source_stalled);
}

TEST_F(RelaySpliceTest, ClosingFromOurSideEndsItAndThePipeIsNotUsedAgain) {
  start(large);
  Running<RelayEnd> relaying(relay_body(relay(), relayed_head));
  from.peer.send(numbers(200'000));
  loop.settle();
  to.stream->close();
  loop.run_until([&] {
    from.peer.send("more");
    return relaying.is_done();
  });
  EXPECT_NE(relaying.wait(loop), RelayEnd::complete);
  EXPECT_EQ(pipes.take().held(), 0U);
}

TEST_F(RelaySpliceTest, WhatHasToBeKeptOrFramedAnewIsCopied) {
  start(large);
  EXPECT_TRUE(may_splice(relay()));
  EXPECT_FALSE(may_splice(relay(BodyKind::chunked)));
  ReplayBuffer kept;
  kept.reset(true);
  replay = &kept;
  EXPECT_FALSE(may_splice(relay()));
  kept.keep(std::string(ReplayBuffer::limit + 1, 'x'));
  EXPECT_TRUE(may_splice(relay())) << "too long to be kept: nothing is lost";
  start(1000);
  EXPECT_FALSE(may_splice(relay()));
}

TEST_F(RelaySpliceTest, APipeThatHoldsSomethingIsNotKept) {
  const support::SocketPair pair = support::socket_pair();
  ASSERT_EQ(::send(pair.peer.get(), "left", 4, 0), 4);
  Pipe pipe = pipes.take();
  ASSERT_TRUE(pipe);
  EXPECT_EQ(pipe.fill(pair.ours.get(), 100), 4);
  EXPECT_EQ(pipe.held(), 4U);
  pipes.give_back(std::move(pipe));
  EXPECT_EQ(pipes.take().held(), 0U);
}

TEST_F(RelaySpliceTest, PipesAreBoundedAndTheRestIsCopied) {
  std::vector<Pipe> taken;
  for (std::size_t i = 0; i < PipePool::limit; ++i) taken.push_back(pipes.take());
  ASSERT_FALSE(pipes.take());
  start(large);
  const std::string text = numbers(large);
  Running<RelayEnd> relaying(relay_body(relay(), relayed_head));
  EXPECT_EQ(run(relaying, text), RelayEnd::complete);
  EXPECT_TRUE(to.peer.received() == std::string(relayed_head) + text);
  pipes.give_back(std::move(taken.back()));
  EXPECT_TRUE(pipes.take());
}

}  // namespace
}  // namespace sluice::proxy
