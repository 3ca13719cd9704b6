#include <signal.h>
#include <sys/socket.h>

#include "tests/e2e/frozen.hpp"

/// The end of the program with clients and backends in awkward places.
namespace sluice::e2e {
namespace {

ConfigText with_server(ConfigText config, const std::string& lines) {
  config.server = "workers = 1\n" + lines;
  return config;
}

TEST(SecondSignal, EndsAtOnceWithClientsJustAccepted) {
  TestBackend backend;
  SluiceProcess sluice(
      with_server(one_pool(backend.address()), "lame_duck = \"60s\"\ndrain_timeout = \"60s\"\n"));
  sluice.process().signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return sluice.readiness() == 503; }));
  std::vector<RawClient> clients;
  {
    const Frozen frozen(sluice);
    for (int at = 0; at < 300; ++at) clients.push_back(sluice.client());
    sluice.process().signal(SIGTERM);
  }
  ASSERT_NO_THROW(sluice.process().wait_exit(seconds(10)));
  for (RawClient& client : clients) EXPECT_TRUE(client.is_ended());
}

TEST(StopCut, BreaksAnAnswerWithoutALengthVisibly) {
  Latch latch;
  TestBackend backend("v1", [&latch](Exchange& exchange) {
    exchange.send(exchange.head(200, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
    exchange.wait(latch);
  });
  SluiceProcess sluice(with_server(one_pool(backend.address()), "drain_timeout = \"500ms\"\n"));
  RawClient client = sluice.client();
  client.send("GET / HTTP/1.0\r\nHost: test.example\r\n\r\n");
  client.stream.take_through("hello");
  sluice.process().signal(SIGTERM);
  EXPECT_EQ(client.stream.take_all(), "");
  EXPECT_EQ(client.stream.ending(), Ending::reset)
      << "the client takes the part for the whole: " << to_string(client.stream.ending());
  sluice.process().wait_exit();
  latch.release();
}

/// A listening socket whose queue is full: to connect there takes for ever.
class FullQueue {
 public:
  FullQueue() : listening_(listen_on("127.0.0.1:0")), address_(local_address(listening_)) {
    ::listen(listening_.get(), 0);
    try {
      for (int at = 0; at < 16; ++at)
        waiting_.push_back(connect_to(address_, Deadline(milliseconds(300))));
      ADD_FAILURE() << "the queue does not fill up";
    } catch (const Failure&) {
      // Now nobody gets in any more.
    }
  }

  const std::string& address() const { return address_; }

 private:
  Fd listening_;
  std::string address_;
  std::vector<Fd> waiting_;
};

TEST(StopCut, SendsNothingOnToAnotherBackend) {
  const FullQueue full;
  const auto latch = std::make_shared<Latch>();
  TestBackend other("other", answers_after(latch));
  ConfigText config;
  config.pool("v1", {full.address(), other.address()}, "balance = \"round_robin\"\n");
  config.route("all", "v1 = 1");
  config.tables = "[timeouts]\nconnect = \"60s\"\n";
  SluiceProcess sluice(with_server(config, "drain_timeout = \"500ms\"\n"));
  RawClient one = sluice.client();
  RawClient two = sluice.client();
  one.send(request_text("POST", "/one", "Content-Length: 0\r\n"));
  two.send(request_text("POST", "/two", "Content-Length: 0\r\n"));
  ASSERT_TRUE(other.wait_for_requests(1));
  ASSERT_TRUE(eventually([&] { return backend_number(sluice, "in_flight") == 1; }));
  sluice.process().signal(SIGTERM);
  EXPECT_NO_THROW(sluice.process().wait_exit());
  EXPECT_FALSE(other.wait_for_requests(2, milliseconds(300)))
      << "a request was sent on after the cut";
  for (RawClient* client : {&one, &two}) {
    const Response answer = client->response("POST");
    EXPECT_TRUE(answer.status == 0 || answer.status >= 500) << answer;
  }
  latch->release();
}

}  // namespace
}  // namespace sluice::e2e
