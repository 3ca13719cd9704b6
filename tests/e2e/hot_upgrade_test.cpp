#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "tests/e2e/generations.hpp"
#include "tests/e2e/rollout_scene.hpp"
#include "tests/support/load.hpp"

/// One process takes the place of another (pitfalls P1, P2, P3, P30). Each test makes sure that the
/// processes are different ones and that each has served.
namespace sluice::e2e {
namespace {

constexpr int rounds = is_slow_build ? 3 : 20;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The program in front of two versions, and everything that is said of its processes.
struct Upgrading {
  explicit Upgrading(Script script = {}, ConfigText config = {}, bool keeps_state = true)
      : one("v1", std::move(script)), sluice(prepared(std::move(config), keeps_state)) {}

  ConfigText prepared(ConfigText config, bool keeps_state) const {
    config.pool("v1", {one.address()}).pool("v2", {two.address()});
    config.route("all", "v1 = 100, v2 = 0");
    config.keeps_state = keeps_state;
    config.server += "drain_timeout = \"20s\"\n";
    return config;
  }
  LoadOptions load(unsigned connections = 16) const {
    LoadOptions options;
    options.address = sluice.listener();
    options.connections = connections;
    return options;
  }
  double requests() const { return sluice.admin().metric("sluice_requests_total"); }

  TestBackend one;
  TestBackend two{"v2"};
  SluiceProcess sluice;
  Generations generations{sluice};
};

/// A file that can be run.
std::string program(const SluiceProcess& sluice, const std::string& name, const std::string& text) {
  const std::string path = sluice.file(name);
  std::ofstream(path) << text;
  ::chmod(path.c_str(), 0755);
  return path;
}

/// New connections, one request on each, until it is stopped.
class NewConnections {
 public:
  explicit NewConnections(std::string address)
      : address_(std::move(address)), thread_([this] {
          while (!stopping_) {
            ++count_;
            try {
              RawClient client(address_);
              if (client.get("/", "Connection: close\r\n").status != 200) ++failures_;
            } catch (const std::exception&) {
              ++failures_;
            }
          }
        }) {}
  ~NewConnections() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  unsigned count() const { return count_; }
  unsigned failures() const { return failures_; }

 private:
  std::string address_;
  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> count_{0};
  std::atomic<unsigned> failures_{0};
  std::thread thread_;
};

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
  for (int round = 0; round < rounds; ++round) {
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
  EXPECT_EQ(scene.sluice.open_fds(), 0u) << "nothing is left of the first one";
}

TEST(HotUpgrade, AnotherOneMayComeWhileThePredecessorStillFinishes) {
  const auto latch = std::make_shared<Latch>();
  Upgrading scene(answers_after(latch));
  RawClient slow = scene.sluice.client();
  slow.send(request_text("GET", "/slow"));
  ASSERT_TRUE(scene.one.wait_for_requests(1));
  const pid_t first = scene.sluice.pid();
  ASSERT_TRUE(scene.generations.becomes_another());
  const AdminAnswer status = scene.sluice.admin().get("/v1/status");
  EXPECT_EQ(status.number("/predecessor/pid"), first) << status;
  ASSERT_TRUE(eventually([&] {
    return scene.sluice.admin().get("/v1/status").number("/predecessor/connections") == 1;
  }));
  const pid_t second = scene.generations.present();
  ASSERT_TRUE(scene.generations.becomes_another());
  latch->release();
  const Response answer = slow.response();
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(scene.generations.wait_exit(first), 0);
  EXPECT_EQ(scene.generations.wait_exit(second), 0);
  EXPECT_TRUE(scene.generations.is_alone());
  EXPECT_EQ(scene.requests(), 1) << "the request of the first one, through the second";
}

TEST(HotUpgrade, ABinaryThatIsNoneChangesNothing) {
  Upgrading scene;
  Load users(scene.load(4));
  const pid_t pid = scene.sluice.pid();
  const auto refused = [&](const std::string& path, const std::string& why) {
    const AdminAnswer answer =
        scene.sluice.admin().post("/v1/upgrade", R"({"timeout":"2s","binary":")" + path + "\"}");
    EXPECT_EQ(answer.status, 502u) << answer;
    EXPECT_TRUE(has(answer.text, why)) << answer;
    EXPECT_EQ(scene.generations.present(), pid);
    EXPECT_TRUE(users.wait_for_further(20));
  };
  refused("/nowhere/sluice", "No such file");
  refused("/bin/false", "exit code 1");
  refused(program(scene.sluice, "crashes", "#!/bin/sh\nkill -SEGV $$\n"), "signal 11");
  refused(program(scene.sluice, "text", "no program"), "cannot be run");
  refused(program(scene.sluice, "hangs", "#!/bin/sh\nexec sleep 60\n"), "did not serve within");
  refused(program(scene.sluice, "babbles", "#!/bin/sh\necho 0000 >&3\nexec sleep 60\n"),
          "no message of a hand-over");
  const LoadCounts counts = users.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
}

TEST(HotUpgrade, ABrokenConfigurationIsRefusedWithItsProblem) {
  Upgrading scene;
  Load users(scene.load(4));
  const pid_t pid = scene.sluice.pid();
  const std::string good = read_file(scene.sluice.file("config.toml"));
  write_file(scene.sluice.file("config.toml"), good + "\n[surver]\n");
  const AdminAnswer parse = scene.generations.upgrade();
  EXPECT_EQ(parse.status, 502u);
  EXPECT_TRUE(has(parse.text, "surver")) << parse;
  write_file(scene.sluice.file("config.toml"),
             good + "\n[[listener]]\naddress = \"192.0.2.1:80\"\n");
  const AdminAnswer bind = scene.generations.upgrade();
  EXPECT_EQ(bind.status, 502u);
  EXPECT_TRUE(has(bind.text, "192.0.2.1")) << bind;
  EXPECT_EQ(scene.generations.present(), pid);
  ASSERT_TRUE(users.wait_for_further(100));
  write_file(scene.sluice.file("config.toml"), good);
  ASSERT_TRUE(scene.generations.becomes_another()) << "the next one succeeds";
  const LoadCounts counts = users.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
}

TEST(HotUpgrade, ASecondOneMeanwhileIsRefusedAndAKillOfTheNewOneChangesNothing) {
  Upgrading scene;
  Load users(scene.load(4));
  const std::string note = scene.sluice.file("pid");
  const std::string path =
      program(scene.sluice, "slow", "#!/bin/sh\necho $$ > " + note + "\nexec sleep 60\n");
  AdminAnswer first;
  std::thread upgrade(
      [&] { first = scene.sluice.admin().post("/v1/upgrade", R"({"binary":")" + path + "\"}"); });
  ASSERT_TRUE(eventually([&] { return has(read_file(note), "\n"); }));
  const AdminAnswer second = scene.generations.upgrade();
  EXPECT_EQ(second.status, 409u) << second;
  ::kill(std::stoi(read_file(note)), SIGKILL);
  upgrade.join();
  EXPECT_EQ(first.status, 502u) << first;
  EXPECT_TRUE(has(first.text, "signal 9")) << first;
  EXPECT_EQ(scene.generations.present(), scene.sluice.pid());
  ASSERT_TRUE(scene.generations.becomes_another());
  const LoadCounts counts = users.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
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
    ASSERT_EQ(scene.start().status, 202u) << scene.told();
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

TEST(HotUpgrade, AKillOfTheOldOneAfterwardsTakesOnlyWhatItHad) {
  const auto latch = std::make_shared<Latch>();
  Upgrading scene([latch](Exchange& exchange) {
    exchange.request().target == "/slow" ? answers_after(latch)(exchange)
                                         : exchange.answer(200, "v1");
  });
  RawClient slow = scene.sluice.client();
  slow.send(request_text("GET", "/slow"));
  ASSERT_TRUE(scene.one.wait_for_requests(1));
  ASSERT_TRUE(scene.generations.becomes_another());
  Load users(scene.load(4));
  ASSERT_TRUE(users.wait_for_further(100));
  const double before = scene.requests();
  scene.sluice.process().signal(SIGKILL);
  EXPECT_EQ(scene.generations.wait_exit(scene.sluice.pid()), 128 + SIGKILL);
  EXPECT_TRUE(scene.generations.is_alone());
  EXPECT_GE(scene.requests(), before);
  ASSERT_TRUE(users.wait_for_further(100));
  const LoadCounts counts = users.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  latch->release();
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

TEST(HotUpgrade, AProcessFromOutsideTakesOver) {
  Upgrading scene;
  Load users(scene.load(4));
  const pid_t old = scene.sluice.pid();
  ChildProcess successor({program_path(), "run", scene.sluice.file("config.toml"), "--take-over"},
                         scene.sluice.file("stdout"), scene.sluice.file("stderr"));
  ASSERT_TRUE(eventually([&] { return scene.generations.present() == successor.pid(); }));
  EXPECT_EQ(scene.generations.wait_exit(old), 0);
  ASSERT_TRUE(users.wait_for_further(100));
  const LoadCounts counts = users.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  // And the next one from it.
  ASSERT_TRUE(scene.generations.becomes_another());
}

TEST(HotUpgrade, AProcessFromOutsideTakesOverFromOneThatTookOverItself) {
  Upgrading scene;
  const pid_t first = scene.sluice.pid();
  ASSERT_TRUE(scene.generations.becomes_another());
  EXPECT_EQ(scene.generations.wait_exit(first), 0);
  const std::filesystem::path door = scene.sluice.file("state") + "/handover.sock";
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(door); })) << "its own by now";
  ChildProcess successor({program_path(), "run", scene.sluice.file("config.toml"), "--take-over"},
                         scene.sluice.file("stdout"), scene.sluice.file("stderr"));
  ASSERT_TRUE(eventually([&] { return scene.generations.present() == successor.pid(); }));
}

TEST(HotUpgrade, WithNobodyToTakeOverFromTheStartIsRefused) {
  Upgrading scene({}, {}, false);
  const FinishedRun ran =
      run_to_end({program_path(), "run", scene.sluice.file("config.toml"), "--take-over"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_TRUE(has(ran.err, "state_dir is empty")) << ran.err;
}

TEST(HotUpgrade, AThousandListenersAndUnixSocketsAreHandedOver) {
  constexpr int many = is_slow_build ? 300 : 1000;
  Upgrading probe;
  ConfigText config;
  std::vector<Fd> held;
  config.listeners = {probe.sluice.file("unix.sock")};
  config.listeners[0].insert(0, "unix:");
  for (int index = 0; index < many; ++index) {
    config.listeners.push_back("127." + std::to_string(1 + index / 250) + ".7." +
                               std::to_string(1 + index % 250) + ":18080");
  }
  config.admin_address = "unix:" + probe.sluice.file("admin.sock");
  Upgrading scene({}, config);
  NewConnections users(scene.sluice.listener(many));
  const pid_t old = scene.sluice.pid();
  ASSERT_TRUE(scene.generations.becomes_another());
  EXPECT_EQ(scene.generations.wait_exit(old), 0);
  for (const int index : {0, 1, many / 2, many}) {
    EXPECT_EQ(RawClient(scene.sluice.listener(static_cast<std::size_t>(index))).get("/").status,
              200u)
        << scene.sluice.listener(static_cast<std::size_t>(index));
  }
  users.stop();
  EXPECT_EQ(users.failures(), 0u) << "of " << users.count();
  EXPECT_GT(users.count(), 0u);
}

}  // namespace
}  // namespace sluice::e2e
