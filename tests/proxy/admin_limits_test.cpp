#include <gtest/gtest.h>

#include "tests/proxy/admin_running.hpp"
#include "tests/support/raw_client.hpp"

namespace sluice::proxy {
namespace {

using support::RawClient;
using support::Response;

TEST(AdminLimits, BodyTooLargeIsRefusedBeforeItIsRead) {
  RunningAdmin admin;
  RawClient client(admin.address());
  const Response response = client.ask(
      "PUT /v1/routes/shop/split HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n",
      "PUT");
  EXPECT_EQ(response.status, 413U);
  EXPECT_EQ(response.fields.get("Content-Type"), "application/problem+json");
  EXPECT_EQ(response.fields.get("Connection"), "close");
  client.stream.finish_sending();
  EXPECT_TRUE(client.is_ended());
}

TEST(AdminLimits, RefusalReachesAClientThatIsStillSending) {
  AdminOptions options;
  options.body_limit = 1000;
  RunningAdmin admin(options);
  RawClient client(admin.address());
  client.send(
      "PUT /v1/routes/shop/split HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
      "chunked\r\n\r\n" +
      support::in_chunks(std::string(1'000'000, ' '), 16'000));
  EXPECT_EQ(client.response("PUT").status, 413U);
}

TEST(AdminLimits, BodyAtTheLimitIsTaken) {
  RunningAdmin admin;
  RawClient client(admin.address());
  std::string body = R"({"weights":{"a":1}})";
  body.append(1024 * 1024 - body.size(), ' ');
  EXPECT_EQ(client.ask(call_text("PUT", "/v1/routes/shop/split", body), "PUT").status, 200U);
}

TEST(AdminLimits, HeadTooLargeIsRefused) {
  RunningAdmin admin;
  RawClient client(admin.address());
  EXPECT_EQ(client.ask(get_text("/livez", "X-Long: " + std::string(20'000, 'x') + "\r\n")).status,
            431U);
}

TEST(AdminLimits, DoubtfulRequestsAreRefusedAndTheConnectionClosed) {
  RunningAdmin admin;
  const std::string put = "PUT /v1/routes/shop/split HTTP/1.1\r\n";
  for (const std::string& text : {
           std::string("nonsense\r\n\r\n"),
           std::string("GET /livez HTTP/1.1\r\n\r\n"),
           std::string("GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
           std::string("GET /livez HTTP/1.1\r\nHost : localhost\r\n\r\n"),
           put + "Host: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n0\r\n\r\n",
           put + "Host: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
           put + "Host: localhost\r\nTransfer-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
           put + "Host: localhost\r\nContent-Length: +1\r\n\r\n1",
       }) {
    RawClient client(admin.address());
    const Response response = client.ask(text);
    EXPECT_EQ(response.status, 400U) << text;
    client.stream.finish_sending();
    EXPECT_TRUE(client.is_ended()) << text;
  }
  admin.on_control([](FakeControl& control) { EXPECT_TRUE(control.calls.empty()); });
}

TEST(AdminLimits, SlowHeadEndsTheConnection) {
  AdminOptions options;
  options.head_timeout = milliseconds(50);
  RunningAdmin admin(options);
  RawClient client(admin.address());
  client.send("GET /livez HTT");
  EXPECT_TRUE(client.is_ended());
}

TEST(AdminLimits, SlowBodyEndsTheConnection) {
  AdminOptions options;
  options.head_timeout = milliseconds(50);
  RunningAdmin admin(options);
  RawClient client(admin.address());
  client.send("POST /v1/pools/p/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{");
  EXPECT_TRUE(client.is_ended());
  admin.on_control([](FakeControl& control) { EXPECT_TRUE(control.calls.empty()); });
}

TEST(AdminLimits, IdleConnectionIsClosed) {
  AdminOptions options;
  options.idle_timeout = milliseconds(300);
  RunningAdmin admin(options);
  RawClient silent(admin.address());
  EXPECT_TRUE(silent.is_ended());
  RawClient client(admin.address());
  EXPECT_EQ(client.ask(get_text("/livez")).status, 200U);
  EXPECT_TRUE(client.is_ended());
}

TEST(AdminLimits, OneConnectionTooManyIsToldSo) {
  AdminOptions options;
  options.max_connections = 2;
  RunningAdmin admin(options);
  RawClient first(admin.address());
  RawClient second(admin.address());
  ASSERT_EQ(first.ask(get_text("/livez")).status, 200U);
  ASSERT_EQ(second.ask(get_text("/livez")).status, 200U);
  {
    RawClient third(admin.address());
    EXPECT_EQ(third.response().status, 503U);
    EXPECT_TRUE(third.is_ended());
  }
  first.stream.close();
  EXPECT_TRUE(support::eventually([&] {
    RawClient next(admin.address());
    return next.ask(get_text("/livez")).status == 200;
  }));
}

TEST(AdminLimits, ExpectationIsAnsweredBeforeTheBody) {
  RunningAdmin admin;
  RawClient client(admin.address());
  const std::string text = call_text("PUT", "/v1/routes/shop/split", R"({"weights":{"a":1}})",
                                     "Expect: 100-continue\r\n");
  const std::size_t body = text.find("\r\n\r\n") + 4;
  client.send(text.substr(0, body));
  EXPECT_EQ(client.stream.take_through("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.ask(text.substr(body), "PUT").status, 200U);
}

}  // namespace
}  // namespace sluice::proxy
