#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

class Admin : public ::testing::Test {
 protected:
  static ConfigText with_token(const TestBackend& one, const TestBackend& two,
                               const std::string& file) {
    ConfigText config = two_pools(one.address(), two.address(), "100", "0");
    config.admin = "token_file = \"" + file + "\"\n";
    return config;
  }

  TestBackend one_{"v1"};
  TestBackend two_{"v2"};
};

/// Problem details (RFC 9457) with this status and a sentence.
void expect_problem(const AdminAnswer& answer, unsigned status) {
  EXPECT_EQ(answer.status, status) << answer;
  EXPECT_TRUE(answer.fields.get("Content-Type").starts_with("application/problem+json")) << answer;
  EXPECT_EQ(answer.number("/status"), static_cast<std::int64_t>(status)) << answer;
  EXPECT_GT(answer.string("/detail").size(), 10u) << answer;
}

TEST_F(Admin, StatusShowsEverything) {
  const SluiceProcess sluice(two_pools(one_.address(), two_.address(), "90", "10"));
  const AdminAnswer status = sluice.admin().get("/v1/status");
  EXPECT_EQ(status.status, 200u) << status;
  EXPECT_FALSE(status.string("/version").empty());
  EXPECT_EQ(status.number("/workers"), 2);
  EXPECT_GE(status.number("/generation"), 1);
  EXPECT_EQ(status.string("/routes/0/name"), "all");
  EXPECT_EQ(status.number("/routes/0/split/0/in_force"), 90);
  EXPECT_EQ(status.at("/pools").as_array().size(), 2u);
  EXPECT_EQ(status.string("/listeners/0/listener"), sluice.listener());
}

TEST_F(Admin, ASplitIsInForceAfterTheAnswerAndKnowsWho) {
  const SluiceProcess sluice(two_pools(one_.address(), two_.address(), "100", "0"));
  const AdminAnswer answer = sluice.admin().put(
      "/v1/routes/all/split", R"({"weights":{"v2":12.5}})", "X-Sluice-Actor: alice\r\n");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(sluice.client().get("/").body, "v2");
  const AdminAnswer route = sluice.admin().get("/v1/routes/all");
  EXPECT_EQ(route.number("/split/0/in_force"), 0) << route;
  EXPECT_EQ(route.at("/split/1/in_force"), boost::json::value(12.5)) << route;
  EXPECT_EQ(route.number("/split/0/configured"), 100);
  EXPECT_EQ(route.string("/since/by"), "alice");
  EXPECT_TRUE(route.at("/overridden") == boost::json::value(true));
}

TEST_F(Admin, AnOlderRevisionIs412) {
  const SluiceProcess sluice(two_pools(one_.address(), two_.address(), "100", "0"));
  const AdminClient admin = sluice.admin();
  const std::string tag = admin.get("/v1/routes/all").fields.get("ETag");
  ASSERT_FALSE(tag.empty());
  const std::string condition = "If-Match: " + tag + "\r\n";
  const std::string half = R"({"weights":{"v1":50,"v2":50}})";
  const AdminAnswer first = admin.put("/v1/routes/all/split", half, condition);
  EXPECT_EQ(first.status, 200u) << first;
  EXPECT_NE(first.fields.get("ETag"), tag);
  expect_problem(admin.put("/v1/routes/all/split", R"({"weights":{"v1":1,"v2":9}})", condition),
                 412);
  EXPECT_EQ(admin.get("/v1/routes/all").number("/split/0/in_force"), 50);
}

TEST_F(Admin, ErrorsAreProblemsThatSayWhatToDo) {
  const SluiceProcess sluice(two_pools(one_.address(), two_.address(), "100", "0"));
  const AdminClient admin = sluice.admin();
  expect_problem(admin.get("/v1/routes/none"), 404);
  expect_problem(admin.get("/v1/pools/none"), 404);
  expect_problem(admin.get("/v1/nothing"), 404);
  expect_problem(admin.put("/v1/routes/none/split", R"({"weights":{"v1":1}})"), 404);
  expect_problem(admin.put("/v1/routes/all/split", R"({"weights":{"v9":1}})"), 422);
  expect_problem(admin.put("/v1/routes/all/split", R"({"weights":{"v1":-1}})"), 422);
  expect_problem(admin.put("/v1/routes/all/split", R"({"weights":{"v1":0,"v2":0}})"), 422);
  expect_problem(admin.put("/v1/routes/all/split", R"({"weights":)"), 400);
  expect_problem(admin.post("/v1/pools/none/drain"), 404);
  expect_problem(admin.post("/v1/pools/v1/backends/127.0.0.1:1/drain"), 404);
  const AdminAnswer wrong_method = admin.call("DELETE", "/v1/status");
  expect_problem(wrong_method, 405);
  EXPECT_NE(wrong_method.fields.get("Allow").find("GET"), std::string::npos);
  EXPECT_EQ(admin.get("/v1/routes/all").number("/split/0/in_force"), 100);
}

TEST_F(Admin, EveryChangeLeavesAnAuditLine) {
  const SluiceProcess sluice(two_pools(one_.address(), two_.address(), "100", "0"));
  sluice.admin().put("/v1/routes/all/split", R"({"weights":{"v1":37,"v2":63}})",
                     "X-Sluice-Actor: bob-the-tester\r\n");
  ASSERT_TRUE(sluice.logs("bob-the-tester", seconds(10)));
  const std::string log = sluice.operational_log();
  const std::size_t at = log.find("bob-the-tester");
  const std::size_t begin = log.rfind('\n', at) + 1;
  const std::string line = log.substr(begin, log.find('\n', at) - begin);
  for (const char* part : {"127.0.0.1", "all", "100", "37", "63"})
    EXPECT_NE(line.find(part), std::string::npos) << part << " in " << line;
}

TEST_F(Admin, NeedsTheTokenWhenThereIsOne) {
  const TempDir directory;
  const std::string file = directory.file("token");
  write_file(file, "correct-horse-battery-staple\n");
  const SluiceProcess sluice(with_token(one_, two_, file));
  for (const char* token :
       {"", "wrong", "correct-horse-battery-stapl", "correct-horse-battery-staple2"})
    for (const char* path : {"/v1/status", "/v1/routes", "/v1/events"}) {
      const AdminAnswer refused = AdminClient(sluice.admin_address(), token).get(path);
      expect_problem(refused, 401);
      EXPECT_TRUE(refused.fields.has("WWW-Authenticate"));
    }
  const AdminClient allowed(sluice.admin_address(), "correct-horse-battery-staple");
  EXPECT_EQ(allowed.get("/v1/status").status, 200u);
  EXPECT_EQ(AdminClient(sluice.admin_address(), "wrong").split("0", "1").status, 401u);
  EXPECT_EQ(sluice.client().get("/").body, "v1");
}

TEST_F(Admin, IsNotReachableFromATrafficListener) {
  const SluiceProcess sluice(two_pools(one_.address(), two_.address(), "100", "0"));
  for (const char* path : {"/v1/status", "/v1/routes/all", "/metrics", "/readyz", "/livez"}) {
    EXPECT_EQ(sluice.client().get(path).body, "v1") << path;
    EXPECT_EQ(one_.last().target, path);
  }
  const std::string body = R"({"weights":{"v1":0,"v2":1}})";
  const Response put =
      sluice.client().ask(request_text("PUT", "/v1/routes/all/split", "", body), "PUT");
  EXPECT_EQ(put.body, "v1") << put;
  EXPECT_EQ(sluice.client().get("/").body, "v1");
}

TEST_F(Admin, RefusesMalformedRequests) {
  const SluiceProcess sluice(two_pools(one_.address(), two_.address(), "100", "0"));
  for (const char* bytes : {"GET /v1/status HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n",
                            "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    RawClient client(sluice.admin_address());
    const Response answer = client.ask(bytes);
    EXPECT_EQ(answer.status, 400u) << bytes << answer;
  }
  EXPECT_EQ(sluice.admin().get("/v1/status").status, 200u);
}

/// A stream of server-sent events.
class EventStream {
 public:
  EventStream(const SluiceProcess& sluice, const std::string& fields)
      : client_(sluice.admin_address()) {
    client_.send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
    head = read_response_head(client_.stream);
  }

  /// The next event that has data: its lines.
  std::string next() {
    for (;;) {
      const auto end = text_.find("\n\n");
      if (end == std::string::npos) {
        text_ += read_more();
        continue;
      }
      const std::string event = text_.substr(0, end + 1);
      text_.erase(0, end + 2);
      if (event.find("data:") != std::string::npos) return event;
    }
  }

  /// The value of `name: value` in an event.
  static std::string line(const std::string& event, const std::string& name) {
    const auto at = ("\n" + event).find("\n" + name + ":");
    if (at == std::string::npos) return "";
    const std::string rest = event.substr(at + name.size() + 1);
    const std::string value = rest.substr(0, rest.find('\n'));
    return value.starts_with(' ') ? value.substr(1) : value;
  }

  Response head;

 private:
  std::string read_more() {
    Fields trailers;
    if (head.framing == Framing::chunked) {
      auto chunk = read_chunk(client_.stream, trailers);
      if (!chunk) throw Failure("the events ended");
      return *chunk;
    }
    if (client_.stream.buffer.empty() && !client_.stream.fill()) throw Failure("the events ended");
    return client_.stream.take(client_.stream.buffer.size());
  }

  RawClient client_;
  std::string text_;
};

TEST_F(Admin, EventsTellWhoAndWhyAndResume) {
  const SluiceProcess sluice(two_pools(one_.address(), two_.address(), "100", "0"));
  EventStream live(sluice, "");
  EXPECT_EQ(live.head.status, 200u) << live.head;
  EXPECT_TRUE(live.head.fields.get("Content-Type").starts_with("text/event-stream"));
  sluice.admin().put("/v1/routes/all/split", R"({"weights":{"v1":99,"v2":1}})",
                     "X-Sluice-Actor: carol\r\n");
  const std::string event = live.next();
  EXPECT_EQ(EventStream::line(event, "event"), "split") << event;
  EXPECT_NE(EventStream::line(event, "data").find("carol"), std::string::npos) << event;
  const std::string id = EventStream::line(event, "id");
  ASSERT_FALSE(id.empty()) << event;

  ASSERT_EQ(sluice.admin().split("98", "2").status, 200u);
  ASSERT_EQ(sluice.admin().post("/v1/pools/v2/drain").status, 200u);
  EventStream resumed(sluice, "Last-Event-ID: " + id + "\r\n");
  EXPECT_EQ(EventStream::line(resumed.next(), "event"), "split");
  const std::string drain = resumed.next();
  EXPECT_EQ(EventStream::line(drain, "event"), "drain") << drain;
  EXPECT_EQ(std::stoul(EventStream::line(drain, "id")), std::stoul(id) + 2);
  EXPECT_EQ(EventStream::line(live.next(), "event"), "split");
}

}  // namespace
}  // namespace sluice::e2e
