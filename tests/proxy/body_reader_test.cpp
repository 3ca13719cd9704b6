#include "proxy/body_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace sluice::proxy {
namespace {

using core::BodyKind;
using ReadStatus = BodyReader::Status;

/// Feeds `wire` in pieces of `step` octets; what is left over stays in `rest`.
struct Reading {
  Reading(BodyReader& reader, std::string_view wire, std::size_t step) {
    std::size_t given = 0;
    std::string_view received;
    while (status == ReadStatus::more && given < wire.size()) {
      const std::size_t more = std::min(step, wire.size() - given);
      received = wire.substr(given - received.size(), received.size() + more);
      given += more;
      do {
        const BodyReader::Piece piece = reader.next(received);
        status = piece.status;
        data.append(piece.data);
        received.remove_prefix(piece.consumed);
        if (status == ReadStatus::data && reader.is_done()) status = ReadStatus::done;
      } while (status == ReadStatus::data);
    }
    rest = std::string(received) + std::string(wire.substr(given));
  }
  ReadStatus status = ReadStatus::more;
  std::string data;
  std::string rest;
};

BodyReader started(BodyKind kind, std::uint64_t length = 0, std::uint64_t limit = 0) {
  BodyReader reader;
  reader.start({kind, length}, limit);
  return reader;
}

TEST(BodyReaderTest, NoBodyIsDoneAtOnceAndTakesNothing) {
  for (BodyReader reader : {started(BodyKind::none), started(BodyKind::length, 0), BodyReader{}}) {
    EXPECT_TRUE(reader.is_done());
    const BodyReader::Piece piece = reader.next("GET / HTTP/1.1");
    EXPECT_EQ(piece.status, ReadStatus::done);
    EXPECT_EQ(piece.consumed, 0U);
    EXPECT_TRUE(reader.end_at_close());
  }
}

TEST(BodyReaderTest, ABodyOfKnownLengthEndsExactlyThere) {
  for (std::size_t step = 1; step <= 12; ++step) {
    BodyReader reader = started(BodyKind::length, 5);
    const Reading reading(reader, "12345GET /", step);
    EXPECT_EQ(reading.data, "12345");
    EXPECT_EQ(reading.rest, "GET /");
    EXPECT_TRUE(reader.is_done());
    EXPECT_EQ(reader.octets(), 5U);
  }
}

TEST(BodyReaderTest, AChunkedBodyEndsBehindItsTrailers) {
  const std::string wire = "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nDigest: 1\r\n\r\nGET /";
  for (std::size_t step = 1; step <= wire.size(); ++step) {
    BodyReader reader = started(BodyKind::chunked);
    const Reading reading(reader, wire, step);
    EXPECT_EQ(reading.status, ReadStatus::done);
    EXPECT_EQ(reading.data, "abcde");
    EXPECT_EQ(reading.rest, "GET /");
    EXPECT_EQ(reader.trailers(), "Digest: 1\r\n");
    EXPECT_EQ(reader.octets(), 5U);
  }
}

TEST(BodyReaderTest, ABrokenCodingIsBad) {
  for (std::size_t step = 1; step <= 9; ++step) {
    BodyReader reader = started(BodyKind::chunked);
    const Reading reading(reader, "3\r\nabcX\r\n", step);
    EXPECT_EQ(reading.status, ReadStatus::bad);
    EXPECT_FALSE(reader.is_done());
  }
}

TEST(BodyReaderTest, AChunkedBodyMayHaveExactlyItsLimit) {
  BodyReader exact = started(BodyKind::chunked, 0, 5);
  EXPECT_EQ(Reading(exact, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 100).status, ReadStatus::done);
  for (std::size_t step = 1; step <= 20; ++step) {
    BodyReader over = started(BodyKind::chunked, 0, 4);
    const Reading reading(over, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", step);
    EXPECT_EQ(reading.status, ReadStatus::too_large);
    EXPECT_LE(reading.data.size(), 4U) << "nothing beyond the limit is handed on";
    EXPECT_FALSE(over.is_done());
  }
}

TEST(BodyReaderTest, OnlyABodyThatTheCloseEndsIsCompletedByIt) {
  BodyReader open = started(BodyKind::until_close);
  EXPECT_EQ(Reading(open, "anything at all", 4).data, "anything at all");
  EXPECT_FALSE(open.is_done());
  EXPECT_EQ(open.next("").status, ReadStatus::more);
  EXPECT_TRUE(open.end_at_close());
  EXPECT_TRUE(open.is_done());

  BodyReader length = started(BodyKind::length, 5);
  length.next("1234");
  EXPECT_FALSE(length.end_at_close());
  BodyReader chunked = started(BodyKind::chunked);
  chunked.next("3\r\nabc\r\n0\r\n");
  EXPECT_FALSE(chunked.end_at_close());
}

TEST(BodyReaderTest, ServesOneBodyAfterTheOther) {
  BodyReader reader;
  for (int round = 0; round < 3; ++round) {
    reader.start({BodyKind::chunked, 0}, 0);
    EXPECT_FALSE(reader.is_done());
    EXPECT_EQ(Reading(reader, "1\r\na\r\n0\r\nX: 1\r\n\r\n", 2).data, "a");
    EXPECT_EQ(reader.trailers(), "X: 1\r\n");
    reader.start({BodyKind::length, 2}, 0);
    EXPECT_EQ(Reading(reader, "bc", 1).data, "bc");
    EXPECT_EQ(reader.octets(), 2U);
  }
}

TEST(BodyReaderTest, ALengthBeyondMemoryIsJustANumber) {
  BodyReader reader = started(BodyKind::length, std::uint64_t{1} << 62U);
  EXPECT_EQ(reader.next("abc").status, ReadStatus::data);
  EXPECT_FALSE(reader.is_done());
}

}  // namespace
}  // namespace sluice::proxy
