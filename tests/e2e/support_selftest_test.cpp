#include <gtest/gtest.h>

#include "tests/support/backend_process.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/load.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/scripts.hpp"
#include "tests/support/temp_dir.hpp"

/// The tools of the end-to-end tests against each other, without the proxy between them: what these
/// cannot see, no other test can.
namespace sluice::support {
namespace {

using std::chrono::milliseconds;

TEST(SupportSelftest, RecordsARequestByteExactly) {
  TestBackend backend("v1", echoes());
  RawClient client(backend.address());
  const std::string text = request_text("POST", "/a%2Fb", "X-One: \xff\x80\r\n", "body");
  const Response answer = client.ask(text, "POST");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(answer.body, "body");
  EXPECT_EQ(backend.received(), text);
  EXPECT_EQ(backend.last().target, "/a%2Fb");
  EXPECT_EQ(backend.last().fields.get("x-one"), "\xff\x80");
  EXPECT_TRUE(backend.violations().empty());
}

TEST(SupportSelftest, ReadsChunksAndTrailersBothWays) {
  TestBackend backend("v1", answers_in_chunks({"one", "two"}, "X-Sum: 6\r\n"));
  RawClient client(backend.address());
  client.stream.send_each_byte(request_text("POST", "/", "Transfer-Encoding: chunked\r\n") +
                               in_chunks("hello world", 3, "X-End: yes\r\n"));
  const Response answer = client.response("POST");
  EXPECT_EQ(answer.body, "onetwo") << answer;
  EXPECT_EQ(answer.trailers.get("X-Sum"), "6");
  EXPECT_EQ(backend.last().body, "hello world");
  EXPECT_EQ(backend.last().trailers.get("X-End"), "yes");
}

TEST(SupportSelftest, SeesBareLineFeedsInRequests) {
  TestBackend backend;
  RawClient client(backend.address());
  client.send("GET / HTTP/1.1\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.is_ended());
  EXPECT_EQ(backend.violations().size(), 1u);
}

TEST(SupportSelftest, TellsACutBodyFromAWholeOne) {
  TestBackend backend("v1", sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf", true));
  RawClient client(backend.address());
  const Response cut = client.get("/");
  EXPECT_EQ(cut.status, 200u);
  EXPECT_FALSE(cut.complete);
  EXPECT_EQ(cut.body, "half");

  backend.set_script(
      sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", true));
  RawClient second(backend.address());
  EXPECT_FALSE(second.get("/").complete);

  backend.set_script(answers_until_close("whole"));
  RawClient third(backend.address());
  const Response whole = third.get("/");
  EXPECT_TRUE(whole.complete) << whole;
  EXPECT_EQ(whole.body, "whole");
}

TEST(SupportSelftest, TellsAResetFromAClose) {
  TestBackend backend("v1", [](Exchange& exchange) { exchange.reset(); });
  RawClient client(backend.address());
  client.send(request_text("GET", "/"));
  EXPECT_TRUE(client.is_ended());
  EXPECT_EQ(client.stream.ending(), Ending::reset);
}

TEST(SupportSelftest, CollectsInterimAnswersBeforeTheFinalOne) {
  TestBackend backend("v1", sends("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                                  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  RawClient client(backend.address());
  const Response answer = client.get("/");
  EXPECT_EQ(answer.status, 200u) << answer;
  ASSERT_EQ(answer.interim.size(), 1u);
  EXPECT_EQ(answer.interim[0].fields.get("Link"), "</a>");
}

TEST(SupportSelftest, RefusesMalformedAnswers) {
  for (const char* bytes :
       {"ICY 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    TestBackend backend("v1", sends(bytes, true));
    RawClient client(backend.address());
    const Response answer = client.get("/");
    EXPECT_FALSE(answer.complete) << bytes;
    EXPECT_FALSE(answer.trouble.empty()) << bytes;
  }
}

TEST(SupportSelftest, HoldsAnAnswerUntilReleased) {
  const auto latch = std::make_shared<Latch>();
  TestBackend backend("v1", answers_after(latch));
  RawClient client(backend.address());
  client.send(request_text("GET", "/"));
  ASSERT_TRUE(backend.wait_for_complete(1));
  EXPECT_FALSE(client.stream.fill(Deadline(milliseconds(20))));
  EXPECT_EQ(client.stream.ending(), Ending::late);
  latch->release();
  EXPECT_EQ(client.response().status, 200u);
}

TEST(SupportSelftest, TunnelsAfterAnUpgrade) {
  TestBackend backend("v1", upgrades_and_echoes());
  RawClient client(backend.address());
  EXPECT_EQ(client.get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n").status, 101u);
  client.send("ping");
  ASSERT_TRUE(client.stream.fill_to(4));
  EXPECT_EQ(client.stream.take(4), "ping");
  client.stream.close();
  EXPECT_TRUE(backend.wait_for_open(0));
}

TEST(SupportSelftest, CountsOpenConnections) {
  TestBackend backend;
  {
    RawClient one(backend.address());
    RawClient two(backend.address());
    EXPECT_TRUE(backend.wait_for_open(2));
  }
  EXPECT_TRUE(backend.wait_for_open(0));
  EXPECT_EQ(backend.accepted(), 2u);
}

TEST(SupportSelftest, ServesOnIpv6AndUnixSockets) {
  const TempDir directory;
  for (const std::string& address : {std::string("[::1]:0"), "unix:" + directory.file("s")}) {
    TestBackend backend("v1", {}, address);
    EXPECT_EQ(RawClient(backend.address()).get("/").body, "v1") << address;
  }
}

TEST(SupportSelftest, LoadCountsVersionsAndMarks) {
  BackendProcess backend("v7");
  Load load({.address = backend.address(), .connections = 8});
  ASSERT_TRUE(load.wait_for_further(100));
  const std::uint64_t mark = load.mark();
  ASSERT_TRUE(load.wait_for_further(100));
  const LoadCounts counts = load.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  EXPECT_EQ(counts.versions.at("v7"), counts.requests);
  EXPECT_EQ(counts.requests, backend.requests());
  EXPECT_GT(counts.versions_by_mark.at(mark).at("v7"), 0u);
  EXPECT_DOUBLE_EQ(counts.share("v7"), 1);
}

TEST(SupportSelftest, LoadSeesFailures) {
  BackendProcess backend("v1");
  Load load({.address = backend.address(), .connections = 2});
  ASSERT_TRUE(load.wait_for_further(10));
  backend.kill();
  EXPECT_TRUE(eventually([&] { return load.counts().failures > 0; }));
  backend.start();
  ASSERT_TRUE(eventually([&] {
    const std::uint64_t before = load.counts().versions["v1"];
    return eventually([&] { return load.counts().versions["v1"] > before; }, milliseconds(200));
  }));
  EXPECT_FALSE(load.stop().first_failure.empty());
}

TEST(SupportSelftest, LoadFailsOnErrorAnswers) {
  TestBackend backend("v1", answers(503, "no"));
  Load load({.address = backend.address(), .connections = 1, .threads = 1, .max_requests = 5});
  const LoadCounts counts = load.finish();
  EXPECT_EQ(counts.failures, 5u);
  EXPECT_NE(counts.first_failure.find("503"), std::string::npos);
}

TEST(SupportSelftest, RunsProgramsToTheirEnd) {
  const FinishedRun run = run_to_end({"sh", "-c", "echo out; echo err >&2; exit 7"});
  EXPECT_EQ(run.exit_code, 7);
  EXPECT_EQ(run.out, "out\n");
  EXPECT_EQ(run.err, "err\n");
}

}  // namespace
}  // namespace sluice::support
