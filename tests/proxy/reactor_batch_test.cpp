#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/reactor.hpp"
#include "proxy/stream.hpp"
#include "tests/proxy/loop.hpp"

/// Groups that receive and send in batches. What they have in common with those that do not is in
/// reactor_group_test.cpp.
namespace sluice::proxy {
namespace {

using testing::Line;
using testing::Loop;
using testing::milliseconds;
using testing::Running;
using testing::seconds;

struct ReactorBatchTest : ::testing::Test {
  ReactorBatchTest() { loop.reactor().batch_calls(SocketBatch::make()); }
  void SetUp() override {
    if (!loop.reactor().batches_calls()) GTEST_SKIP() << "the kernel has no io_uring";
  }

  /// What still waits hears that its peer has gone.
  void TearDown() override {
    for (const auto& line : lines) line->peer.close();
    loop.settle();
    for (const auto& one : started) EXPECT_TRUE(one->is_done());
  }

  /// Lines whose streams do what `start` starts for them, and wait.
  template <class Start>
  void open(std::size_t count, Start start) {
    for (std::size_t index = 0; index < count; ++index) {
      lines.push_back(std::make_unique<Line>(loop));
      started.push_back(std::make_unique<Running<IoError>>(start(*lines.back()->stream)));
    }
    loop.settle();
  }
  void send_to_all(const std::string& text) {
    for (const auto& line : lines) EXPECT_EQ(line->peer.send(text), text.size());
  }

  Loop loop;
  std::vector<std::unique_ptr<Line>> lines;
  std::vector<std::unique_ptr<Running<IoError>>> started;
};

/// Sends back what comes, until the peer has finished.
Task<IoError> echo(Stream& stream, std::size_t capacity) {
  while (true) {
    const IoError error = co_await stream.read(seconds(60), capacity);
    if (error != IoError::none) co_return error;
    std::string text(stream.in().view());
    stream.in().consume(text.size());
    std::array<iovec, 1> piece{iovec{text.data(), text.size()}};
    const IoError written = co_await stream.write(piece, seconds(60));
    if (written != IoError::none) co_return written;
  }
}

Task<IoError> echo_small(Stream& stream) {
  return echo(stream, BlockPool::small_block);
}

testing::Abandoned echo_abandoned(Stream& stream) {
  co_await echo_small(stream);
}

Task<IoError> echo_large(Stream& stream) {
  return echo(stream, BlockPool::large_block);
}

TEST_F(ReactorBatchTest, EveryStreamOfALargeTurnGetsItsOwnOctets) {
  open(60, echo_small);
  for (int round = 0; round < 20; ++round) {
    for (std::size_t index = 0; index < lines.size(); ++index) {
      lines[index]->peer.send(std::to_string(index) + "," + std::to_string(round) + ";");
    }
    EXPECT_EQ(loop.reactor().turn(milliseconds(0)), 60U);
  }
  for (std::size_t index = 0; index < lines.size(); ++index) {
    std::string expected;
    for (int round = 0; round < 20; ++round) {
      expected += std::to_string(index) + "," + std::to_string(round) + ";";
    }
    EXPECT_EQ(lines[index]->peer.take_all(), expected);
    EXPECT_FALSE(started[index]->is_done());
  }
}

TEST_F(ReactorBatchTest, LargeMessagesArriveWholeAndInOrder) {
  open(8, echo_large);
  std::string text;
  for (int i = 0; text.size() < (2U << 20U); ++i) text += std::to_string(i) + ",";
  std::vector<std::size_t> sent(lines.size(), 0);
  ASSERT_TRUE(loop.run_until([&] {
    bool is_done = true;
    for (std::size_t index = 0; index < lines.size(); ++index) {
      testing::Peer& peer = lines[index]->peer;
      sent[index] += peer.send(std::string_view(text).substr(sent[index]));
      peer.take();
      is_done = is_done && peer.received().size() == text.size();
    }
    return is_done;
  }));
  for (const auto& line : lines) EXPECT_EQ(line->peer.received(), text);
}

TEST_F(ReactorBatchTest, EachHearsHowItsOwnReadEnded) {
  open(4, echo_small);
  lines[0]->peer.send("text");
  lines[1]->peer.finish_sending();
  lines[2]->peer.send("last");
  lines[2]->peer.finish_sending();
  lines[3]->peer.close();
  loop.settle();
  EXPECT_EQ(lines[0]->peer.take_all(), "text");
  EXPECT_FALSE(started[0]->is_done());
  EXPECT_EQ(started[1]->result(), IoError::eof);
  EXPECT_EQ(lines[2]->peer.take_all(), "last");
  EXPECT_EQ(started[2]->result(), IoError::eof);
  EXPECT_EQ(started[3]->result(), IoError::eof);
}

/// Reads one message and answers with so much that the kernel does not take it at once.
Task<IoError> answer_much(Stream& stream) {
  const IoError error = co_await stream.read(seconds(60));
  if (error != IoError::none) co_return error;
  co_return co_await testing::write(stream, std::string(4 << 20, 'z'), seconds(60));
}

TEST_F(ReactorBatchTest, WritesThatTheBatchCouldNotFinishGoOnByThemselves) {
  open(3, answer_much);
  send_to_all("?");
  lines[1]->peer.take();
  loop.settle();
  for (const auto& one : started) EXPECT_FALSE(one->is_done());
  EXPECT_FALSE(loop.wheel().is_empty()) << "each has a deadline";
  ASSERT_TRUE(loop.run_until([&] {
    lines[0]->peer.take();
    lines[2]->peer.take();
    return started[0]->is_done() && started[2]->is_done();
  }));
  EXPECT_EQ(started[0]->result(), IoError::none);
  EXPECT_EQ(started[2]->result(), IoError::none);
  EXPECT_EQ(lines[0]->peer.take_all().size(), 4U << 20U);
  loop.pass(seconds(61));
  EXPECT_EQ(started[1]->result(), IoError::timeout);
}

/// Reads one message, and answers it on a stream whose peer may be gone.
Task<IoError> answer_on(Stream& asked, Stream& answers) {
  const IoError error = co_await asked.read(seconds(60));
  if (error != IoError::none) co_return error;
  co_return co_await testing::write(answers, "answer", seconds(60));
}

TEST_F(ReactorBatchTest, EachHearsHowItsOwnWriteEnded) {
  Line broken(loop);
  Line sound(loop);
  Line asks_broken(loop);
  Line asks_sound(loop);
  Running<IoError> fails(answer_on(*asks_broken.stream, *broken.stream));
  Running<IoError> goes(answer_on(*asks_sound.stream, *sound.stream));
  loop.settle();
  broken.peer.close();
  asks_broken.peer.send("?");
  asks_sound.peer.send("?");
  loop.settle();
  EXPECT_EQ(fails.result(), IoError::reset);
  EXPECT_EQ(goes.result(), IoError::none);
  EXPECT_EQ(sound.peer.take_all(), "answer");
}

/// As what splices does before it moves octets itself.
Task<IoError> wait_until_readable(Stream& stream) {
  co_return co_await stream.readable(seconds(60));
}

TEST_F(ReactorBatchTest, WhoOnlyWaitsIsToldAndNothingIsTakenFromIt) {
  open(3, wait_until_readable);
  Line other(loop);
  const testing::Abandoned echoing = echo_abandoned(*other.stream);
  loop.settle();
  send_to_all("left alone");
  other.peer.send("echoed");
  loop.settle();
  for (std::size_t index = 0; index < lines.size(); ++index) {
    EXPECT_EQ(started[index]->result(), IoError::none);
    EXPECT_TRUE(lines[index]->stream->in().is_empty());
    EXPECT_TRUE(lines[index]->stream->has_unread());
  }
  EXPECT_EQ(other.peer.take_all(), "echoed");
}

/// Acts on the event of its own descriptor.
struct ActsOnEvent final : Polled {
  void note(std::uint32_t /*events*/) noexcept override {}
  void act() override { on_act(); }
  std::function<void()> on_act;
};

TEST_F(ReactorBatchTest, OneThatIsDisposedOfBehindItsReceiveIsNotTouched) {
  Line first(loop);
  Line disposed(loop);
  const testing::Abandoned echoing = echo_abandoned(*disposed.stream);
  open(2, echo_small);
  ActsOnEvent disposes;
  bool has_acted = false;
  disposes.on_act = [&] {
    has_acted = true;
    disposed.stream.reset();
  };
  // Its event is the first, so that it acts when the streams have received.
  ASSERT_TRUE(loop.reactor().add(first.peer.descriptor(), disposes, EPOLLIN | EPOLLET));
  ASSERT_EQ(::send(first.stream->descriptor(), "x", 1, 0), 1);
  disposed.peer.send("text");
  send_to_all("text");
  loop.settle();
  loop.reactor().remove(first.peer.descriptor());
  EXPECT_TRUE(has_acted);
  EXPECT_EQ(disposed.peer.take_all(), "");
  EXPECT_TRUE(disposed.peer.is_ended());
  for (const auto& line : lines) EXPECT_EQ(line->peer.take_all(), "text");
}

TEST_F(ReactorBatchTest, AStreamHasItsShareOfATurnAndGoesOnInTheNext) {
  open(2, echo_small);
  const std::string much(100 * BlockPool::small_block, 'y');
  std::size_t sent = lines[0]->peer.send(much);
  ASSERT_GT(sent, 18 * BlockPool::small_block);
  lines[1]->peer.send("text");
  loop.reactor().turn(milliseconds(0));
  EXPECT_EQ(lines[0]->peer.take_all().size(), 16 * BlockPool::small_block);
  EXPECT_EQ(lines[1]->peer.take_all(), "text");
  ASSERT_TRUE(loop.run_until([&] {
    sent += lines[0]->peer.send(std::string_view(much).substr(sent));
    lines[0]->peer.take();
    return lines[0]->peer.received().size() == much.size();
  }));
}

TEST_F(ReactorBatchTest, AWriteOfNothingMakesNoCall) {
  // A peer that has gone would be noticed by a call.
  Line gone(loop);
  gone.peer.close();
  open(2, [&](Stream& stream) -> Task<IoError> {
    return [](Stream& asked, Stream& answers) -> Task<IoError> {
      const IoError error = co_await asked.read(seconds(60));
      if (error != IoError::none) co_return error;
      co_return co_await answers.write({}, seconds(60));
    }(stream, *gone.stream);
  });
  lines[0]->peer.send("?");
  loop.settle();
  EXPECT_EQ(started[0]->result(), IoError::none);
}

}  // namespace
}  // namespace sluice::proxy
