#include "proxy/record.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>
#include <random>
#include <string>

namespace sluice::proxy {
namespace {

namespace json = boost::json;

Record complete_record() {
  Record record;
  record.connect_ns = 1'234'567;
  record.head_ns = 2'000'000;
  record.method = "GET";
  record.host = "shop.example.com";
  record.path = "/a?b=c";
  record.request_id = "0123";
  record.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  record.route = "shop";
  record.pool = "shop-v1";
  record.backend = "127.0.0.1:9001";
  record.why = core::Why::sticky;
  record.attempts = 2;
  record.status = 200;
  record.octets_in = 3;
  record.octets_out = 18'446'744'073'709'551'615U;
  record.generation = 7;
  record.keeps_open = true;
  return record;
}

std::string line_of(const Record& record, std::string_view client = "192.0.2.1:5",
                    std::uint64_t duration_ns = 0, std::int64_t now_ms = 0) {
  std::string line;
  append_log_line(line, record, client, "0.0.0.0:8080", duration_ns, now_ms);
  return line;
}

json::object parsed(const std::string& line) {
  boost::system::error_code error;
  const json::value value = json::parse(line, error);
  EXPECT_FALSE(error) << line;
  return value.is_object() ? value.get_object() : json::object{};
}

TEST(AccessLogLineTest, SaysEverythingThatIsKnown) {
  const json::object line =
      parsed(line_of(complete_record(), "192.0.2.1:5", 1'500'999, 1'700'000'000'123));
  EXPECT_EQ(line.at("ts"), 1'700'000'000.123);
  EXPECT_EQ(line.at("request_id"), "0123");
  EXPECT_EQ(line.at("trace_id"), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(line.at("client"), "192.0.2.1:5");
  EXPECT_EQ(line.at("listener"), "0.0.0.0:8080");
  EXPECT_EQ(line.at("method"), "GET");
  EXPECT_EQ(line.at("host"), "shop.example.com");
  EXPECT_EQ(line.at("path"), "/a?b=c");
  EXPECT_EQ(line.at("route"), "shop");
  EXPECT_EQ(line.at("pool"), "shop-v1");
  EXPECT_EQ(line.at("backend"), "127.0.0.1:9001");
  EXPECT_EQ(line.at("why"), "sticky");
  EXPECT_EQ(line.at("attempts"), 2);
  EXPECT_EQ(line.at("status"), 200);
  EXPECT_EQ(line.at("bytes_in"), 3);
  EXPECT_EQ(line.at("bytes_out").to_number<std::uint64_t>(), 18'446'744'073'709'551'615U);
  EXPECT_EQ(line.at("duration_ms"), 1.5);
  EXPECT_EQ(line.at("connect_ms"), 1.234);
  EXPECT_EQ(line.at("head_ms"), 2.0);
  EXPECT_EQ(line.at("error"), "");
  EXPECT_EQ(line.at("connection"), "keep-alive");
  EXPECT_EQ(line.at("generation"), 7);
}

TEST(AccessLogLineTest, ARequestThatReachedNothingHasALine) {
  Record record;
  record.error = "client_left";
  const json::object line = parsed(line_of(record));
  EXPECT_EQ(line.at("status"), 0);
  EXPECT_EQ(line.at("why"), "none");
  EXPECT_EQ(line.at("trace_id"), "");
  EXPECT_EQ(line.at("error"), "client_left");
  EXPECT_EQ(line.at("connection"), "close");
}

TEST(AccessLogLineTest, IsOneLineOfAsciiWhateverTheClientSent) {
  for (int octet = 0; octet < 256; ++octet) {
    Record record = complete_record();
    const char c = static_cast<char>(octet);
    record.path = std::string("/") + c + "x";
    record.host = std::string(1, c);
    record.method = std::string(1, c);
    const std::string line = line_of(record, std::string(1, c));
    ASSERT_EQ(line.find('\n'), line.size() - 1) << octet;
    for (const char written : line) {
      ASSERT_TRUE(written == '\n' || (written >= ' ' && written < 0x7f)) << octet;
    }
    const json::object object = parsed(line);
    // Latin-1: each octet is the character with its number.
    std::string expected = "/";
    if (octet < 0x80) {
      expected += c;
    } else {
      expected += static_cast<char>(0xc0 | octet >> 6);
      expected += static_cast<char>(0x80 | (octet & 0x3f));
    }
    ASSERT_EQ(json::value_to<std::string>(object.at("path")), expected + "x") << octet;
  }
}

TEST(AccessLogLineTest, AnOctetIsTheSameWhereverItStands) {
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    Record alone;
    alone.path = std::string(1, c);
    const std::string written = line_of(alone);
    const std::size_t begin = written.find("\"path\":\"") + 8;
    const std::string escaped = written.substr(begin, written.find("\",\"route\"") - begin);
    for (std::size_t at = 0; at < 20; ++at) {
      Record record;
      record.path = std::string(20, 'a').replace(at, 1, 1, c);
      const std::string expected =
          "\"path\":\"" + std::string(at, 'a') + escaped + std::string(19 - at, 'a') + "\",\"route";
      ASSERT_NE(line_of(record).find(expected), std::string::npos) << octet << " at " << at;
    }
  }
}

TEST(AccessLogLineTest, AnyOctetsTogetherAreStillJson) {
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    Record record = complete_record();
    for (std::string* text : {&record.path, &record.host, &record.method, &record.backend}) {
      text->resize(random() % 60);
      for (char& octet : *text) octet = static_cast<char>(random());
    }
    EXPECT_EQ(parsed(line_of(record)).size(), 22U);
  }
}

TEST(AccessLogLineTest, FollowsWhatIsInTheBuffer) {
  std::string buffer = "first\n";
  append_log_line(buffer, complete_record(), "c", "l", 0, 0);
  append_log_line(buffer, complete_record(), "c", "l", 0, 0);
  EXPECT_TRUE(buffer.starts_with("first\n{"));
  EXPECT_EQ(std::count(buffer.begin(), buffer.end(), '\n'), 3);
}

TEST(RecordTest, AResetLeavesNothingOfTheLastRequest) {
  Record record = complete_record();
  record.error = "reset";
  record.first_head_ns = 5;
  record.reset();
  EXPECT_EQ(line_of(record), line_of(Record{}));
  EXPECT_EQ(record.first_head_ns, 0U);
}

}  // namespace
}  // namespace sluice::proxy
