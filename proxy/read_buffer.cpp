#include "proxy/read_buffer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice::proxy {
namespace {
constexpr std::size_t small_blocks_kept = 1024;
constexpr std::size_t large_blocks_kept = 64;
}  // namespace

BlockPool::Block BlockPool::take(std::size_t size) {
  std::vector<Block>* kept = size <= small_block   ? &small_
                             : size <= large_block ? &large_
                                                   : nullptr;
  if (kept != nullptr && !kept->empty()) {
    Block block = std::move(kept->back());
    kept->pop_back();
    return block;
  }
  const std::size_t capacity = kept == &small_ ? small_block : std::max(size, large_block);
  return {std::make_unique_for_overwrite<char[]>(capacity), capacity};
}

void BlockPool::give_back(Block block) {
  if (block.capacity == small_block && small_.size() < small_blocks_kept) {
    small_.push_back(std::move(block));
  } else if (block.capacity == large_block && large_.size() < large_blocks_kept) {
    large_.push_back(std::move(block));
  }
}

void ReadBuffer::make_room(std::size_t capacity) {
  if (is_empty()) begin_ = end_ = 0;
  if (block_.capacity < capacity) {
    BlockPool::Block larger = pool_->take(capacity);
    const std::string_view kept = view();
    if (!kept.empty()) std::memcpy(larger.octets.get(), kept.data(), kept.size());
    give_block_back();
    block_ = std::move(larger);
    begin_ = 0;
    end_ = kept.size();
  }
  if (room() == 0 && begin_ > 0) {
    const std::string_view kept = view();
    std::memmove(block_.octets.get(), kept.data(), kept.size());
    begin_ = 0;
    end_ = kept.size();
  }
  if (room() == 0) make_room(block_.capacity * 2);
}

void ReadBuffer::clear() {
  give_block_back();
  begin_ = end_ = 0;
}

void ReadBuffer::release_if_empty() {
  if (is_empty()) clear();
}

void ReadBuffer::give_block_back() {
  if (block_.capacity != 0) pool_->give_back(std::exchange(block_, {}));
}

}  // namespace sluice::proxy
