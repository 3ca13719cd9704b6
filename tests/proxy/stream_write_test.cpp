#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "core/address.hpp"
#include "proxy/socket_address.hpp"
#include "proxy/stream.hpp"
#include "tests/proxy/loop.hpp"
#include "tests/support/socket.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

using testing::Abandoned;
using testing::Line;
using testing::Loop;
using testing::milliseconds;
using testing::Peer;
using testing::Running;
using testing::seconds;

/// More than the buffers of a socket pair hold.
const std::string& large_text() {
  static const std::string text = [] {
    std::string numbers;
    for (int i = 0; numbers.size() < (4U << 20U); ++i) numbers += std::to_string(i) + ",";
    return numbers;
  }();
  return text;
}

SocketAddress address_of(const std::string& text) {
  return *to_socket_address(*core::parse_address(text));
}

Task<IoError> connect(Stream& stream, SocketAddress address, milliseconds deadline) {
  co_return co_await stream.connect(address, deadline);
}

Task<IoError> write_pieces(Stream& stream, std::vector<std::string> texts) {
  std::vector<iovec> pieces;
  for (std::string& text : texts) pieces.push_back({text.data(), text.size()});
  co_return co_await stream.write(pieces, seconds(60));
}

Abandoned write_abandoned(Stream& stream) {
  co_await testing::write(stream, large_text(), seconds(60));
}

/// A stream connected over TCP and the other end.
struct TcpLine {
  explicit TcpLine(Loop& loop) : listening(support::listen_on("127.0.0.1:0")) {
    stream = loop.stream();
    Running<IoError> connecting(
        connect(*stream, address_of(support::local_address(listening)), seconds(60)));
    EXPECT_EQ(connecting.wait(loop), IoError::none);
    peer = Peer(::accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    EXPECT_GE(peer.descriptor(), 0);
  }
  support::Fd listening;
  StreamPtr stream;
  Peer peer;
};

TEST(StreamWriteTest, CompletesAtOnceWhenTheKernelTakesEverything) {
  Loop loop;
  Line line(loop);
  Running<IoError> writing(testing::write(*line.stream, "hello", seconds(1)));
  EXPECT_TRUE(writing.is_done());
  EXPECT_EQ(writing.wait(loop), IoError::none);
  EXPECT_EQ(line.peer.take_all(), "hello");
  EXPECT_EQ(line.stream->octets_sent(), 5U);
  EXPECT_TRUE(loop.wheel().is_empty());
}

TEST(StreamWriteTest, SendsPiecesInOrderAndSkipsEmptyOnes) {
  Loop loop;
  Line line(loop);
  Running<IoError> writing(write_pieces(*line.stream, {"one", "", " two", ""}));
  EXPECT_EQ(writing.wait(loop), IoError::none);
  EXPECT_EQ(line.peer.take_all(), "one two");
}

TEST(StreamWriteTest, WaitsForASlowPeerAndLosesNothing) {
  Loop loop;
  Line line(loop);
  const std::string& text = large_text();
  const std::string front = text.substr(0, 1'000'001);
  Running<IoError> writing(write_pieces(*line.stream, {front, text.substr(front.size())}));
  loop.settle();
  EXPECT_FALSE(writing.is_done());
  EXPECT_LT(line.stream->octets_sent(), text.size());
  ASSERT_TRUE(loop.run_until([&] {
    line.peer.take(50'000);
    return writing.is_done();
  }));
  EXPECT_EQ(writing.wait(loop), IoError::none);
  EXPECT_TRUE(line.peer.take_all() == text) << line.peer.received().size();
  EXPECT_EQ(line.stream->octets_sent(), text.size());
}

TEST(StreamWriteTest, GivesUpWhenNothingMovesForTooLong) {
  Loop loop;
  Line line(loop);
  Running<IoError> writing(testing::write(*line.stream, large_text(), seconds(5)));
  loop.pass(seconds(4));
  EXPECT_FALSE(writing.is_done());
  loop.pass(seconds(2));
  EXPECT_EQ(writing.wait(loop), IoError::timeout);
}

TEST(StreamWriteTest, EveryOctetThatMovesBeginsTheWaitAnew) {
  Loop loop;
  Line line(loop);
  loop.tick();
  Running<IoError> writing(testing::write(*line.stream, large_text(), milliseconds(400)));
  const TimePoint begun = Clock::now();
  // Takes so little at a time that the whole takes several times the stall.
  TimePoint taken = begun;
  ASSERT_TRUE(loop.run_until([&] {
    if (Clock::now() - taken > milliseconds(40)) {
      taken = Clock::now();
      line.peer.take(200'000);
    }
    return writing.is_done();
  }));
  EXPECT_EQ(writing.wait(loop), IoError::none);
  EXPECT_GT(Clock::now() - begun, milliseconds(400));
}

TEST(StreamWriteTest, SaysResetWhenThePeerIsGone) {
  Loop loop;
  Line line(loop);
  Running<IoError> writing(testing::write(*line.stream, large_text(), seconds(60)));
  loop.settle();
  line.peer.close();
  EXPECT_EQ(writing.wait(loop), IoError::reset);
}

TEST(StreamWriteTest, CloseEndsItAsInterrupted) {
  Loop loop;
  Line line(loop);
  Running<IoError> writing(testing::write(*line.stream, large_text(), seconds(60)));
  loop.settle();
  line.stream->close();
  EXPECT_EQ(writing.wait(loop), IoError::interrupted);
  EXPECT_EQ(Running<IoError>(testing::write(*line.stream, "x", seconds(1))).wait(loop),
            IoError::interrupted);
}

TEST(StreamWriteTest, ATimeoutOfTheReadLeavesTheWriteAlone) {
  Loop loop;
  Line line(loop);
  const std::string& text = large_text();
  Running<IoError> writing(testing::write(*line.stream, text, seconds(600)));
  Running<IoError> reading(testing::read(*line.stream, seconds(1)));
  loop.pass(seconds(2));
  EXPECT_EQ(reading.wait(loop), IoError::timeout);
  EXPECT_FALSE(writing.is_done());
  ASSERT_TRUE(loop.run_until([&] {
    line.peer.take();
    return writing.is_done();
  }));
  EXPECT_EQ(writing.wait(loop), IoError::none);
  EXPECT_TRUE(line.peer.take_all() == text);
}

TEST(StreamWriteTest, ATimeoutOfTheWriteLeavesTheReadAlone) {
  Loop loop;
  Line line(loop);
  Running<IoError> writing(testing::write(*line.stream, large_text(), seconds(1)));
  Running<IoError> reading(testing::read(*line.stream, seconds(600)));
  loop.pass(seconds(2));
  EXPECT_EQ(writing.wait(loop), IoError::timeout);
  EXPECT_FALSE(reading.is_done());
  line.peer.send("still heard");
  EXPECT_EQ(reading.wait(loop), IoError::none);
  EXPECT_EQ(line.stream->in().view(), "still heard");
}

TEST(StreamWriteTest, ShutdownEndsOnlyTheSendingSide) {
  Loop loop;
  Line line(loop);
  line.stream->shutdown_send();
  line.peer.take();
  EXPECT_TRUE(line.peer.is_ended());
  line.peer.send("answer");
  EXPECT_EQ(Running<IoError>(testing::read(*line.stream, seconds(60))).wait(loop), IoError::none);
}

TEST(StreamDisposeTest, MayComeWhileReadAndWriteAreUnderWay) {
  Loop loop;
  Line line(loop);
  {
    const Abandoned writing = write_abandoned(*line.stream);
    loop.settle();
    line.stream.reset();
  }
  loop.pass(seconds(120));
  line.peer.take_all();
  EXPECT_TRUE(line.peer.is_ended());
  EXPECT_TRUE(loop.wheel().is_empty());
}

TEST(StreamConnectTest, TellsAResetFromAnEnd) {
  Loop loop;
  TcpLine ends(loop);
  ends.peer.close();
  EXPECT_EQ(Running<IoError>(testing::read(*ends.stream, seconds(60))).wait(loop), IoError::eof);
  TcpLine breaks(loop);
  breaks.peer.reset();
  EXPECT_EQ(Running<IoError>(testing::read(*breaks.stream, seconds(60))).wait(loop),
            IoError::reset);
}

TEST(StreamConnectTest, SaysRefusedWhenNobodyListens) {
  Loop loop;
  const StreamPtr stream = loop.stream();
  Running<IoError> connecting(connect(*stream, address_of(support::free_address()), seconds(60)));
  EXPECT_EQ(connecting.wait(loop), IoError::refused);
}

TEST(StreamConnectTest, ReachesAUnixSocketAndMissesOneThatIsNotThere) {
  Loop loop;
  const support::TempDir folder;
  const std::string there = "unix:" + folder.file("there.sock");
  const support::Fd listening = support::listen_on(there);
  const StreamPtr stream = loop.stream();
  Running<IoError> connecting(connect(*stream, address_of(there), seconds(60)));
  EXPECT_EQ(connecting.wait(loop), IoError::none);
  const StreamPtr other = loop.stream();
  Running<IoError> missing(
      connect(*other, address_of("unix:" + folder.file("missing.sock")), seconds(60)));
  EXPECT_EQ(missing.wait(loop), IoError::refused);
}

TEST(StreamConnectTest, TimesOutWhenTheBacklogIsFull) {
  Loop loop;
  const support::Fd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress any = address_of("127.0.0.1:0");
  ASSERT_EQ(::bind(listening.get(), any.get(), any.length), 0);
  ASSERT_EQ(::listen(listening.get(), 0), 0);
  const SocketAddress address = local_address(listening.get());
  std::vector<StreamPtr> streams;
  for (int i = 0; i < 16; ++i) {
    streams.push_back(loop.stream());
    Running<IoError> connecting(connect(*streams.back(), address, seconds(5)));
    // One that is accepted into the backlog stands before anything passes.
    loop.run_until([&, until = Clock::now() + milliseconds(100)] {
      return connecting.is_done() || Clock::now() > until;
    });
    if (connecting.is_done()) continue;
    loop.pass(seconds(6));
    EXPECT_EQ(connecting.wait(loop), IoError::timeout);
    return;
  }
  FAIL() << "the backlog never filled";
}

}  // namespace
}  // namespace sluice::proxy
