#include "core/chunked.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/core/chunk_text.hpp"
#include "tests/core/draws.hpp"

namespace sluice::core {
namespace {

using namespace std::string_literals;
using DecodeStatus = ChunkDecoder::Status;
using text::decode;
using text::decode_whole;
using text::Decoded;

/// A random valid coding of `body`, with zeros before sizes, extensions and trailers.
std::string encode(const std::string& body, Draws& draws) {
  static const std::vector<std::string> extensions = {
      "", "", "", ";a", ";a=b", " ;a=b", ";a=\"x;y\\\"\xe4\"", ";a\t=\t1;b"};
  std::string coding;
  std::size_t at = 0;
  char line[chunk_size_room];
  while (at < body.size()) {
    const std::size_t size = 1 + draws.below(std::min<std::size_t>(body.size() - at, 700));
    coding.append(draws.below(3), '0');
    coding.append(line, write_chunk_size(line, size) - 2);
    coding += extensions[draws.below(extensions.size())] + "\r\n";
    coding.append(body, at, size).append("\r\n");
    at += size;
  }
  coding.append(1 + draws.below(3), '0');
  coding += extensions[draws.below(extensions.size())] + "\r\n";
  for (std::size_t i = draws.below(3); i > 0; --i) coding += "X-Sum: " + std::to_string(i) + "\r\n";
  return coding + "\r\n";
}

TEST(ChunkDecoderPropertyTest, AnyChunkingInAnyPiecesGivesTheBodyBack) {
  Draws draws(20240611);
  ChunkDecoder decoder;
  for (int round = 0; round < 1500; ++round) {
    const std::string body = draws.octets(draws.below(round % 50 == 0 ? 20000 : 600));
    const std::string coding = encode(body, draws);
    const std::size_t largest = 1 + draws.below(300);
    const Decoded result = decode(decoder, coding + draws.octets(draws.below(40)),
                                  [&] { return 1 + draws.below(largest); });
    ASSERT_EQ(result.status, DecodeStatus::done) << round;
    ASSERT_EQ(result.body, body) << round;
    ASSERT_EQ(result.consumed, coding.size()) << round;
    decoder.reset();
  }
}

TEST(ChunkDecoderPropertyTest, MutatedCodingsGiveTheSameAnswerInAnyPieces) {
  Draws draws(7);
  static const std::string loaded = "\r\n\r\n\r\n0123456789abcfF;:\" \t\0\x7f\xff-+x"s;
  std::size_t refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string coding = encode(draws.octets(draws.below(60)), draws);
    for (std::size_t i = 1 + draws.below(3); i > 0; --i) {
      const std::size_t place = draws.below(coding.size());
      const char octet = loaded[draws.below(loaded.size())];
      const std::size_t kind = draws.below(3);
      if (kind == 0) coding[place] = octet;
      if (kind == 1) coding.insert(place, 1, octet);
      if (kind == 2 && coding.size() > 1) coding.erase(place, 1);
    }
    ChunkDecoder decoder;
    const Decoded whole = decode_whole(coding);
    const Decoded pieces = decode(decoder, coding, [&draws] { return 1 + draws.below(9); });
    ASSERT_EQ(whole.status, pieces.status) << round;
    ASSERT_EQ(whole.body, pieces.body) << round;
    ASSERT_EQ(whole.trailers, pieces.trailers) << round;
    ASSERT_LE(whole.consumed, coding.size());
    if (whole.status == DecodeStatus::bad) ++refused;
  }
  EXPECT_GT(refused, 500U);
}

}  // namespace
}  // namespace sluice::core
