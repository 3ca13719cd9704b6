#include "proxy/http_call.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/proxy/answered_once.hpp"
#include "tests/support/scripts.hpp"
#include "tests/support/socket.hpp"
#include "tests/support/test_backend.hpp"

namespace sluice::proxy {
namespace {

using support::Exchange;
using support::Latch;
using support::stays_silent;
using support::TestBackend;
using ::testing::HasSubstr;
using testing::milliseconds;
using ::testing::StartsWith;

HttpOrder order_to(const std::string& address, std::string path = "/") {
  const std::size_t colon = address.rfind(':');
  HttpOrder order;
  order.host = address.substr(0, colon);
  order.port = static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)));
  order.path = std::move(path);
  order.timeout = std::chrono::duration_cast<milliseconds>(support::patience);
  return order;
}

class HttpCallTest : public testing::AnsweredOnceTest<HttpAnswer> {
 protected:
  void begin(HttpOrder order) { token_ = http_call(loop_.io(), std::move(order), take()); }
  HttpAnswer call(HttpOrder order) {
    begin(std::move(order));
    return wait();
  }
  /// The answer to a GET of a backend that sends `octets` and ends the connection.
  HttpAnswer call_for(const std::string& octets) {
    backend_.set_script([octets](Exchange& exchange) {
      exchange.send(octets);
      exchange.close();
    });
    return call(order_to(backend_.address()));
  }

  TestBackend backend_;
};

TEST_F(HttpCallTest, AGetBringsStatusAndBody) {
  const HttpAnswer answer = call(order_to(backend_.address(), "/api/v1/query?query=up%3D1"));
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, "v1");
  EXPECT_EQ(answer.error, "");
  const auto request = backend_.last();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/api/v1/query?query=up%3D1");
  EXPECT_EQ(request.fields.get("Host"), backend_.address());
  EXPECT_FALSE(request.fields.has("Content-Length"));
  EXPECT_TRUE(backend_.wait_for_open(0)) << "the connection does not stay";
}

TEST_F(HttpCallTest, APostBringsItsBodyAndItsLength) {
  HttpOrder order = order_to(backend_.address(), "/approve");
  order.method = HttpOrder::Method::post;
  EXPECT_EQ(call(order).status, 200U);
  EXPECT_EQ(backend_.last().fields.get("Content-Length"), "0");
  order.content_type = "application/json";
  order.body = R"({"route":"shop"})";
  EXPECT_EQ(call(order).status, 200U);
  const auto request = backend_.last();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.fields.get("Content-Type"), "application/json");
  EXPECT_EQ(request.body, R"({"route":"shop"})");
  EXPECT_TRUE(backend_.violations().empty());
}

TEST_F(HttpCallTest, AnErrorStatusIsAnAnswer) {
  backend_.set_script([](Exchange& exchange) { exchange.answer(503, "not yet"); });
  const HttpAnswer answer = call(order_to(backend_.address()));
  EXPECT_EQ(answer.status, 503U);
  EXPECT_EQ(answer.body, "not yet");
  EXPECT_EQ(answer.error, "");
}

TEST_F(HttpCallTest, TheAnswerMayBeFramedAnyWay) {
  EXPECT_EQ(call_for("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nyes\r\n2\r\n, \r\n0\r\n\r\n")
                .body,
            "yes, ");
  EXPECT_EQ(call_for("HTTP/1.0 200 OK\r\n\r\nuntil the end").body, "until the end");
  EXPECT_EQ(call_for("HTTP/1.1 204 No Content\r\n\r\n").status, 204U);
}

TEST_F(HttpCallTest, InterimAnswersAreSkipped) {
  const HttpAnswer answer = call_for(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, "done");
}

TEST_F(HttpCallTest, ANameIsLookedUp) {
  HttpOrder order = order_to(backend_.address());
  order.host = "localhost";
  EXPECT_EQ(call(order).status, 200U) << answer_.error;
  EXPECT_EQ(backend_.last().fields.get("Host"), "localhost:" + std::to_string(order.port));
}

TEST_F(HttpCallTest, AnIpv6AddressStandsInBrackets) {
  TestBackend backend("v6", {}, "[::1]:0");
  const HttpAnswer answer = call(order_to(backend.address()));
  EXPECT_EQ(answer.body, "v6") << answer.error;
  EXPECT_EQ(backend.last().fields.get("Host"), backend.address());
}

TEST_F(HttpCallTest, ARefusedConnectionIsNamed) {
  const std::string address = support::free_address();
  const HttpAnswer answer = call(order_to(address));
  EXPECT_EQ(answer.status, 0U);
  EXPECT_EQ(answer.error, "connect to " + address + ": Connection refused");
}

TEST_F(HttpCallTest, ANameThatDoesNotResolveIsNamed) {
  const HttpAnswer answer = call(order_to("no-such-host.invalid:80"));
  EXPECT_EQ(answer.status, 0U);
  EXPECT_THAT(answer.error, StartsWith("look up no-such-host.invalid: "));
}

TEST_F(HttpCallTest, ASilentServerRunsIntoTheTimeout) {
  backend_.set_script(stays_silent());
  HttpOrder order = order_to(backend_.address());
  order.timeout = milliseconds(500);
  const HttpAnswer answer = call(order);
  EXPECT_EQ(answer.status, 0U);
  EXPECT_EQ(answer.error, "no answer within 500 ms");
  EXPECT_TRUE(backend_.wait_for_open(0)) << "the connection is closed";
}

TEST_F(HttpCallTest, ABodyThatTricklesRunsIntoTheTimeout) {
  const auto end = std::make_shared<Latch>();
  backend_.set_script([end](Exchange& exchange) {
    exchange.send(exchange.head(200) + "Content-Length: 1000000\r\n\r\n");
    while (!end->wait(milliseconds(5)) && exchange.send("x")) {
    }
    exchange.close();
  });
  HttpOrder order = order_to(backend_.address());
  order.timeout = milliseconds(500);
  const HttpAnswer answer = call(order);
  EXPECT_EQ(answer.status, 0U);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.error, "no answer within 500 ms, only a part of it");
  end->release();
}

TEST_F(HttpCallTest, AServerThatDoesNotAcceptRunsIntoTheTimeout) {
  const support::Fd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  ASSERT_EQ(::listen(listening.get(), 0), 0);
  const std::string address = support::local_address(listening);
  const support::Fd only_place = support::connect_to(address);
  HttpOrder order = order_to(address);
  order.timeout = milliseconds(50);
  EXPECT_EQ(call(order).error, "no answer within 50 ms, still connecting to " + address);
}

TEST_F(HttpCallTest, ALargeBodyIsAnErrorHoweverItIsFramed) {
  const std::string error = "the answer of " + backend_.address() + " has more than 8 octets";
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n";
  for (const std::string& rest : {std::string("Content-Length: 9\r\n\r\n123456789"), chunked,
                                  std::string("Connection: close\r\n\r\n123456789")}) {
    backend_.set_script([&rest](Exchange& exchange) {
      exchange.send(exchange.head(200) + rest);
      exchange.close();
    });
    HttpOrder order = order_to(backend_.address());
    order.body_limit = 8;
    const HttpAnswer answer = call(order);
    EXPECT_EQ(answer.status, 0U) << rest;
    EXPECT_EQ(answer.error, error) << rest;
    order.body_limit = 9;
    EXPECT_EQ(call(order).body, "123456789") << rest;
  }
}

TEST_F(HttpCallTest, AMalformedAnswerIsAnError) {
  const std::string error = "the answer of " + backend_.address() + " is malformed: ";
  EXPECT_THAT(call_for("SSH-2.0-OpenSSH_9.2\r\n\r\n").error, StartsWith(error));
  EXPECT_THAT(call_for("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n").error, StartsWith(error));
  EXPECT_THAT(call_for("HTTP/1.1 200 OK\r\nX: " + std::string(64 * 1024, 'x') + "\r\n\r\n").error,
              StartsWith(error));
}

TEST_F(HttpCallTest, AnAnswerThatIsCutIsAnError) {
  const std::string address = backend_.address();
  EXPECT_EQ(call_for("").error, address + " closed the connection without an answer");
  EXPECT_EQ(call_for("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nno").error,
            "the answer of " + address + " ends too early");
  EXPECT_EQ(call_for("HTTP/1.1 200").error, "the answer of " + address + " ends too early");
  backend_.set_script([](Exchange& exchange) { exchange.reset(); });
  EXPECT_EQ(call(order_to(address)).error,
            "receive from " + address + ": Connection reset by peer");
}

TEST_F(HttpCallTest, ARequestThatWouldBeAnotherOneIsNotMade) {
  EXPECT_THAT(call(order_to(backend_.address(), "/a b")).error, HasSubstr("percent-encoded"));
  EXPECT_THAT(call(order_to(backend_.address(), "/\r\nX: y")).error, HasSubstr("percent-encoded"));
  EXPECT_THAT(call(order_to(backend_.address(), "")).error, HasSubstr("begin with \"/\""));
  HttpOrder order = order_to(backend_.address());
  order.content_type = "text/plain\r\nX: y";
  EXPECT_THAT(call(order).error, HasSubstr("control characters"));
  for (const std::string host : {"", "a\r\nX: y", "a/b", "::1", "[1.2.3.4]", "unix", "a b"}) {
    order = order_to(backend_.address());
    order.host = host;
    EXPECT_NE(call(order).error, "") << host;
  }
  EXPECT_EQ(backend_.accepted(), 0U);
}

TEST_F(HttpCallTest, ACancelledCallClosesItsConnectionAndIsNotAnswered) {
  backend_.set_script(stays_silent());
  begin(order_to(backend_.address()));
  ASSERT_TRUE(loop_.run_until([this] { return backend_.request_count() == 1; }));
  token_.reset();
  EXPECT_TRUE(loop_.run_until([this] { return backend_.open() == 0; }));
  loop_.settle();
  EXPECT_EQ(answers_, 0);
}

TEST_F(HttpCallTest, ACallMayBeCancelledAtAnyPoint) {
  begin(order_to(backend_.address()));
  token_.reset();
  begin(order_to("localhost:1"));
  token_.reset();
  begin(order_to(backend_.address(), "no path"));
  token_.reset();
  loop_.settle();
  EXPECT_EQ(call(order_to(backend_.address())).status, 200U) << "a later one is not touched";
}

TEST_F(HttpCallTest, TheTokenMayGoInsideTheAnswer) {
  std::shared_ptr<void> token;
  std::optional<unsigned> status;
  token = http_call(loop_.io(), order_to(backend_.address()), [&](HttpAnswer answer) {
    token.reset();
    status = answer.status;
  });
  ASSERT_TRUE(loop_.run_until([&] { return status.has_value(); }));
  EXPECT_EQ(status, 200U);
}

TEST_F(HttpCallTest, ItGoesWithItsContext) {
  backend_.set_script(stays_silent());
  auto io = std::make_unique<boost::asio::io_context>(1);
  int answers = 0;
  const auto token = http_call(*io, order_to(backend_.address()), [&](HttpAnswer) { ++answers; });
  ASSERT_TRUE(support::eventually([&] {
    io->poll();
    return backend_.request_count() == 1;
  }));
  io.reset();
  EXPECT_TRUE(backend_.wait_for_open(0));
  EXPECT_EQ(answers, 0);
}

}  // namespace
}  // namespace sluice::proxy
