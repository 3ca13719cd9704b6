#include "proxy/socket_batch.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "proxy/socket_calls.hpp"
#include "tests/proxy/forbidden_call.hpp"
#include "tests/support/socket.hpp"

namespace sluice::proxy {
namespace {

using Results = std::vector<std::int32_t>;

/// Two connected sockets.
struct Ends : support::SocketPair {
  Ends() : support::SocketPair(support::socket_pair()) {}
  void say(std::string_view text) const {
    EXPECT_EQ(::send(peer.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  std::string heard() const {
    std::string text(1 << 20, '\0');
    const ssize_t size = ::recv(peer.get(), text.data(), text.size(), 0);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
  }
};

iovec piece_of(std::string& text) {
  return {text.data(), text.size()};
}

struct SocketBatchTest : ::testing::Test {
  void SetUp() override {
    if (!batch) GTEST_SKIP() << "the kernel has no io_uring";
  }
  Results run() {
    const auto results = batch->run();
    return {results.begin(), results.end()};
  }
  void receive(const Ends& pair, std::string& room) const {
    batch->receive(pair.ours.get(), room.data(), room.size());
  }
  std::unique_ptr<SocketBatch> batch = SocketBatch::make();
};

TEST_F(SocketBatchTest, ReceivesForEachWhatIsThere) {
  const Ends some;
  const Ends more;
  const Ends nothing;
  const Ends ended;
  some.say("some");
  more.say("more than there is room for");
  EXPECT_EQ(::shutdown(ended.peer.get(), SHUT_WR), 0);
  std::array<std::string, 4> rooms;
  for (std::string& room : rooms) room.resize(10);
  receive(some, rooms[0]);
  receive(more, rooms[1]);
  receive(nothing, rooms[2]);
  receive(ended, rooms[3]);
  EXPECT_EQ(batch->size(), 4U);
  EXPECT_EQ(run(), (Results{4, 10, -EAGAIN, 0}));
  EXPECT_EQ(batch->size(), 0U);
  EXPECT_EQ(rooms[0].substr(0, 4), "some");
  EXPECT_EQ(rooms[1], "more than ");
}

TEST_F(SocketBatchTest, SendsForEachWhatTheKernelTakes) {
  const Ends one;
  const Ends pieces;
  const Ends full;
  std::string text = "text";
  std::string large(4 << 20, 'z');
  std::array<iovec, 1> single{piece_of(text)};
  std::array<iovec, 3> several{piece_of(text), iovec{}, piece_of(text)};
  std::array<iovec, 1> too_large{piece_of(large)};
  batch->send(one.ours.get(), single);
  batch->send(pieces.ours.get(), several);
  batch->send(full.ours.get(), too_large);
  batch->send(full.ours.get(), too_large);
  const Results results = run();
  ASSERT_EQ(results.size(), 4U);
  EXPECT_EQ(results[0], 4);
  EXPECT_EQ(results[1], 8);
  EXPECT_GT(results[2], 0);
  EXPECT_LT(results[2], 4 << 20);
  EXPECT_EQ(results[3], -EAGAIN) << "in the order in which they came";
  EXPECT_EQ(one.heard(), "text");
  EXPECT_EQ(pieces.heard(), "texttext");
}

TEST_F(SocketBatchTest, WhatFailsDoesNotStopTheOthersAndRaisesNoSignal) {
  Ends gone;
  const Ends sound;
  gone.peer.close();
  std::string text = "text";
  std::array<iovec, 1> single{piece_of(text)};
  batch->send(gone.ours.get(), single);
  batch->send(-1, single);
  batch->send(sound.ours.get(), single);
  EXPECT_EQ(run(), (Results{-EPIPE, -EBADF, 4}));
  EXPECT_EQ(sound.heard(), "text");
}

TEST_F(SocketBatchTest, OneByItselfEndsInTheSameWay) {
  const Ends pair;
  std::string room(10, '\0');
  receive(pair, room);
  EXPECT_EQ(run(), (Results{-EAGAIN}));
  pair.say("word");
  receive(pair, room);
  EXPECT_EQ(run(), (Results{4}));
  std::array<iovec, 2> pieces{piece_of(room), piece_of(room)};
  batch->send(pair.ours.get(), pieces);
  EXPECT_EQ(run(), (Results{20}));
  EXPECT_EQ(run(), Results{}) << "nothing at all";
}

TEST_F(SocketBatchTest, GoesRoundItsRingsManyTimes) {
  const Ends pair;
  std::string room(1, '\0');
  std::string octet = "x";
  std::array<iovec, 1> single{piece_of(octet)};
  for (std::size_t round = 0; round < 500; ++round) {
    const std::size_t size = 2 + round % (SocketBatch::capacity / 2 - 1);
    for (std::size_t index = 0; index < size; ++index) {
      batch->send(pair.peer.get(), single);
      receive(pair, room);
    }
    ASSERT_EQ(run(), Results(2 * size, 1)) << "round " << round;
  }
}

TEST_F(SocketBatchTest, IsFullAtItsCapacity) {
  const Ends pair;
  std::string room(1, '\0');
  for (std::size_t index = 0; index < SocketBatch::capacity; ++index) {
    ASSERT_FALSE(batch->is_full());
    receive(pair, room);
  }
  EXPECT_TRUE(batch->is_full());
  EXPECT_EQ(run(), Results(SocketBatch::capacity, -EAGAIN));
  EXPECT_FALSE(batch->is_full());
}

TEST_F(SocketBatchTest, MayMoveToAnotherThread) {
  const Ends pair;
  std::string octet = "x";
  std::array<iovec, 1> single{piece_of(octet)};
  std::thread other([&] {
    batch->send(pair.ours.get(), single);
    batch->send(pair.ours.get(), single);
    EXPECT_EQ(run(), (Results{1, 1}));
  });
  other.join();
  EXPECT_EQ(pair.heard(), "xx");
}

/// Runs `body` on a thread that may not make these calls. False when the kernel cannot forbid them.
template <class Body>
bool run_without(std::vector<int> numbers, Body body) {
  bool is_forbidden = false;
  std::thread other([&] {
    is_forbidden = std::ranges::all_of(numbers, testing::forbid_call);
    if (is_forbidden) body();
  });
  other.join();
  return is_forbidden;
}

TEST_F(SocketBatchTest, MakesNoOtherCallsThanItsOwn) {
  const Ends pair;
  std::string text = "text";
  std::array<iovec, 1> single{piece_of(text)};
  std::array<iovec, 2> two{piece_of(text), piece_of(text)};
  std::string room(4, '\0');
  const bool is_forbidden = run_without({SYS_sendto, SYS_sendmsg, SYS_recvfrom}, [&] {
    batch->send(pair.ours.get(), single);
    batch->send(pair.ours.get(), two);
    batch->receive(pair.peer.get(), room.data(), room.size());
    EXPECT_EQ(run(), (Results{4, 8, 4}));
    // By itself it is an ordinary call.
    batch->send(pair.ours.get(), single);
    EXPECT_EQ(run(), (Results{-EPERM}));
  });
  if (!is_forbidden) GTEST_SKIP() << "no seccomp";
}

TEST_F(SocketBatchTest, WhatTheKernelDoesNotTakeIsMadeOneByOne) {
  const Ends pair;
  std::array<std::string, 3> words{"one ", "two ", "three"};
  std::array<iovec, 3> pieces{piece_of(words[0]), piece_of(words[1]), piece_of(words[2])};
  const bool is_forbidden = run_without({SYS_io_uring_enter}, [&] {
    for (int round = 0; round < 2; ++round) {
      batch->send(pair.ours.get(), std::span(pieces).first(1));
      batch->send(pair.ours.get(), std::span(pieces).subspan(1));
      std::string room(10, '\0');
      receive(pair, room);
      EXPECT_EQ(run(), (Results{4, 9, -EAGAIN}));
    }
  });
  if (!is_forbidden) GTEST_SKIP() << "no seccomp";
  EXPECT_EQ(pair.heard(), "one two threeone two three");
}

TEST(SocketBatchWithoutKernelTest, SaysWhyThereIsNone) {
  for (const int call : {SYS_io_uring_setup, SYS_io_uring_enter}) {
    const bool is_forbidden = run_without({call}, [] {
      errno = 0;
      EXPECT_EQ(SocketBatch::make(), nullptr);
      EXPECT_TRUE(errno == EPERM || errno == ENOSYS) << errno;
    });
    if (!is_forbidden) GTEST_SKIP() << "no seccomp";
  }
}

TEST(SocketBatchWithoutKernelTest, DoesNotPayUnderSanitizersAndIsMeasuredOnce) {
  const bool pays = SocketBatch::pays();
  if (needs_library_calls || !SocketBatch::make()) {
    EXPECT_FALSE(pays);
  }
  EXPECT_EQ(SocketBatch::pays(), pays);
}

}  // namespace
}  // namespace sluice::proxy
