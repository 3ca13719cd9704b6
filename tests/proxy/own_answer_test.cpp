#include "proxy/own_answer.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "core/framing.hpp"
#include "proxy/head_parser.hpp"

namespace sluice::proxy {
namespace {

using core::FailureReason;

constexpr std::string_view date = "Sun, 06 Nov 1994 08:49:37 GMT";

OwnAnswerForm form() {
  OwnAnswerForm plain;
  plain.request_id = "0123abcd";
  plain.date = date;
  return plain;
}

/// An answer as a client reads it.
struct Read {
  Read(const OwnAnswer& answer, const OwnAnswerForm& in_form, bool to_head = false) {
    write_own_answer(text, answer, in_form);
    HeadScan scan;
    EXPECT_EQ(scan.look(text, {}, false), HeadScan::Found::head) << text;
    const std::string_view raw = std::string_view(text).substr(0, scan.size());
    EXPECT_FALSE(parse_response_head(raw, head)) << text;
    const auto framing = core::frame_response(head, to_head);
    EXPECT_TRUE(framing) << text;
    body = text.substr(scan.size());
    EXPECT_EQ(framing ? framing->length : 0, body.size()) << text;
  }
  std::string field(std::string_view name) const {
    std::string value;
    for (const core::Field& field : head.fields) {
      if (core::iequals(field.name, name)) value += field.value;
    }
    return value;
  }
  std::string text;
  core::ResponseHead head;
  std::string body;
};

std::vector<FailureReason> all_reasons() {
  std::vector<FailureReason> reasons;
  for (std::size_t i = 0; i < static_cast<std::size_t>(FailureReason::count_); ++i) {
    reasons.push_back(static_cast<FailureReason>(i));
  }
  return reasons;
}

TEST(OwnAnswerTest, IsThisText) {
  std::string text = "before ";
  write_own_answer(text,
                   {.status = 502,
                    .detail = "the backend refuses connections",
                    .proxy_error = "connection_refused",
                    .allow = "",
                    .retry_after = true},
                   form());
  EXPECT_EQ(text,
            "before HTTP/1.1 502 Bad Gateway\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/plain\r\n"
            "Content-Length: 70\r\n"
            "Cache-Control: no-store\r\n"
            "Proxy-Status: sluice; error=connection_refused\r\n"
            "Retry-After: 1\r\n"
            "X-Request-Id: 0123abcd\r\n"
            "\r\n"
            "502 Bad Gateway: the backend refuses connections\n"
            "request id: 0123abcd\n");
}

TEST(OwnAnswerTest, EveryStatusIsWellFormedHttp) {
  for (const unsigned status : {200U, 400U, 404U, 405U, 408U, 413U, 414U, 417U, 421U, 429U, 431U,
                                501U, 502U, 503U, 504U, 505U, 599U}) {
    const Read read({.status = status, .detail = "a sentence"}, form());
    EXPECT_EQ(read.head.status, status);
    EXPECT_FALSE(read.head.reason.empty()) << status;
    EXPECT_EQ(read.field("Date"), date);
    EXPECT_EQ(read.field("X-Request-Id"), "0123abcd");
    EXPECT_EQ(read.field("Connection"), "");
    EXPECT_NE(read.body.find("a sentence"), std::string::npos);
  }
}

TEST(OwnAnswerTest, AClientThatAsksForJsonGetsIt) {
  OwnAnswerForm json_form = form();
  json_form.json = true;
  const Read read({.status = 503, .detail = "no backend can serve this request now"}, json_form);
  EXPECT_EQ(read.field("Content-Type"), "application/json");
  boost::system::error_code error;
  const auto body = boost::json::parse(read.body, error);
  ASSERT_FALSE(error) << read.body;
  EXPECT_EQ(body.at("status"), 503);
  EXPECT_EQ(body.at("title"), "Service Unavailable");
  EXPECT_EQ(body.at("detail"), "no backend can serve this request now");
  EXPECT_EQ(body.at("request_id"), "0123abcd");
}

TEST(OwnAnswerTest, AHeadGetsTheFieldsWithoutTheBody) {
  OwnAnswerForm head_form = form();
  std::string with_body;
  write_own_answer(with_body, {.status = 404}, head_form);
  head_form.without_body = true;
  const Read read({.status = 404}, head_form, true);
  EXPECT_EQ(read.body, "");
  EXPECT_TRUE(with_body.starts_with(read.text));
}

TEST(OwnAnswerTest, SaysWhenItCloses) {
  OwnAnswerForm closing = form();
  closing.close = true;
  EXPECT_EQ(Read({.status = 400}, closing).field("Connection"), "close");
}

TEST(OwnAnswerTest, NamesWhatIsAllowed) {
  EXPECT_EQ(Read({.status = 405, .allow = "GET, HEAD"}, form()).field("Allow"), "GET, HEAD");
}

TEST(OwnAnswerTest, WithoutAnIdSaysNothingOfOne) {
  OwnAnswerForm bare;
  bare.date = date;
  const Read read({.status = 400}, bare);
  EXPECT_EQ(read.field("X-Request-Id"), "");
  EXPECT_EQ(read.body.find("request id"), std::string::npos);
}

TEST(OwnAnswerTest, EveryFailureOfABackendHasAnAnswerAndAnErrorType) {
  // RFC 9209 section 2.3.
  const std::set<std::string_view> registered = {"dns_error",
                                                 "connection_refused",
                                                 "connection_terminated",
                                                 "connection_timeout",
                                                 "http_response_timeout",
                                                 "http_protocol_error",
                                                 "destination_ip_unroutable"};
  for (const FailureReason reason : all_reasons()) {
    const OwnAnswer answer = answer_for(reason);
    const bool timed_out = reason == FailureReason::connect_timeout ||
                           reason == FailureReason::first_byte_timeout ||
                           reason == FailureReason::idle_timeout;
    EXPECT_EQ(answer.status, timed_out ? 504U : 502U) << to_string(reason);
    EXPECT_FALSE(answer.detail.empty());
    EXPECT_EQ(answer.proxy_error, proxy_error_of(reason));
    EXPECT_TRUE(registered.contains(answer.proxy_error)) << answer.proxy_error;
    EXPECT_EQ(Read(answer, form()).field("Proxy-Status"),
              "sluice; error=" + std::string(answer.proxy_error));
  }
}

}  // namespace
}  // namespace sluice::proxy
