#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "proxy/stream.hpp"
#include "tests/proxy/loop.hpp"

namespace sluice::proxy {
namespace {

using testing::Line;
using testing::Loop;
using testing::milliseconds;
using testing::Running;
using testing::seconds;

/// Counts how often a watch was told, and disposes of the stream when asked to.
struct Watcher {
  static void notify(void* owner) {
    auto* self = static_cast<Watcher*>(owner);
    ++self->told;
    self->disposed.reset();
  }
  StreamWatch watch() { return {&Watcher::notify, this}; }
  int told = 0;
  StreamPtr disposed;
};

TEST(StreamReadTest, BringsWhatCameBeforeItWasAskedFor) {
  Loop loop;
  Line line(loop);
  line.peer.send("hello");
  Running<IoError> reading(testing::read(*line.stream, seconds(5)));
  EXPECT_EQ(reading.wait(loop), IoError::none);
  EXPECT_EQ(line.stream->in().view(), "hello");
}

TEST(StreamReadTest, BringsWhatComesWhileItWaits) {
  Loop loop;
  Line line(loop);
  Running<IoError> reading(testing::read(*line.stream, seconds(5)));
  loop.settle();
  EXPECT_FALSE(reading.is_done());
  line.peer.send("later");
  EXPECT_EQ(reading.wait(loop), IoError::none);
  EXPECT_EQ(line.stream->in().view(), "later");
}

TEST(StreamReadTest, AddsToWhatWasNotConsumed) {
  Loop loop;
  Line line(loop);
  line.peer.send("one ");
  EXPECT_EQ(Running<IoError>(testing::read(*line.stream, seconds(5))).wait(loop), IoError::none);
  line.peer.send("two");
  EXPECT_EQ(Running<IoError>(testing::read(*line.stream, seconds(5))).wait(loop), IoError::none);
  EXPECT_EQ(line.stream->in().view(), "one two");
}

TEST(StreamReadTest, ThatSomethingCameIsKnownBeforeItIsRead) {
  Loop loop;
  Line line(loop);
  EXPECT_FALSE(line.stream->has_input());
  line.peer.send("early");
  ASSERT_TRUE(loop.run_until([&] { return line.stream->may_have_input(); }));
  EXPECT_TRUE(line.stream->in().is_empty());
  Running<IoError> reading(testing::read(*line.stream, seconds(5)));
  EXPECT_TRUE(reading.is_done()) << "it was there already";
  EXPECT_FALSE(line.stream->may_have_input());
  EXPECT_EQ(line.stream->in().view(), "early");
}

TEST(StreamReadTest, TheEndIsInputButNothingUnread) {
  Loop loop;
  Line line(loop);
  EXPECT_FALSE(line.stream->has_unread());
  line.peer.send("x");
  ASSERT_TRUE(loop.run_until([&] { return line.stream->has_unread(); }));
  EXPECT_EQ(Running<IoError>(testing::read(*line.stream, seconds(5))).wait(loop), IoError::none);
  line.peer.close();
  ASSERT_TRUE(loop.run_until([&] { return line.stream->has_input(); }));
  EXPECT_FALSE(line.stream->has_unread());
}

TEST(StreamReadTest, AFullBlockMayNotHaveBeenAll) {
  Loop loop;
  Line line(loop);
  const std::string text(BlockPool::small_block, 'x');
  line.peer.send(text);
  Running<IoError> reading(testing::read(*line.stream, seconds(5)));
  EXPECT_EQ(reading.wait(loop), IoError::none);
  EXPECT_TRUE(line.stream->may_have_input());
  EXPECT_FALSE(line.stream->has_input()) << "a look settles it";
  EXPECT_FALSE(line.stream->may_have_input());
}

TEST(StreamReadTest, AnEndBehindAShortReadIsNotForgotten) {
  Loop loop;
  Line line(loop);
  line.peer.send("last");
  line.peer.finish_sending();
  loop.settle();
  Running<IoError> reading(testing::read(*line.stream, seconds(5)));
  EXPECT_EQ(reading.wait(loop), IoError::none);
  EXPECT_TRUE(line.stream->may_have_input());
  EXPECT_FALSE(line.stream->is_broken()) << "the peer still listens";
}

TEST(StreamReadTest, OneStreamDoesNotHoldTheTurn) {
  Loop loop;
  Line line(loop);
  std::string text;
  const std::string part(BlockPool::small_block, 'x');
  for (int i = 0; i < 16; ++i) text += part;
  ASSERT_EQ(line.peer.send(text), text.size());
  loop.settle();
  const std::uint64_t first = loop.reactor().turns();
  for (int i = 0; i < 16; ++i) {
    Running<IoError> reading(testing::read(*line.stream, seconds(5)));
    EXPECT_TRUE(reading.is_done());
    line.stream->in().consume(line.stream->in().view().size());
  }
  line.peer.send("more");
  Running<IoError> reading(testing::read(*line.stream, seconds(5)));
  EXPECT_FALSE(reading.is_done()) << "the others come first";
  EXPECT_EQ(loop.reactor().turns(), first);
  EXPECT_EQ(reading.wait(loop), IoError::none);
  EXPECT_EQ(line.stream->in().view(), "more");
}

TEST(StreamReadTest, SaysEofWhenThePeerFinishes) {
  Loop loop;
  Line line(loop);
  line.peer.send("last");
  line.peer.finish_sending();
  EXPECT_EQ(Running<IoError>(testing::read(*line.stream, seconds(5))).wait(loop), IoError::none);
  EXPECT_EQ(Running<IoError>(testing::read(*line.stream, seconds(5))).wait(loop), IoError::eof);
  EXPECT_EQ(line.stream->in().view(), "last");
}

TEST(StreamReadTest, TimesOutOnlyWhenTheDeadlinePassed) {
  Loop loop;
  Line line(loop);
  Running<IoError> reading(testing::read(*line.stream, seconds(5)));
  loop.pass(seconds(4));
  EXPECT_FALSE(reading.is_done());
  loop.pass(seconds(2));
  EXPECT_EQ(reading.wait(loop), IoError::timeout);
  EXPECT_TRUE(line.stream->is_open());
}

TEST(StreamReadTest, ReadsOnAfterATimeout) {
  Loop loop;
  Line line(loop);
  Running<IoError> late(testing::read(*line.stream, seconds(1)));
  loop.pass(seconds(2));
  EXPECT_EQ(late.wait(loop), IoError::timeout);
  line.peer.send("after");
  EXPECT_EQ(Running<IoError>(testing::read(*line.stream, seconds(60))).wait(loop), IoError::none);
  EXPECT_EQ(line.stream->in().view(), "after");
}

TEST(StreamReadTest, WithoutADeadlineItWaitsForEver) {
  Loop loop;
  Line line(loop);
  Running<IoError> reading(testing::read(*line.stream, milliseconds(0)));
  loop.pass(std::chrono::hours(24));
  EXPECT_FALSE(reading.is_done());
  line.peer.close();
  EXPECT_EQ(reading.wait(loop), IoError::eof);
}

TEST(StreamReadTest, TheDeadlineOfAnAwaitedReadCanBeMoved) {
  Loop loop;
  Line line(loop);
  Running<IoError> reading(testing::read(*line.stream, milliseconds(0)));
  line.stream->rearm_read(seconds(1));
  loop.pass(seconds(2));
  EXPECT_EQ(reading.wait(loop), IoError::timeout);
}

TEST(StreamReadTest, TheDeadlineOfAReadThatEndedDoesNotEndTheNext) {
  Loop loop;
  Line line(loop);
  Running<IoError> first(testing::read(*line.stream, seconds(10)));
  line.peer.send("request");
  EXPECT_EQ(first.wait(loop), IoError::none);
  Watcher watcher;
  line.stream->watch(watcher.watch());
  loop.pass(seconds(60));
  EXPECT_EQ(watcher.told, 0);
  Running<IoError> next(testing::read(*line.stream, milliseconds(0)));
  loop.pass(seconds(60));
  EXPECT_FALSE(next.is_done());
  line.stream->interrupt_read();
  EXPECT_EQ(next.wait(loop), IoError::interrupted);
}

TEST(StreamReadTest, AStreamThatWaitsHoldsNoBlock) {
  Loop loop;
  Line line(loop);
  line.peer.send("part of a body");
  EXPECT_EQ(
      Running<IoError>(testing::read(*line.stream, seconds(60), BlockPool::large_block)).wait(loop),
      IoError::none);
  EXPECT_EQ(line.stream->in().capacity(), BlockPool::large_block);
  line.stream->in().consume(line.stream->in().view().size());
  Running<IoError> waiting(testing::read(*line.stream, seconds(60)));
  loop.settle();
  EXPECT_EQ(line.stream->in().capacity(), 0U);
  line.stream->interrupt_read();
  EXPECT_EQ(waiting.wait(loop), IoError::interrupted);
}

TEST(StreamReadTest, InterruptEndsItAtOnce) {
  Loop loop;
  Line line(loop);
  Running<IoError> reading(testing::read(*line.stream, seconds(60)));
  line.stream->interrupt_read();
  EXPECT_EQ(reading.wait(loop), IoError::interrupted);
  EXPECT_TRUE(line.stream->is_open());
  line.peer.send("goes on");
  EXPECT_EQ(Running<IoError>(testing::read(*line.stream, seconds(60))).wait(loop), IoError::none);
}

TEST(StreamReadTest, InterruptWithoutAReadDoesNothing) {
  Loop loop;
  Line line(loop);
  line.stream->interrupt_read();
  line.peer.send("x");
  EXPECT_EQ(Running<IoError>(testing::read(*line.stream, seconds(60))).wait(loop), IoError::none);
}

TEST(StreamReadTest, CloseEndsItAsInterrupted) {
  Loop loop;
  Line line(loop);
  Running<IoError> reading(testing::read(*line.stream, seconds(60)));
  line.stream->close();
  EXPECT_EQ(reading.wait(loop), IoError::interrupted);
  EXPECT_FALSE(line.stream->is_open());
}

TEST(StreamWatchTest, HearsOfAnEndThatNobodyReads) {
  Loop loop;
  Line line(loop);
  Watcher watcher;
  line.stream->watch(watcher.watch());
  line.peer.close();
  ASSERT_TRUE(loop.run_until([&] { return watcher.told > 0; }));
  EXPECT_TRUE(line.stream->may_have_input());
  EXPECT_EQ(watcher.told, 1);
}

TEST(StreamWatchTest, HearsNothingOfWhatIsRead) {
  Loop loop;
  Line line(loop);
  Watcher watcher;
  line.stream->watch(watcher.watch());
  Running<IoError> reading(testing::read(*line.stream, seconds(60)));
  line.peer.send("x");
  EXPECT_EQ(reading.wait(loop), IoError::none);
  EXPECT_EQ(watcher.told, 0);
}

TEST(StreamWatchTest, HearsOfAnIdleStreamThatExpires) {
  Loop loop;
  Line line(loop);
  EXPECT_FALSE(line.stream->has_input());
  Watcher watcher;
  line.stream->watch(watcher.watch());
  line.stream->expire_idle(seconds(30));
  loop.pass(seconds(29));
  EXPECT_EQ(watcher.told, 0);
  loop.pass(seconds(2));
  EXPECT_EQ(watcher.told, 1);
  EXPECT_FALSE(line.stream->may_have_input());
}

TEST(StreamWatchTest, MayDisposeOfTheStream) {
  Loop loop;
  Line line(loop);
  Watcher watcher;
  line.stream->watch(watcher.watch());
  watcher.disposed = std::move(line.stream);
  line.peer.send("unexpected");
  ASSERT_TRUE(loop.run_until([&] { return watcher.told == 1; }));
  EXPECT_TRUE(loop.run_until([&] { return line.peer.take() == 0 && line.peer.is_ended(); }) ||
              ::send(line.peer.descriptor(), "x", 1, MSG_NOSIGNAL) < 0)
      << "the stream was closed";
}

TEST(StreamDisposeTest, MayComeWhileItsEventIsUnderWay) {
  Loop loop;
  Line line(loop);
  Watcher watcher;
  line.stream->watch(watcher.watch());
  line.peer.send("x");
  line.stream.reset();
  loop.settle();
  EXPECT_EQ(watcher.told, 0);
  EXPECT_EQ(line.peer.take(), 0U);
}

TEST(StreamDisposeTest, TakesItsDeadlinesAlong) {
  Loop loop;
  Line line(loop);
  line.stream->expire_idle(seconds(1));
  EXPECT_FALSE(loop.wheel().is_empty());
  line.stream.reset();
  loop.pass(seconds(5));
  EXPECT_TRUE(loop.wheel().is_empty());
}

}  // namespace
}  // namespace sluice::proxy
