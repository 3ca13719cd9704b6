#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/hop.hpp"
#include "core/target.hpp"
#include "tests/core/draws.hpp"
#include "tests/core/head_text.hpp"

namespace sluice::core {
namespace {

constexpr std::array drawn_names = {"Host",
                                    "Connection",
                                    "Content-Length",
                                    "Transfer-Encoding",
                                    "TE",
                                    "Upgrade",
                                    "Keep-Alive",
                                    "Trailer",
                                    "Expect",
                                    "Cookie",
                                    "Via",
                                    "X-Forwarded-For",
                                    "Forwarded",
                                    "traceparent",
                                    "X-Request-Id",
                                    "Proxy-Connection",
                                    "HTTP2-Settings",
                                    "X-Foo",
                                    "Set-Cookie",
                                    "Date",
                                    "X-Bar",
                                    "X-Forwarded-Port",
                                    "Proxy-Authorization",
                                    "X-Odd"};

constexpr std::array values = {"",
                               "chunked",
                               "5",
                               "a",
                               "close",
                               "X-Foo, close",
                               "keep-alive",
                               "upgrade",
                               "h2c",
                               "TE",
                               "websocket",
                               "trailers",
                               "a\nb",
                               "a\rb",
                               "a\x01",
                               "\t",
                               "5, 5",
                               "gzip, chunked",
                               "\xff\xfe",
                               "100-continue",
                               "X-Bar,,X-Odd",
                               "Content-Length, Host, Transfer-Encoding"};

constexpr std::array targets = {"/", "/a?b", "http://b/c", "*", "/a b", "/\x01", "a:80", "//x"};

std::string random_fields(Draws& draws, bool host) {
  std::string fields = host ? "Host: a\r\n" : "";
  for (std::size_t i = draws.below(8); i > 0; --i) {
    fields += draws.one_of(drawn_names) + ":" + draws.one_of(values) + "\r\n";
  }
  return fields;
}

std::size_t count(const Fields& fields, FieldId id) {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(), [id](const Field& f) { return f.id == id; }));
}

/// What must hold of every head that leaves the proxy.
void expect_sound(const std::string& out, const Fields& fields, const BodyFraming& body) {
  EXPECT_FALSE(check_head_octets(out).has_value()) << out;
  EXPECT_LE(count(fields, FieldId::content_length) + count(fields, FieldId::transfer_encoding), 1U)
      << out;
  EXPECT_EQ(count(fields, FieldId::transfer_encoding), body.kind == BodyKind::chunked ? 1U : 0U)
      << out;
  EXPECT_LE(count(fields, FieldId::connection), 1U) << out;
  for (const FieldId gone :
       {FieldId::keep_alive, FieldId::proxy_connection, FieldId::http2_settings}) {
    EXPECT_EQ(count(fields, gone), 0U) << out;
  }
}

TEST(HopPropertyTest, RequestHeadsThatLeaveAreSoundAndFramedAlike) {
  Draws draws(42);
  std::size_t written = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string target = draws.one_of(targets);
    text::Request request((draws.coin() ? "GET " : "OPTIONS ") + target + " HTTP/1." +
                          (draws.below(4) == 0 ? "0" : "1") + "\r\n" +
                          random_fields(draws, draws.below(10) != 0) + "\r\n");
    if (!text::is_well_formed(request.head.fields)) continue;
    const auto framing = frame_request(request.head);
    if (!framing.ok() || resolve_target(request.head).has_value()) continue;
    RequestAdditions additions;
    additions.client_ip = draws.coin() ? "192.0.2.1" : "::1";
    additions.trust_forwarded = draws.coin();
    additions.forwarded = draws.coin();
    additions.request_id = "i";
    additions.traceparent = "t";
    additions.upgrade =
        wants_upgrade(request.head, connection_options(request.head.fields), *framing);
    std::string out;
    write_request_head(out, request.head, *framing, additions);
    ++written;

    text::Request again(out);
    expect_sound(out, again.head.fields, *framing);
    const auto framing_again = frame_request(again.head);
    ASSERT_TRUE(framing_again.ok()) << out;
    EXPECT_EQ(*framing_again, *framing) << out;
    for (const FieldId once : {FieldId::host, FieldId::x_forwarded_for, FieldId::x_forwarded_proto,
                               FieldId::x_request_id, FieldId::traceparent}) {
      EXPECT_EQ(count(again.head.fields, once), 1U) << out;
    }
    EXPECT_EQ(again.head.fields.front().id, FieldId::host) << out;
    if (request.head.authority.empty()) continue;
    EXPECT_FALSE(resolve_target(again.head).has_value()) << out;
    EXPECT_EQ(again.head.path, request.head.path) << out;
    EXPECT_EQ(again.head.authority, request.head.authority) << out;
  }
  EXPECT_GT(written, 2000U);
}

TEST(HopPropertyTest, ResponseHeadsThatLeaveAreSoundAndFramedAsTold) {
  constexpr std::array statuses = {"100", "103", "200", "204", "206", "304", "404", "502"};
  Draws draws(43);
  std::size_t written = 0;
  for (int round = 0; round < 20000; ++round) {
    const text::Response response("HTTP/1.1 " + draws.one_of(statuses) + " R\r\n" +
                                  random_fields(draws, false) + "\r\n");
    ResponseAdditions additions;
    additions.to_head = draws.coin();
    additions.client_minor = draws.coin() ? 1 : 0;
    additions.close = draws.coin();
    additions.date = "D";
    if (!text::is_well_formed(response.head.fields)) continue;
    const auto received = frame_response(response.head, additions.to_head);
    if (!received.ok()) continue;
    const BodyFraming framing = client_framing(*received, additions.client_minor);
    std::string out;
    write_response_head(out, response.head, framing, additions);
    ++written;

    const text::Response again(out);
    expect_sound(out, again.head.fields, framing);
    const auto framing_again = frame_response(again.head, additions.to_head);
    ASSERT_TRUE(framing_again.ok()) << out;
    EXPECT_EQ(*framing_again, framing) << out;
    EXPECT_EQ(again.head.status, response.head.status);
    if (response.head.status < 200) continue;
    EXPECT_GE(count(again.head.fields, FieldId::date), 1U) << out;
    const Field* connection = find(again.head.fields, FieldId::connection);
    const bool closes = additions.close || framing.kind == BodyKind::until_close;
    EXPECT_EQ(connection != nullptr && connection->value == "close", closes) << out;
  }
  EXPECT_GT(written, 2000U);
}

}  // namespace
}  // namespace sluice::core
