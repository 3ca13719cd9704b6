#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice::proxy {

/// Blocks for read buffers, recycled inside one thread.
class BlockPool {
 public:
  static constexpr std::size_t small_block = 8 * 1024;   ///< heads and small messages
  static constexpr std::size_t large_block = 64 * 1024;  ///< bodies

  struct Block {
    std::unique_ptr<char[]> octets;
    std::size_t capacity = 0;
  };

  /// A block of at least `size` octets.
  Block take(std::size_t size);
  void give_back(Block block);

 private:
  std::vector<Block> small_;
  std::vector<Block> large_;
};

/// Octets that were received and not used yet, in one piece. Views stay valid until the next
/// make_room(), release() or reset.
class ReadBuffer {
 public:
  explicit ReadBuffer(BlockPool& pool) : pool_(&pool) {}
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;
  ~ReadBuffer() { give_block_back(); }

  std::string_view view() const { return {block_.octets.get() + begin_, end_ - begin_}; }
  bool is_empty() const { return begin_ == end_; }
  void consume(std::size_t size) { begin_ += size; }

  /// Makes at least one octet of room, by moving what is there to the front or into a larger block.
  /// `capacity` is how large the block should be.
  void make_room(std::size_t capacity);
  char* tail() { return block_.octets.get() + end_; }
  std::size_t room() const { return block_.capacity - end_; }
  void commit(std::size_t size) { end_ += size; }

  /// Throws away what is there and gives the block back.
  void clear();
  /// Gives the block back when nothing is in it.
  void release_if_empty();
  std::size_t capacity() const { return block_.capacity; }

 private:
  void give_block_back();
  BlockPool* pool_;
  BlockPool::Block block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace sluice::proxy
