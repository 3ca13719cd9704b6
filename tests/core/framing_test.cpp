#include "core/framing.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/core/head_text.hpp"

namespace sluice::core {
namespace {

using namespace std::string_literals;

Result<BodyFraming, Refusal> framed(const std::string& fields, const std::string& version = "1.1") {
  const text::Request request("POST / HTTP/" + version + "\r\n" + fields + "\r\n");
  return frame_request(request.head);
}

Result<BodyFraming, Refusal> framed_answer(const std::string& fields, unsigned status = 200,
                                           bool to_head = false,
                                           const std::string& version = "1.1") {
  const text::Response response("HTTP/" + version + " " + std::to_string(status) + " R\r\n" +
                                fields + "\r\n");
  return frame_response(response.head, to_head);
}

const std::vector<std::string>& conflicting_fields() {
  static const std::vector<std::string> all = {
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length:\r\n",
      "Transfer-Encoding: identity\r\n",
      "Transfer-Encoding:\r\n",
      "Transfer-Encoding: gzip\r\n",
      "Transfer-Encoding: gzip, chunked\r\n",
      "Transfer-Encoding: chunked, gzip\r\n",
      "Transfer-Encoding: chunked, chunked\r\n",
      "Transfer-Encoding: chunked,\r\n",
      "Transfer-Encoding: , chunked\r\n",
      "Transfer-Encoding: chunked;q=1\r\n",
      "Transfer-Encoding: chunked;\r\n",
      "Transfer-Encoding: \"chunked\"\r\n",
      "Transfer-Encoding: xchunked\r\n",
      "Transfer-Encoding: chunke\r\n",
      "Transfer-Encoding: chunked x\r\n",
      "Transfer-Encoding: \x0b"
      "chunked\r\n",
      "Transfer-Encoding: chunked\x0c\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
      "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
      "transfer-encoding: chunked\r\nTRANSFER-ENCODING: chunked\r\n",
      "Content-Length: 5\r\nContent-Length: 6\r\n",
      "Content-Length: 5\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nX-A: b\r\ncontent-length: 5\r\n",
      "Content-Length: 5, 5\r\n",
      "Content-Length: 5,\r\n",
      "Content-Length:\r\n",
      "Content-Length: +5\r\n",
      "Content-Length: -5\r\n",
      "Content-Length: -0\r\n",
      "Content-Length: 0x5\r\n",
      "Content-Length: 5a\r\n",
      "Content-Length: 5 5\r\n",
      "Content-Length: 5\t5\r\n",
      "Content-Length: 5.0\r\n",
      "Content-Length: 1e3\r\n",
      "Content-Length: 1_000\r\n",
      "Content-Length: \"5\"\r\n",
      "Content-Length: 5;a=b\r\n",
      "Content-Length: \x0b"
      "5\r\n",
      "Content-Length: 9223372036854775808\r\n",
      "Content-Length: 18446744073709551616\r\n",
      "Content-Length: 18446744073709551621\r\n",
      "Content-Length: 99999999999999999999999999\r\n",
      "Content-Length: 00000000000000000005\r\n",
      "Content-Length: \xd9\xa5\r\n",
  };
  return all;
}

TEST(FrameRequestTest, RefusesEveryConflict) {
  for (const std::string& fields : conflicting_fields()) {
    const auto result = framed("Host: a\r\n" + fields);
    ASSERT_FALSE(result.ok()) << fields;
    EXPECT_EQ(result.error().status, 400U) << fields;
    EXPECT_FALSE(result.error().detail.empty()) << fields;
  }
}

TEST(FrameRequestTest, TransferEncodingInHttp10IsRefused) {
  EXPECT_FALSE(framed("Transfer-Encoding: chunked\r\n", "1.0").ok());
  EXPECT_TRUE(framed("Content-Length: 5\r\n", "1.0").ok());
}

TEST(FrameRequestTest, ChunkedInAnyCase) {
  for (const std::string value : {"chunked", "Chunked", "CHUNKED", "\t chunked \t"}) {
    const auto result = framed("Transfer-Encoding: " + value + "\r\n");
    ASSERT_TRUE(result.ok()) << value;
    EXPECT_EQ(*result, (BodyFraming{BodyKind::chunked, 0}));
  }
}

TEST(FrameRequestTest, LengthsAreReadExactly) {
  const std::pair<std::string, std::uint64_t> cases[] = {{"0", 0},
                                                         {"00", 0},
                                                         {"5", 5},
                                                         {"0005", 5},
                                                         {"\t 42 ", 42},
                                                         {"4294967296", 4294967296U},
                                                         {"9223372036854775807", INT64_MAX}};
  for (const auto& [value, length] : cases) {
    const auto result = framed("Content-Length: " + value + "\r\n");
    ASSERT_TRUE(result.ok()) << value;
    EXPECT_EQ(*result, (BodyFraming{BodyKind::length, length})) << value;
  }
}

TEST(FrameRequestTest, NoFramingFieldMeansNoBody) {
  const auto result = framed("Content-Type: text/plain\r\nX-Content-Length: 5\r\n");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(*result, BodyFraming{});
}

TEST(FrameRequestTest, BodyOnGetIsABody) {
  const text::Request request("GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\n");
  const auto result = frame_request(request.head);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(*result, (BodyFraming{BodyKind::length, 3}));
}

TEST(FrameRequestTest, ConnectionOptionsAreBounded) {
  std::string options = "a";
  for (std::size_t i = 1; i < max_connection_options; ++i) options += ",a";
  EXPECT_TRUE(framed("Connection: " + options + "\r\n").ok());
  EXPECT_FALSE(framed("Connection: " + options + ",a\r\n").ok());
  EXPECT_FALSE(framed("Connection: " + options + "\r\nConnection: a\r\n").ok());
}

TEST(FrameResponseTest, RefusesConflictsWith502) {
  for (const std::string& fields : conflicting_fields()) {
    const auto result = framed_answer(fields);
    ASSERT_FALSE(result.ok()) << fields;
    EXPECT_EQ(result.error().status, 502U) << fields;
  }
  EXPECT_FALSE(framed_answer("Transfer-Encoding: chunked\r\n", 200, false, "1.0").ok());
}

TEST(FrameResponseTest, BodilessAnswersHaveNoneWhateverTheirFieldsSay) {
  for (const std::string fields :
       {"", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: x\r\n"}) {
    for (const unsigned status : {100U, 101U, 103U, 199U, 204U, 304U}) {
      const auto result = framed_answer(fields, status);
      ASSERT_TRUE(result.ok()) << status << fields;
      EXPECT_EQ(*result, BodyFraming{}) << status << fields;
    }
    const auto to_head = framed_answer(fields, 200, true);
    ASSERT_TRUE(to_head.ok()) << fields;
    EXPECT_EQ(*to_head, BodyFraming{}) << fields;
  }
}

TEST(FrameResponseTest, FramesOtherAnswersByTheirFields) {
  for (const unsigned status : {200U, 205U, 206U, 404U, 500U, 999U}) {
    EXPECT_EQ(*framed_answer("", status), (BodyFraming{BodyKind::until_close, 0}));
    EXPECT_EQ(*framed_answer("Content-Length: 7\r\n", status), (BodyFraming{BodyKind::length, 7}));
    EXPECT_EQ(*framed_answer("Transfer-Encoding: chunked\r\n", status),
              (BodyFraming{BodyKind::chunked, 0}));
  }
}

TEST(FrameResponseTest, ImpossibleStatusIsRefused) {
  for (const unsigned status : {0U, 99U, 1000U}) {
    ResponseHead head;
    head.status = status;
    EXPECT_FALSE(frame_response(head, false).ok()) << status;
    EXPECT_FALSE(frame_response(head, true).ok()) << status;
  }
}

TEST(HeadOctetsTest, WholeHeadsPass) {
  for (const std::string raw : {
           "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET / HTTP/1.1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX: a\tb \t\r\nEmpty:\r\n\r\n",
           "HTTP/1.1 200 \xe4\xff\x80\r\nX: \xc3\xa4\xc3\xb6 long enough for a few words\r\n\r\n",
       }) {
    EXPECT_FALSE(check_head_octets(raw).has_value()) << raw;
  }
}

TEST(HeadOctetsTest, LineEndsAndFoldingAreExact) {
  for (const std::string& raw : {
           ""s,
           "\r\n"s,
           "\r\n\r\n"s,
           "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"s,
           " GET / HTTP/1.1\r\nHost: a\r\n\r\n"s,
           "\tGET / HTTP/1.1\r\nHost: a\r\n\r\n"s,
           "GET / HTTP/1.1\nHost: a\r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: a\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: a\r\n\n"s,
           "GET / HTTP/1.1\r\nHost: a\n\n"s,
           "GET / HTTP/1.1\r\nHost: a\r\rX: y\r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: a\r\n\r"s,
           "GET / HTTP/1.1\r\nHost: a\r\n"s,
           "GET / HTTP/1.1\r\nHost: a"s,
           "GET / HTTP/1.1\r\n Host: a\r\n\r\n"s,
           "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n"s,
       }) {
    const auto refusal = check_head_octets(raw);
    ASSERT_TRUE(refusal.has_value()) << raw;
    EXPECT_EQ(refusal->status, 400U);
  }
}

TEST(HeadOctetsTest, NoControlOctetPassesAnywhere) {
  const std::string good = "GET /path HTTP/1.1\r\nHost: a\r\nX-Long-Name: value \xff\r\n\r\n";
  ASSERT_FALSE(check_head_octets(good).has_value());
  for (std::size_t place = 0; place <= good.size(); ++place) {
    for (unsigned octet = 0; octet < 0x80; octet = octet == 0x1f ? 0x7f : octet + 1) {
      if (octet == '\t') continue;
      std::string raw = good;
      raw.insert(place, 1, static_cast<char>(octet));
      EXPECT_TRUE(check_head_octets(raw).has_value()) << octet << " at " << place;
    }
  }
}

}  // namespace
}  // namespace sluice::core
