#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "proxy/relay.hpp"
#include "tests/proxy/loop.hpp"

namespace sluice::proxy {
namespace {

using core::BodyFraming;
using core::BodyKind;
using testing::Line;
using testing::Loop;
using testing::Running;
using testing::seconds;

/// Octets beyond what the buffers of a socket pair and of the relay hold.
constexpr std::size_t flood = 8U << 20U;

struct FailingTransfer {
  explicit FailingTransfer(const BodyFraming& in, std::uint64_t limit = 0) : from(loop), to(loop) {
    body.start(in, limit);
  }
  Task<RelayEnd> relay(BodyKind out) {
    return relay_body({*from.stream, body, *to.stream, out, seconds(30), seconds(10)}, "H");
  }

  Loop loop;
  Line from;
  Line to;
  BodyReader body;
};

TEST(RelayFailureTest, ACutBodyIsNeverEndedAsIfItWereWhole) {
  for (const auto& [in, wire] :
       {std::pair{BodyKind::length, "12345"}, std::pair{BodyKind::chunked, "5\r\n12345\r\n"},
        std::pair{BodyKind::chunked, "9\r\n12345"},
        std::pair{BodyKind::chunked, "5\r\n12345\r\n0\r\n"}}) {
    FailingTransfer transfer({in, 10});
    Running<RelayEnd> relaying(transfer.relay(BodyKind::chunked));
    transfer.from.peer.send(wire);
    transfer.from.peer.close();
    EXPECT_EQ(relaying.wait(transfer.loop), RelayEnd::source_cut) << wire;
    EXPECT_EQ(transfer.to.peer.take_all(), "H5\r\n12345\r\n") << "no last chunk";
  }
}

TEST(RelayFailureTest, ASourceThatStallsIsGivenUp) {
  FailingTransfer transfer({BodyKind::length, 10});
  Running<RelayEnd> relaying(transfer.relay(BodyKind::length));
  transfer.from.peer.send("12345");
  transfer.loop.pass(seconds(29));
  EXPECT_FALSE(relaying.is_done());
  transfer.loop.pass(seconds(2));
  EXPECT_EQ(relaying.wait(transfer.loop), RelayEnd::source_stalled);
}

TEST(RelayFailureTest, ASinkThatStallsIsGivenUp) {
  FailingTransfer transfer({BodyKind::length, flood});
  Running<RelayEnd> relaying(transfer.relay(BodyKind::length));
  const std::string block(100'000, 'x');
  transfer.loop.run_until([&, sent = true]() mutable {
    sent = transfer.from.peer.send(block) != 0;
    return !sent;
  });
  transfer.loop.settle();
  EXPECT_FALSE(relaying.is_done());
  transfer.loop.pass(seconds(11));
  EXPECT_EQ(relaying.wait(transfer.loop), RelayEnd::sink_stalled);
}

TEST(RelayFailureTest, ASlowSinkHoldsTheSourceBack) {
  FailingTransfer transfer({BodyKind::length, flood});
  Running<RelayEnd> relaying(transfer.relay(BodyKind::length));
  const std::string block(100'000, 'x');
  std::size_t sent = 0;
  // The sink takes nothing: after a while the source may not send any more either.
  for (int quiet = 0; quiet < 3;) {
    const std::size_t now = transfer.from.peer.send(block);
    sent += now;
    transfer.loop.settle();
    quiet = now == 0 ? quiet + 1 : 0;
  }
  EXPECT_LT(sent, flood / 2) << "octets are kept in memory";
  EXPECT_LE(transfer.from.stream->in().capacity(), BlockPool::large_block);
  std::size_t left = flood - sent;
  ASSERT_TRUE(transfer.loop.run_until([&] {
    left -= transfer.from.peer.send(std::string_view(block).substr(0, left));
    transfer.to.peer.take();
    return relaying.is_done();
  }));
  EXPECT_EQ(relaying.wait(transfer.loop), RelayEnd::complete);
  EXPECT_EQ(transfer.to.peer.take_all().size(), flood + 1);
}

TEST(RelayFailureTest, ASinkThatBreaksIsNoFaultOfTheSource) {
  FailingTransfer transfer({BodyKind::length, 10});
  Running<RelayEnd> relaying(transfer.relay(BodyKind::length));
  transfer.loop.settle();
  transfer.to.peer.close();
  transfer.from.peer.send("12345");
  EXPECT_EQ(relaying.wait(transfer.loop), RelayEnd::sink_broken);
}

TEST(RelayFailureTest, ABrokenChunkedCodingEndsIt) {
  FailingTransfer transfer({BodyKind::chunked, 0});
  Running<RelayEnd> relaying(transfer.relay(BodyKind::chunked));
  transfer.from.peer.send("3\r\nabc\r\nzz\r\n");
  EXPECT_EQ(relaying.wait(transfer.loop), RelayEnd::source_bad);
  EXPECT_EQ(transfer.to.peer.take_all(), "H3\r\nabc\r\n");
}

TEST(RelayFailureTest, AChunkedBodyBeyondTheLimitEndsIt) {
  FailingTransfer transfer({BodyKind::chunked, 0}, 4);
  Running<RelayEnd> relaying(transfer.relay(BodyKind::chunked));
  transfer.from.peer.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(relaying.wait(transfer.loop), RelayEnd::too_large);
  EXPECT_EQ(transfer.to.peer.take_all().find("0\r\n\r\n"), std::string::npos);
}

TEST(RelayFailureTest, OurOwnInterruptionIsTold) {
  FailingTransfer reading({BodyKind::length, 10});
  Running<RelayEnd> relaying(reading.relay(BodyKind::length));
  reading.loop.settle();
  reading.from.stream->interrupt_read();
  EXPECT_EQ(relaying.wait(reading.loop), RelayEnd::interrupted);

  FailingTransfer closing({BodyKind::length, 10});
  Running<RelayEnd> other(closing.relay(BodyKind::length));
  closing.loop.settle();
  closing.to.stream->close();
  closing.from.peer.send("12345");
  EXPECT_EQ(other.wait(closing.loop), RelayEnd::interrupted);
}

/// Both directions of a tunnel between two peers.
struct Tunnel {
  Tunnel(Loop& on, std::chrono::milliseconds idle)
      : left(on),
        right(on),
        pulse{idle, coarse_now()},
        there(relay_octets(*left.stream, *right.stream, pulse, octets_there)),
        back(relay_octets(*right.stream, *left.stream, pulse, octets_back)) {}

  Line left;
  Line right;
  TunnelPulse pulse;
  std::uint64_t octets_there = 0;
  std::uint64_t octets_back = 0;
  Running<RelayEnd> there;
  Running<RelayEnd> back;
};

TEST(RelayOctetsTest, OctetsPassBothWaysAndAreCounted) {
  Loop loop;
  Tunnel tunnel(loop, seconds(60));
  tunnel.left.peer.send("ping");
  tunnel.right.peer.send(std::string("po\0ng", 5));
  loop.settle();
  EXPECT_EQ(tunnel.right.peer.take_all(), "ping");
  EXPECT_EQ(tunnel.left.peer.take_all(), std::string("po\0ng", 5));
  EXPECT_EQ(tunnel.octets_there, 4U);
  EXPECT_EQ(tunnel.octets_back, 5U);
  EXPECT_FALSE(tunnel.there.is_done());
  tunnel.left.peer.close();
  tunnel.right.peer.close();
  EXPECT_EQ(tunnel.there.wait(loop), RelayEnd::complete);
  EXPECT_EQ(tunnel.back.wait(loop), RelayEnd::complete);
}

TEST(RelayOctetsTest, OneSideMayFinishWhileTheOtherGoesOn) {
  Loop loop;
  Tunnel tunnel(loop, seconds(60));
  tunnel.left.peer.send("question");
  tunnel.left.peer.finish_sending();
  EXPECT_EQ(tunnel.there.wait(loop), RelayEnd::complete);
  EXPECT_EQ(tunnel.right.peer.take_all(), "question");
  EXPECT_TRUE(tunnel.right.peer.is_ended());
  EXPECT_FALSE(tunnel.back.is_done());
  tunnel.right.peer.send("answer");
  tunnel.right.peer.finish_sending();
  EXPECT_EQ(tunnel.back.wait(loop), RelayEnd::complete);
  EXPECT_EQ(tunnel.left.peer.take_all(), "answer");
  EXPECT_TRUE(tunnel.left.peer.is_ended());
}

TEST(RelayOctetsTest, ATunnelWithoutTrafficEnds) {
  Loop loop;
  Tunnel tunnel(loop, std::chrono::milliseconds(60));
  loop.tick();
  const TimePoint begun = Clock::now();
  EXPECT_EQ(tunnel.there.wait(loop), RelayEnd::source_stalled);
  EXPECT_EQ(tunnel.back.wait(loop), RelayEnd::source_stalled);
  EXPECT_GE(Clock::now() - begun, std::chrono::milliseconds(50));
}

TEST(RelayOctetsTest, TrafficInOneDirectionKeepsTheOtherAlive) {
  Loop loop;
  Tunnel tunnel(loop, seconds(2));
  loop.tick();
  const TimePoint begun = Clock::now();
  TimePoint sent = begun;
  ASSERT_TRUE(loop.run_until([&] {
    if (Clock::now() - sent > std::chrono::milliseconds(100)) {
      sent = Clock::now();
      tunnel.left.peer.send("x");
    }
    return Clock::now() - begun > seconds(3) || tunnel.back.is_done();
  }));
  EXPECT_FALSE(tunnel.there.is_done());
  EXPECT_FALSE(tunnel.back.is_done());
  tunnel.left.peer.close();
  tunnel.right.peer.close();
  tunnel.there.wait(loop);
  tunnel.back.wait(loop);
}

TEST(RelayOctetsTest, ABrokenSinkEndsItsDirection) {
  Loop loop;
  Tunnel tunnel(loop, seconds(60));
  tunnel.right.peer.close();
  EXPECT_EQ(tunnel.back.wait(loop), RelayEnd::complete);
  tunnel.left.peer.send("to nobody");
  EXPECT_EQ(tunnel.there.wait(loop), RelayEnd::sink_broken);
}

}  // namespace
}  // namespace sluice::proxy
