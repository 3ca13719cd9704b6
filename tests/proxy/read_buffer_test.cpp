#include "proxy/read_buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

namespace sluice::proxy {
namespace {

void put(ReadBuffer& buffer, std::string_view text, std::size_t capacity = BlockPool::small_block) {
  while (!text.empty()) {
    buffer.make_room(capacity);
    const std::size_t size = std::min(buffer.room(), text.size());
    std::memcpy(buffer.tail(), text.data(), size);
    buffer.commit(size);
    text.remove_prefix(size);
  }
}

TEST(ReadBufferTest, HoldsNothingUntilRoomIsMade) {
  BlockPool pool;
  ReadBuffer buffer(pool);
  EXPECT_TRUE(buffer.is_empty());
  EXPECT_EQ(buffer.capacity(), 0U);
  buffer.release_if_empty();
  buffer.make_room(1);
  EXPECT_EQ(buffer.capacity(), BlockPool::small_block);
  EXPECT_EQ(buffer.room(), BlockPool::small_block);
}

TEST(ReadBufferTest, GivesBackWhatWasPutInAfterWhatWasTaken) {
  BlockPool pool;
  ReadBuffer buffer(pool);
  put(buffer, "head body");
  buffer.consume(5);
  EXPECT_EQ(buffer.view(), "body");
  put(buffer, " more");
  EXPECT_EQ(buffer.view(), "body more");
}

TEST(ReadBufferTest, MovesToTheFrontWhenTheBlockIsFull) {
  BlockPool pool;
  ReadBuffer buffer(pool);
  const std::string text(BlockPool::small_block, 'a');
  put(buffer, text);
  EXPECT_EQ(buffer.room(), 0U);
  buffer.consume(text.size() - 3);
  buffer.make_room(BlockPool::small_block);
  EXPECT_EQ(buffer.capacity(), BlockPool::small_block);
  EXPECT_EQ(buffer.room(), BlockPool::small_block - 3);
  EXPECT_EQ(buffer.view(), "aaa");
}

TEST(ReadBufferTest, GrowsWhenNothingCanBeMoved) {
  BlockPool pool;
  ReadBuffer buffer(pool);
  std::string text;
  for (int i = 0; text.size() < 200'000; ++i) text += std::to_string(i);
  put(buffer, text);
  EXPECT_TRUE(buffer.view() == text);
  EXPECT_GE(buffer.capacity(), text.size());
}

TEST(ReadBufferTest, MovesIntoALargerBlockWhenAskedTo) {
  BlockPool pool;
  ReadBuffer buffer(pool);
  put(buffer, "xkept");
  buffer.consume(1);
  buffer.make_room(BlockPool::large_block);
  EXPECT_EQ(buffer.capacity(), BlockPool::large_block);
  EXPECT_EQ(buffer.view(), "kept");
}

TEST(ReadBufferTest, ReleasesItsBlockOnlyWhenEmpty) {
  BlockPool pool;
  ReadBuffer buffer(pool);
  put(buffer, "x");
  buffer.release_if_empty();
  EXPECT_EQ(buffer.view(), "x");
  buffer.consume(1);
  buffer.release_if_empty();
  EXPECT_EQ(buffer.capacity(), 0U);
  put(buffer, "again");
  EXPECT_EQ(buffer.view(), "again");
}

TEST(BlockPoolTest, UsesABlockAgain) {
  BlockPool pool;
  for (const std::size_t size : {BlockPool::small_block, BlockPool::large_block}) {
    BlockPool::Block block = pool.take(size);
    EXPECT_EQ(block.capacity, size);
    const char* octets = block.octets.get();
    pool.give_back(std::move(block));
    EXPECT_EQ(pool.take(size).octets.get(), octets);
  }
}

TEST(BlockPoolTest, GivesAtLeastWhatWasAskedFor) {
  BlockPool pool;
  for (const std::size_t size : {1UL, 8192UL, 8193UL, 65536UL, 65537UL, 1UL << 20U}) {
    BlockPool::Block block = pool.take(size);
    EXPECT_GE(block.capacity, size);
    pool.give_back(std::move(block));
    EXPECT_GE(pool.take(size).capacity, size) << "after one was given back";
  }
}

class ReadBufferModelTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(ReadBufferModelTest, BehavesLikeAString) {
  std::mt19937 random(GetParam());
  BlockPool pool;
  ReadBuffer buffer(pool);
  std::string model;
  std::string fresh;
  for (int step = 0; step < 5000; ++step) {
    switch (random() % 4) {
      case 0:
      case 1: {
        fresh.resize(random() % (random() % 20 == 0 ? 30'000 : 900));
        for (char& octet : fresh) octet = static_cast<char>(random());
        put(buffer, fresh, random() % 8 == 0 ? BlockPool::large_block : BlockPool::small_block);
        model += fresh;
        break;
      }
      case 2: {
        const std::size_t size = random() % 3 == 0 ? model.size() : random() % (model.size() + 1);
        buffer.consume(size);
        model.erase(0, size);
        break;
      }
      default:
        buffer.release_if_empty();
    }
    ASSERT_TRUE(buffer.view() == model) << "in step " << step;
    ASSERT_EQ(buffer.is_empty(), model.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReadBufferModelTest, ::testing::Range(1U, 6U));

}  // namespace
}  // namespace sluice::proxy
