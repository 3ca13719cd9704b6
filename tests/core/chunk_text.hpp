#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/chunked.hpp"

/// Runs a ChunkDecoder over a whole coding, for tests.
namespace sluice::core::text {

struct Decoded {
  ChunkDecoder::Status status =
      ChunkDecoder::Status::more;  ///< done, bad, or more when the input ended too early
  std::string body;
  std::size_t consumed = 0;
  std::string trailers;
};

/// Feeds `coding` in the pieces whose sizes `next_size` gives. Each piece is a heap block of its
/// own, so that a read outside of it is seen by the address sanitizer.
template <class NextSize>
Decoded decode(ChunkDecoder& decoder, const std::string& coding, NextSize next_size) {
  Decoded result;
  std::size_t at = 0;
  while (at < coding.size() && result.status != ChunkDecoder::Status::done &&
         result.status != ChunkDecoder::Status::bad) {
    const std::size_t size = std::min<std::size_t>(next_size(), coding.size() - at);
    const auto block = std::make_unique<char[]>(size);
    std::copy_n(coding.data() + at, size, block.get());
    std::string_view rest(block.get(), size);
    do {
      const auto piece = decoder.feed(rest);
      EXPECT_LE(piece.consumed, rest.size());
      if (piece.status == ChunkDecoder::Status::data) {
        EXPECT_FALSE(piece.data.empty());
        EXPECT_EQ(piece.data.data() + piece.data.size(), rest.data() + piece.consumed);
      } else {
        EXPECT_TRUE(piece.data.empty());
      }
      result.body.append(piece.data);
      result.consumed += piece.consumed;
      result.status = piece.status;
      rest.remove_prefix(piece.consumed);
    } while (result.status == ChunkDecoder::Status::data);
    EXPECT_TRUE(result.status != ChunkDecoder::Status::more || rest.empty());
    at += size;
  }
  result.trailers = decoder.trailers();
  return result;
}

inline Decoded decode_whole(const std::string& coding) {
  ChunkDecoder decoder;
  return decode(decoder, coding, [&coding] { return coding.size(); });
}

inline Decoded decode_octets(const std::string& coding) {
  ChunkDecoder decoder;
  return decode(decoder, coding, [] { return std::size_t{1}; });
}

}  // namespace sluice::core::text
