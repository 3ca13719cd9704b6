#include <atomic>
#include <cstdlib>
#include <set>

#include "tests/e2e/frozen.hpp"

/// Connections to backends that are kept, and what is sent to which pool.
namespace sluice::e2e {
namespace {

/// One worker, so that every request may use every idle connection.
ConfigText one_worker(ConfigText config) {
  config.server = "workers = 1\n";
  return config;
}

/// The program with one idle connection to its backend, of which the test holds the other end.
struct Pooled {
  Pooled() {
    backend.set_script([this](Exchange& exchange) {
      exchange.read_body();
      // The test's own end: the backend closes its stream when the program does.
      if (kept < 0) kept = ::dup(exchange.stream().fd());
      exchange.answer(200, exchange.backend_name());
    });
  }

  /// `request` reaches the program first; what `act` does on the idle connection is there as well
  /// when the program sees it.
  template <class Act>
  Response ask_while(Act act, std::string_view method) {
    RawClient first = sluice.client();
    EXPECT_EQ(first.get("/first").status, 200u);
    EXPECT_EQ(backend.accepted(), 1u);
    ByteStream idle{Fd(kept.load())};
    RawClient client = sluice.client();
    EXPECT_TRUE(
        eventually([&] { return sluice.admin().metric("sluice_client_connections") > 1.5; }));
    {
      const Frozen frozen(sluice);
      client.send(request_text(method, "/second"));
      EXPECT_TRUE(has_arrived(client.stream));
      act(idle);
      EXPECT_TRUE(has_arrived(idle));
    }
    return client.response(method);
  }

  std::atomic<int> kept{-1};
  TestBackend backend;
  SluiceProcess sluice{one_worker(one_pool(backend.address()))};
};

TEST(PooledConnection, WithUnsolicitedOctetsServesNobody) {
  Pooled scene;
  const Response answer = scene.ask_while(
      [](ByteStream& stream) { stream.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"); },
      "GET");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(answer.body, "v1");
  EXPECT_EQ(scene.backend.accepted(), 2u);
  EXPECT_EQ(scene.sluice.client().get("/third").body, "v1");
}

TEST(PooledConnection, ThatTheBackendFinishedGetsNoPost) {
  Pooled scene;
  const Response answer =
      scene.ask_while([](ByteStream& stream) { stream.finish_sending(); }, "POST");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(answer.body, "v1");
  EXPECT_EQ(scene.backend.request_count(), 2u);
}

TEST(FailedVersion, IsNotReplayedOnTheOther) {
  TestBackend old_version("v1", [](Exchange& exchange) { exchange.reset(); });
  TestBackend new_version("v2");
  const SluiceProcess sluice(two_pools(old_version.address(), new_version.address(), "50", "50"));
  std::size_t served = 0;
  for (int round = 0; round < 60; ++round) {
    const Response answer = sluice.client().get("/" + std::to_string(round));
    EXPECT_TRUE(answer.status == 200 || answer.status == 502) << answer;
    served += answer.status == 200 ? 1 : 0;
  }
  std::set<std::string> failed;
  for (const SeenRequest& request : old_version.requests()) failed.insert(request.target);
  EXPECT_GT(failed.size(), 0u);
  EXPECT_GT(new_version.request_count(), 0u);
  EXPECT_EQ(failed.size() + served, 60u);
  for (const SeenRequest& request : new_version.requests())
    EXPECT_FALSE(failed.contains(request.target)) << request.target << " was shown to both";
  EXPECT_EQ(sluice.admin().metric("sluice_spills_total"), 0);
}

TEST(ClientThatResets, IsNoFailureOfTheBackend) {
  const auto latch = std::make_shared<Latch>();
  Scene scene(answers_after(latch));
  RawClient client = scene.sluice.client();
  client.send(request_text("GET", "/"));
  ASSERT_TRUE(scene.backend.wait_for_requests(1));
  client.stream.reset();
  ASSERT_TRUE(eventually([&] { return backend_number(scene.sluice, "in_flight") == 0; }));
  EXPECT_EQ(scene.sluice.access_log(1)[0].at("status").to_number<int>(), 499);
  EXPECT_EQ(scene.sluice.admin().metric("sluice_attempt_failures_total"), 0);
  latch->release();
}

/// A variable for the programs started while it lives.
class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const char* value) : name_(name) {
    ::setenv(name, value, 1);
  }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;
  ~EnvironmentVariable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

TEST(MembershipChange, LeavesTheLimitsOfIdleClientsAlone) {
  // Freed memory is overwritten at once, so that a limit read from there cannot happen to be right.
  const EnvironmentVariable overwrite("MALLOC_PERTURB_", "1");
  const EnvironmentVariable no_cache("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0");
  TestBackend added("added");
  Scene scene;
  std::vector<RawClient> idle;
  for (int at = 0; at < 4; ++at) {
    idle.push_back(scene.sluice.client());
    // Half of them have not sent anything yet.
    if (at % 2 == 0) {
      ASSERT_EQ(idle.back().get("/").status, 200u);
    }
  }
  ASSERT_TRUE(
      eventually([&] { return scene.sluice.admin().metric("sluice_client_connections") > 3.5; }));
  const AdminAnswer joined = scene.sluice.admin().post("/v1/pools/v1/backends",
                                                       R"({"address":")" + added.address() + "\"}");
  ASSERT_EQ(joined.status / 100, 2u) << joined;
  const AdminAnswer left =
      scene.sluice.admin().remove("/v1/pools/v1/backends/" + added.address(), R"({"wait":true})");
  ASSERT_EQ(left.status, 200u) << left;
  for (RawClient& client : idle) EXPECT_EQ(client.get("/" + std::string(9000, 'a')).status, 414u);
}

}  // namespace
}  // namespace sluice::e2e
