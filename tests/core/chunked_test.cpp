#include "core/chunked.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/core/chunk_text.hpp"

namespace sluice::core {
namespace {

using namespace std::string_literals;
using DecodeStatus = ChunkDecoder::Status;
using text::decode;
using text::decode_octets;
using text::decode_whole;
using text::Decoded;

TEST(ChunkDecoderTest, ValidCodingsDecodeWholeAndInSingleOctets) {
  const std::pair<std::string, std::string> cases[] = {
      {"0\r\n\r\n", ""},
      {"0000000000000000\r\n\r\n", ""},
      {"5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"000000000000000a\r\n0123456789\r\n000\r\n\r\n", "0123456789"},
      {"A\r\n0123456789\r\n1\r\n!\r\n0\r\n\r\n", "0123456789!"},
      {"5;a=b;c=\"d\"\r\nhello\r\n0;last\r\n\r\n", "hello"},
      {"5 \t;a\r\nhello\r\n0\r\n\r\n", "hello"},
      {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
      {"7\r\n0\r\n\r\nab\r\n0\r\n\r\n", "0\r\n\r\nab"},
      {"3\r\n\0\r\n\r\n0\r\n\r\n"s, "\0\r\n"s},
      {"1\r\nx\r\n0\r\nX-A: b\r\n\r\n", "x"},
  };
  for (const auto& [coding, body] : cases) {
    for (const Decoded& result : {decode_whole(coding), decode_octets(coding)}) {
      EXPECT_EQ(result.status, DecodeStatus::done) << coding;
      EXPECT_EQ(result.body, body) << coding;
      EXPECT_EQ(result.consumed, coding.size()) << coding;
    }
  }
}

TEST(ChunkDecoderTest, BrokenCodingsAreBadWholeAndInSingleOctets) {
  for (const std::string& coding : {
           "\r\n"s,
           "\n"s,
           ";a\r\n"s,
           " 5\r\nhello\r\n"s,
           "\t5\r\nhello\r\n"s,
           "+5\r\nhello\r\n"s,
           "-5\r\nhello\r\n"s,
           "0x5\r\nhello\r\n"s,
           "x\r\n"s,
           "g\r\n"s,
           "5g\r\n"s,
           "5_0\r\n"s,
           "5 \r\nhello\r\n"s,
           "5\t\r\nhello\r\n"s,
           "5 5\r\nhello\r\n"s,
           "5,5\r\nhello\r\n"s,
           "5.\r\nhello\r\n"s,
           "5h\r\nhello\r\n"s,
           "5\nhello\r\n0\r\n\r\n"s,
           "5\r\rhello\r\n0\r\n\r\n"s,
           "5\rhello\r\n0\r\n\r\n"s,
           "5\r\nhello\n0\r\n\r\n"s,
           "5\r\nhello\r0\r\n\r\n"s,
           "5\r\nhello0\r\n\r\n"s,
           "5\r\nhellox\r\n0\r\n\r\n"s,
           "4\r\nhello\r\n0\r\n\r\n"s,
           "6\r\nhello\r\n0\r\n\r\n"s,
           "5;a\nhello\r\n0\r\n\r\n"s,
           "5;a\rb\r\nhello\r\n0\r\n\r\n"s,
           "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"s,
           "5;a\0b\r\nhello\r\n0\r\n\r\n"s,
           "5\0\r\nhello\r\n"s,
           "5;\x7f\r\nhello\r\n"s,
           "\xb5\r\nhello\r\n"s,
           "0\n\r\n"s,
           "0\r\n\n"s,
           "0\n\n"s,
           "0\r\n\rx\r\n"s,
           "00000000000000005\r\nhello\r\n0\r\n\r\n"s,
           "00000000000000000\r\n\r\n"s,
           "8000000000000000\r\n"s,
           "ffffffffffffffff\r\n"s,
           "10000000000000000\r\n"s,
           "10000000000000005\r\nhello\r\n0\r\n\r\n"s,
           "fffffffffffffffffffff\r\n"s,
       }) {
    EXPECT_EQ(decode_whole(coding).status, DecodeStatus::bad) << coding;
    EXPECT_EQ(decode_octets(coding).status, DecodeStatus::bad) << coding;
  }
}

TEST(ChunkDecoderTest, BrokenTrailersAreBad) {
  for (const std::string& trailer : {
           "no colon\r\n"s,
           ": x\r\n"s,
           "A : b\r\n"s,
           " A: b\r\n"s,
           "\tA: b\r\n"s,
           "A: b\r\n c\r\n"s,
           "A: b\r\n\tc\r\n"s,
           "A: b\n"s,
           "A: b\rc\r\n"s,
           "A: b\r\r\n"s,
           "A: \0\r\n"s,
           "A: \x7f\r\n"s,
           "A(b): c\r\n"s,
           "\xc3: c\r\n"s,
           "Content-Length : 5\r\n"s,
           "Host: a\nX: b\r\n"s,
       }) {
    EXPECT_EQ(decode_whole("0\r\n" + trailer + "\r\n").status, DecodeStatus::bad) << trailer;
    EXPECT_EQ(decode_octets("0\r\n" + trailer + "\r\n").status, DecodeStatus::bad) << trailer;
  }
}

TEST(ChunkDecoderTest, LargestSizeIsReadAndCounted) {
  ChunkDecoder decoder;
  const auto piece = decoder.feed("7fffffffffffffff\r\nabc");
  EXPECT_EQ(piece.status, DecodeStatus::data);
  EXPECT_EQ(piece.data, "abc");
  EXPECT_EQ(decoder.feed("0\r\n\r\n").status, DecodeStatus::data);
}

TEST(ChunkDecoderTest, SizeLineIsBounded) {
  const std::string longest = "1;" + std::string(ChunkDecoder::max_line - 2, 'x');
  EXPECT_EQ(decode_whole(longest + "\r\na\r\n0\r\n\r\n").status, DecodeStatus::done);
  EXPECT_EQ(decode_whole(longest + "x\r\na\r\n0\r\n\r\n").status, DecodeStatus::bad);
  EXPECT_EQ(decode_whole("1" + std::string(ChunkDecoder::max_line, ' ')).status, DecodeStatus::bad);
}

TEST(ChunkDecoderTest, ExtensionsOverManyChunksAreBounded) {
  const std::string chunk = "1;" + std::string(500, 'x') + "\r\na\r\n";
  std::string coding;
  for (int i = 0; i < 100; ++i) coding += chunk;
  const Decoded result = decode_whole(coding);
  EXPECT_EQ(result.status, DecodeStatus::bad);
  EXPECT_LT(result.consumed, 2 * ChunkDecoder::max_excess);
}

TEST(ChunkDecoderTest, SmallChunksAndSignedChunksAreNotExcessive) {
  std::string tiny;
  for (int i = 0; i < 20000; ++i) tiny += "1\r\na\r\n";
  EXPECT_EQ(decode_whole(tiny + "0\r\n\r\n").body.size(), 20000U);
  std::string with_signature;
  const std::string data(1024, 'd');
  for (int i = 0; i < 2000; ++i) {
    with_signature += "400;chunk-signature=" + std::string(64, 'f') + "\r\n" + data + "\r\n";
  }
  EXPECT_EQ(decode_whole(with_signature + "0\r\n\r\n").status, DecodeStatus::done);
}

TEST(ChunkDecoderTest, ExtensionsOfOneBodyDoNotCountForTheNext) {
  std::string coding;
  for (int i = 0; i < 20; ++i) coding += "1;" + std::string(800, 'x') + "\r\na\r\n";
  coding += "0\r\n\r\n";
  ChunkDecoder decoder;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(decode(decoder, coding, [] { return std::size_t{4096}; }).status, DecodeStatus::done)
        << i;
    decoder.reset();
  }
}

TEST(ChunkDecoderTest, TrailerSectionIsBounded) {
  const std::string line = "X: " + std::string(1019, 'x') + "\r\n";
  ASSERT_EQ(line.size(), 1024U);
  std::string section;
  for (int i = 0; i < 7; ++i) section += line;
  EXPECT_EQ(decode_whole("0\r\n" + section + "\r\n").status, DecodeStatus::done);
  section += line;
  EXPECT_EQ(decode_whole("0\r\n" + section + "\r\n").status, DecodeStatus::bad);
  EXPECT_EQ(decode_octets("0\r\nX: " + std::string(ChunkDecoder::max_trailers, 'x')).status,
            DecodeStatus::bad);
}

TEST(ChunkDecoderTest, HarmlessTrailersAreKeptInOrder) {
  const std::string coding =
      "1\r\nx\r\n0\r\nGrpc-Status: 0\r\nX-Sum:  a\t\xe4 \r\nEmpty:\r\nContent-Digest:x\r\n"
      "X-Sum: b\r\n\r\n";
  for (const Decoded& result : {decode_whole(coding), decode_octets(coding)}) {
    EXPECT_EQ(result.status, DecodeStatus::done);
    EXPECT_EQ(result.trailers,
              "Grpc-Status: 0\r\nX-Sum: a\t\xe4\r\nEmpty: \r\nContent-Digest: x\r\nX-Sum: b\r\n");
  }
}

TEST(ChunkDecoderTest, TrailersWithAMeaningForTheHeadAreDropped) {
  for (const std::string name : {"Transfer-Encoding",
                                 "CONTENT-LENGTH",
                                 "Host",
                                 "Authorization",
                                 "Proxy-Authorization",
                                 "Cookie",
                                 "Set-Cookie",
                                 "Content-Type",
                                 "Content-Encoding",
                                 "Content-Range",
                                 "Trailer",
                                 "Connection",
                                 "Keep-Alive",
                                 "TE",
                                 "Upgrade",
                                 "Via",
                                 "Expect",
                                 "Max-Forwards",
                                 "If-Match",
                                 "If-None-Match",
                                 "Range",
                                 "Cache-Control",
                                 "WWW-Authenticate",
                                 "Location",
                                 "Vary",
                                 "X-Forwarded-For",
                                 "X-Forwarded-Port",
                                 "Forwarded",
                                 "X-Request-Id",
                                 "traceparent",
                                 "Age",
                                 "Date",
                                 "Sec-WebSocket-Key",
                                 "Access-Control-Allow-Origin"}) {
    const Decoded result = decode_whole("0\r\nA: 1\r\n" + name + ": x\r\nB: 2\r\n\r\n");
    EXPECT_EQ(result.status, DecodeStatus::done) << name;
    EXPECT_EQ(result.trailers, "A: 1\r\nB: 2\r\n") << name;
  }
}

TEST(ChunkDecoderTest, OctetsOfTheNextMessageAreLeftAlone) {
  const std::string body = "3\r\nabc\r\n0\r\nX: y\r\n\r\n";
  const Decoded result = decode_whole(body + "GET / HTTP/1.1\r\n");
  EXPECT_EQ(result.status, DecodeStatus::done);
  EXPECT_EQ(result.consumed, body.size());
}

TEST(ChunkDecoderTest, StaysWhereItEnded) {
  ChunkDecoder decoder;
  ASSERT_EQ(decoder.feed("0\r\n\r\n").status, DecodeStatus::done);
  EXPECT_EQ(decoder.feed("5\r\nhello").status, DecodeStatus::done);
  EXPECT_EQ(decoder.feed("5\r\nhello").consumed, 0U);
  decoder.reset();
  ASSERT_EQ(decoder.feed("x").status, DecodeStatus::bad);
  EXPECT_EQ(decoder.feed("5\r\nhello").status, DecodeStatus::bad);
  EXPECT_EQ(decoder.feed("").consumed, 0U);
}

TEST(ChunkDecoderTest, ResetForgetsEverything) {
  ChunkDecoder decoder;
  const std::string good = "2;a\r\nok\r\n0\r\nA: b\r\n\r\n";
  for (const std::string& before :
       {""s, "5"s, "5 "s, "5;a"s, "5\r"s, "5\r\nhel"s, "5\r\nhello"s, "5\r\nhello\r"s,
        "0\r\nHalf: trai"s, "0\r\nA: b\r\n"s, "zz"s, good, "1;"s + std::string(2000, 'x')}) {
    decoder.feed(before);
    decoder.feed("");
    decoder.reset();
    EXPECT_EQ(decoder.trailers(), "");
    const Decoded result = decode(decoder, good, [&good] { return good.size(); });
    EXPECT_EQ(result.status, DecodeStatus::done) << before;
    EXPECT_EQ(result.body, "ok") << before;
    EXPECT_EQ(result.trailers, "A: b\r\n") << before;
    decoder.reset();
  }
}

TEST(ChunkDecoderTest, EveryPrefixOfACodingAsksForMore) {
  const std::string coding = "4;x=y\r\nwxyz\r\n00c\r\n0\r\n\r\n0\r\n\r\n!!\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t size = 1; size < coding.size(); ++size) {
    const DecodeStatus status = decode_whole(coding.substr(0, size)).status;
    EXPECT_TRUE(status == DecodeStatus::more || status == DecodeStatus::data) << size;
  }
  EXPECT_EQ(decode_whole(coding).body, "wxyz0\r\n\r\n0\r\n\r\n!!");
}

TEST(WriteChunkSizeTest, WritesLowerCaseHexAndCrLf) {
  const std::pair<std::uint64_t, std::string> cases[] = {
      {1, "1\r\n"},
      {10, "a\r\n"},
      {416, "1a0\r\n"},
      {65536, "10000\r\n"},
      {0x7fffffffffffffffU, "7fffffffffffffff\r\n"},
      {0xffffffffffffffffU, "ffffffffffffffff\r\n"},
  };
  for (const auto& [size, line] : cases) {
    char out[chunk_size_room];
    EXPECT_EQ(std::string(out, write_chunk_size(out, size)), line);
  }
}

}  // namespace
}  // namespace sluice::core
