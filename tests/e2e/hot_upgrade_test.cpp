#include <csignal>
#include <memory>

#include "tests/e2e/rollout_scene.hpp"
#include "tests/e2e/upgrading.hpp"

/// One process takes the place of another (pitfalls P1, P2, P3, P30). Each test makes sure that the
/// processes are different ones and that each has served.
namespace sluice::e2e {
namespace {

constexpr int upgrade_rounds = is_slow_build ? 3 : 20;

TEST(HotUpgrade, ANewProcessServesAndTheOldOneEndsInOrder) {
  Upgrading scene;
  Load users(scene.load());
  NewConnections others(scene.sluice.listener());
  ASSERT_TRUE(users.wait_for_further(500));
  const pid_t old = scene.sluice.pid();
  const double before = scene.requests();
  ASSERT_TRUE(scene.generations.becomes_another());
  EXPECT_GE(scene.requests(), before) << "counters never go back";
  ASSERT_TRUE(users.wait_for_further(2000));
  EXPECT_EQ(scene.generations.wait_exit(old), 0);
  EXPECT_TRUE(scene.generations.is_alone());
  ASSERT_TRUE(users.wait_for_further(500));
  others.stop();
  const LoadCounts counts = users.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  EXPECT_EQ(others.failures(), 0u) << "of " << others.count();
  EXPECT_GT(others.count(), 10u);
  EXPECT_TRUE(eventually([&] {
    return scene.requests() == static_cast<double>(counts.requests + others.count());
  })) << "every request of both processes is counted once: "
      << scene.requests() << " of " << counts.requests + others.count();
}

TEST(HotUpgrade, ManyTimesUnderLoadWithoutAFailureAndCountersNeverGoBack) {
  Upgrading scene;
  Load users(scene.load());
  NewConnections others(scene.sluice.listener());
  double seen = 0;
  for (int round = 0; round < upgrade_rounds; ++round) {
    ASSERT_TRUE(users.wait_for_further(100));
    const pid_t old = scene.generations.present();
    ASSERT_TRUE(scene.generations.becomes_another()) << "round " << round;
    const double now = scene.requests();
    EXPECT_GE(now, seen);
    seen = now;
    EXPECT_EQ(scene.generations.wait_exit(old), 0) << "round " << round;
  }
  others.stop();
  const LoadCounts counts = users.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  EXPECT_EQ(others.failures(), 0u) << "of " << others.count();
}

TEST(HotUpgrade, WeightsDrainsMembersAndRevisionsStayWithAndWithoutAStateFolder) {
  for (const bool keeps_state : {true, false}) {
    Upgrading scene({}, {}, keeps_state);
    ASSERT_EQ(scene.sluice.admin().split("30", "70").status, 200u);
    ASSERT_EQ(scene.sluice.admin().post("/v1/pools/v1/drain", "{}").status, 200u);
    const AdminAnswer before = scene.sluice.admin().get("/v1/routes/all");
    const std::int64_t generation = scene.sluice.admin().get("/v1/status").number("/generation");
    ASSERT_TRUE(scene.generations.becomes_another());
    const AdminAnswer after = scene.sluice.admin().get("/v1/routes/all");
    EXPECT_EQ(after.text, before.text) << "keeps state: " << keeps_state;
    EXPECT_EQ(backend_word(scene.sluice, "drain"), "drained");
    EXPECT_GT(scene.sluice.admin().get("/v1/status").number("/generation"), generation);
    EXPECT_EQ(scene.sluice.client().get("/").body, "v2") << "v1 drains";
    EXPECT_EQ(scene.sluice.admin().post("/v1/pools/v1/undrain").status, 200u);
    EXPECT_EQ(scene.sluice.admin().split("100", "0").status, 200u) << "the new one decides";
    EXPECT_EQ(scene.sluice.client().get("/").body, "v1");
  }
}

TEST(HotUpgrade, ADrainIsOverWhenBothProcessesHaveNothingLeft) {
  const auto latch = std::make_shared<Latch>();
  Upgrading scene(answers_after(latch));
  RawClient slow = scene.sluice.client();
  slow.send(request_text("GET", "/slow"));
  ASSERT_TRUE(scene.one.wait_for_requests(1));
  ASSERT_EQ(scene.sluice.admin().post("/v1/pools/v1/drain", "{}").string("/state"), "draining");
  const pid_t old = scene.sluice.pid();
  ASSERT_TRUE(scene.generations.becomes_another());
  EXPECT_EQ(backend_word(scene.sluice, "drain"), "draining") << "the old one has a request";
  latch->release();
  EXPECT_EQ(slow.response().status, 200u);
  EXPECT_TRUE(eventually([&] { return backend_word(scene.sluice, "drain") == "drained"; }));
  EXPECT_EQ(scene.generations.wait_exit(old), 0);
}

TEST(HotUpgrade, TheDeadlineOfADrainThatBeginsLaterCutsInBothProcesses) {
  const auto latch = std::make_shared<Latch>();
  constexpr bool keeps_state = true;
  Upgrading scene(answers_after(latch), {}, keeps_state);
  RawClient slow = scene.sluice.client();
  slow.send(request_text("GET", "/slow"));
  ASSERT_TRUE(scene.one.wait_for_requests(1));
  const pid_t old = scene.sluice.pid();
  ASSERT_TRUE(scene.generations.becomes_another());
  ASSERT_EQ(scene.sluice.admin().post("/v1/pools/v1/drain", R"({"deadline":"300ms"})").status,
            200u);
  const Response cut = slow.response();
  EXPECT_TRUE(cut.status == 0 || cut.status >= 500) << cut;
  EXPECT_TRUE(eventually([&] { return backend_word(scene.sluice, "drain") == "drained"; }));
  EXPECT_EQ(scene.generations.wait_exit(old), 0);
  latch->release();
}

TEST(HotUpgrade, ARolloutGoesOnAtItsStep) {
  for (const bool keeps_state : {true, false}) {
    SceneSettings settings;
    settings.keeps_state = keeps_state;
    settings.policy.steps = "[5, 50, 95]";
    settings.policy.more = "\n";
    settings.policy.tables = manual_gate("95");
    RolloutScene scene(settings);
    Generations generations(scene.sluice);
    Load users(scene.users());
    ASSERT_EQ(scene.start().status, 201u) << scene.told();
    ASSERT_TRUE(scene.reaches_step(2, 30));
    const std::int64_t judged = scene.judged();
    ASSERT_TRUE(generations.becomes_another());
    EXPECT_EQ(scene.rollout().string("/id"), "build-1");
    EXPECT_EQ(scene.rollout().number("/step"), 2) << scene.told();
    EXPECT_EQ(scene.weight(), 50);
    EXPECT_GE(scene.judged(), judged) << "the evidence came with it";
    ASSERT_TRUE(eventually([&] { return scene.steer("approve").status == 200; })) << scene.told();
    EXPECT_TRUE(scene.reaches("done", std::chrono::seconds(60)));
    const LoadCounts counts = users.stop();
    EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  }
}

TEST(HotUpgrade, TunnelsDownloadsAndUploadsEndWhereTheyBegan) {
  const auto latch = std::make_shared<Latch>();
  const std::string body = noise(300'000);
  Upgrading scene([&](Exchange& exchange) {
    if (exchange.request().target == "/chat") return upgrades_and_echoes()(exchange);
    if (exchange.request().target == "/up") return echoes()(exchange);
    exchange.send(
        exchange.head(200, "Content-Length: " + std::to_string(2 * body.size()) + "\r\n") + "\r\n" +
        body);
    exchange.wait(*latch);
    exchange.send(body);
  });
  RawClient tunnel = scene.sluice.client();
  ASSERT_EQ(tunnel
                .get("/chat",
                     "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\n")
                .status,
            101u);
  RawClient download = scene.sluice.client();
  download.send(request_text("GET", "/down"));
  RawClient upload = scene.sluice.client();
  upload.send("POST /up HTTP/1.1\r\nHost: test.example\r\nContent-Length: 600000\r\n\r\n" + body);
  ASSERT_TRUE(scene.one.wait_for_requests(3));
  const pid_t old = scene.sluice.pid();
  ASSERT_TRUE(scene.generations.becomes_another());
  EXPECT_EQ(scene.sluice.client().get("/chat", "").status, 502u) << "no upgrade was asked for";
  latch->release();
  upload.send(body);
  EXPECT_EQ(download.response().body, body + body);
  EXPECT_EQ(upload.response("POST").body, body + body);
  tunnel.send("still here");
  ASSERT_TRUE(tunnel.stream.fill_to(10));
  EXPECT_EQ(tunnel.stream.take(10), "still here");
  tunnel.stream = {};
  EXPECT_EQ(scene.generations.wait_exit(old), 0);
}

TEST(HotUpgrade, KeepAliveClientsAreToldAndIdleOnesClosed) {
  Upgrading scene;
  RawClient told = scene.sluice.client();
  RawClient idle = scene.sluice.client();
  ASSERT_EQ(told.get("/").status, 200u);
  ASSERT_EQ(idle.get("/").status, 200u);
  ASSERT_TRUE(scene.generations.becomes_another());
  const Response last = told.get("/");
  EXPECT_EQ(last.status, 200u);
  EXPECT_EQ(last.fields.get("Connection"), "close");
  EXPECT_TRUE(told.is_ended());
  EXPECT_TRUE(idle.is_ended());
  EXPECT_EQ(scene.generations.wait_exit(scene.sluice.pid()), 0);
}

TEST(HotUpgrade, Sigusr2DoesItToo) {
  Upgrading scene;
  const pid_t old = scene.sluice.pid();
  scene.sluice.process().signal(SIGUSR2);
  ASSERT_TRUE(eventually([&] { return scene.generations.present() != old; }));
  scene.generations.note(scene.generations.present());
  EXPECT_EQ(scene.generations.wait_exit(old), 0);
  EXPECT_EQ(scene.sluice.client().get("/").status, 200u);
}

TEST(HotUpgrade, TheVerbSaysWhoServes) {
  Upgrading scene;
  const FinishedRun ran =
      run_to_end({program_path(), "upgrade", "--admin", scene.sluice.admin_address()});
  const pid_t now = scene.generations.present();
  scene.generations.note(now);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_TRUE(has(ran.out, "process " + std::to_string(now))) << ran.out;
  EXPECT_NE(now, scene.sluice.pid());
  const FinishedRun failed = run_to_end({program_path(), "upgrade", "--binary", "/bin/false",
                                         "--admin", scene.sluice.admin_address()});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_TRUE(has(failed.err, "exit code 1")) << failed.err;
}

}  // namespace
}  // namespace sluice::e2e
