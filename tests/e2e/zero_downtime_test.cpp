#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "tests/e2e/steady_load.hpp"
#include "tests/e2e/upgrading.hpp"

/// What operators do to a proxy that users are on: under an open-loop load of every kind of request
/// at a constant rate, nobody is refused, cut, reset or answered with an error (pitfalls P1, P2,
/// P3, P15, P30).
namespace sluice::e2e {
namespace {

constexpr int rounds = is_slow_build ? 5 : 20;
constexpr unsigned per_second = is_slow_build ? 60 : 200;
constexpr seconds deadline{20};  ///< drain_timeout of Upgrading

/// The program in front of two versions that serve errands, 30 to 70, and its users.
class Busy {
 public:
  explicit Busy(const ConfigText& config = {}) : scene(serves_errands(), config) {
    scene.two.set_script(serves_errands());
    weights_ = {"30", "70"};
    EXPECT_EQ(scene.sluice.admin().split(weights_[0], weights_[1]).status, 200u);
    users = std::make_unique<SteadyLoad>(scene.sluice.listener(), per_second);
    EXPECT_TRUE(users->all_go_on()) << users->counts();
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  ~Busy() {
    EXPECT_TRUE(users->all_go_on()) << users->counts();
    const SteadyCounts counts = users->stop();
    EXPECT_EQ(counts.failures(), 0u) << counts;
    for (const TestBackend* backend : {&scene.one, &scene.two})
      for (const std::string& violation : backend->violations()) ADD_FAILURE() << violation;
    EXPECT_TRUE(eventually([&] { return scene.requests() >= static_cast<double>(counts.good()); }))
        << "every request is counted: " << scene.requests() << " of " << counts.good();
  }

  /// Another process takes over, the present one finishes and ends before its deadline.
  void upgrade(const std::string& body = "") {
    const pid_t old = scene.generations.present();
    const double before = scene.requests();
    const std::string route = weights_now();
    users->mark();
    ASSERT_TRUE(scene.generations.becomes_another(body));
    EXPECT_GE(scene.requests(), before) << "counters never go back";
    EXPECT_EQ(weights_now(), route);
    EXPECT_NE(scene.generations.present(), old);
    EXPECT_EQ(scene.generations.wait_exit(old, deadline), 0);
    EXPECT_TRUE(scene.generations.is_alone());
    EXPECT_GE(scene.requests(), before);
    ASSERT_TRUE(users->all_go_on()) << users->counts();
  }
  /// An upgrade that comes to nothing.
  void fails_to_upgrade(const std::string& body, const std::string& why) {
    const pid_t pid = scene.generations.present();
    users->mark();
    const AdminAnswer answer = scene.generations.upgrade(body);
    EXPECT_EQ(answer.status, 502u) << answer;
    EXPECT_TRUE(has(answer.text, why)) << answer;
    EXPECT_EQ(scene.generations.present(), pid);
    ASSERT_TRUE(users->all_go_on()) << users->counts();
  }
  std::string weights_now() const { return scene.sluice.admin().get("/v1/routes/all").text; }
  std::string script(const std::string& name, const std::string& lines) const {
    return program(scene.sluice, name, "#!/bin/sh\n" + lines);
  }
  /// Errands of each slow kind were under way during something that was done.
  void expect_crossings(std::uint64_t at_least) const {
    const SteadyCounts counts = users->counts();
    for (const Errand errand : {Errand::upload, Errand::download, Errand::events, Errand::tunnel})
      EXPECT_GE(counts.of(errand).crossings, at_least) << to_string(errand) << "\n" << counts;
  }

  Upgrading scene;
  std::unique_ptr<SteadyLoad> users;

 private:
  std::array<std::string, 2> weights_;
};

std::string asks(const std::string& path, const std::string& timeout = "20s") {
  return R"({"timeout":")" + timeout + R"(","binary":")" + path + "\"}";
}

/// GET /held waits for the latch.
Script serves_errands_but_held(const std::shared_ptr<Latch>& latch) {
  return [latch](Exchange& exchange) {
    exchange.request().target == "/held" ? answers_after(latch)(exchange)
                                         : serves_errands()(exchange);
  };
}

/// Sends GET /held and waits until this backend has it.
bool is_held(RawClient& client, const TestBackend& backend) {
  client.send(request_text("GET", "/held"));
  return eventually([&] {
    for (const SeenRequest& request : backend.requests())
      if (request.target == "/held") return true;
    return false;
  });
}

TEST(ZeroDowntime, ReloadsTwentyTimes) {
  Busy busy;
  const std::string good = read_file(busy.scene.sluice.file("config.toml"));
  const std::string more = "\n[pool.more]\nbackends = [\"" + busy.scene.two.address() +
                           "\"]\n[route.more]\npath = \"/more\"\nsplit = { more = 1 }\n";
  const std::string route = busy.weights_now();
  const pid_t pid = busy.scene.generations.present();
  for (int round = 0; round < rounds; ++round) {
    const double before = busy.scene.requests();
    write_file(busy.scene.sluice.file("config.toml"), round % 2 == 0 ? good + more : good);
    busy.users->mark();
    const AdminAnswer answer = busy.scene.sluice.admin().post("/v1/reload", "{}");
    ASSERT_EQ(answer.status, 200u) << answer;
    EXPECT_EQ(answer.number("/record"), round + 2);
    EXPECT_EQ(RawClient(busy.scene.sluice.listener()).get("/more").status,
              200u);  // by one route or the other
    EXPECT_EQ(busy.scene.sluice.admin().get("/v1/pools/more").status, round % 2 == 0 ? 200u : 404u);
    EXPECT_GE(busy.scene.requests(), before);
    EXPECT_EQ(busy.weights_now(), route);
    ASSERT_TRUE(busy.users->all_go_on()) << busy.users->counts();
  }
  EXPECT_EQ(busy.scene.generations.present(), pid);
  busy.expect_crossings(rounds / 2);
}

TEST(ZeroDowntime, UpgradesTwentyTimes) {
  Busy busy;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(round);
    busy.upgrade();
    if (testing::Test::HasFatalFailure()) return;
  }
  busy.expect_crossings(rounds / 2);
}

TEST(ZeroDowntime, UpgradesThatCrashHangOrRefuseTheirConfiguration) {
  Busy busy;
  busy.fails_to_upgrade(asks(busy.script("crashes", "kill -SEGV $$\n")), "signal 11");
  busy.fails_to_upgrade(asks(busy.script("hangs", "exec sleep 60\n"), "2s"),
                        "did not serve within");
  const std::string config = busy.scene.sluice.file("config.toml");
  const std::string good = read_file(config);
  write_file(config, good + "\n[surver]\n");
  busy.fails_to_upgrade("", "surver");
  write_file(config, good);
  busy.upgrade();
}

TEST(ZeroDowntime, AnUpgradeDuringAnUpgrade) {
  Busy busy;
  const std::string note = busy.scene.sluice.file("pid");
  const std::string path =
      busy.script("late", "echo $$ > " + note + "\nwhile [ ! -e " + note +
                              ".go ]; do sleep 0.02; done\nexec " + program_path() + " \"$@\"\n");
  const pid_t old = busy.scene.generations.present();
  AdminAnswer first;
  std::thread upgrade([&] { first = busy.scene.generations.upgrade(asks(path)); });
  EXPECT_TRUE(eventually([&] { return has(read_file(note), "\n"); }));
  busy.users->mark();
  const AdminAnswer second = busy.scene.sluice.admin().post("/v1/upgrade", "");
  EXPECT_EQ(second.status, 409u) << second;
  write_file(note + ".go", "");
  upgrade.join();
  EXPECT_EQ(first.status, 200u) << first;
  EXPECT_EQ(busy.scene.generations.present(), std::stoi(read_file(note)));
  EXPECT_EQ(busy.scene.generations.wait_exit(old, deadline), 0);
}

TEST(ZeroDowntime, AnUpgradeWhileTheOneBeforeStillFinishes) {
  Busy busy;
  RawClient tunnel = busy.scene.sluice.client();
  ASSERT_EQ(tunnel
                .get("/tunnel",
                     "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
                .status,
            101u);
  const pid_t first = busy.scene.generations.present();
  ASSERT_TRUE(busy.scene.generations.becomes_another());
  const pid_t second = busy.scene.generations.present();
  ASSERT_TRUE(busy.users->all_go_on()) << busy.users->counts();
  ASSERT_TRUE(busy.scene.generations.becomes_another());
  ASSERT_TRUE(busy.users->all_go_on()) << busy.users->counts();
  tunnel.send("still");
  EXPECT_TRUE(tunnel.stream.fill_to(5));
  EXPECT_EQ(tunnel.stream.take(5), "still");
  tunnel.stream.finish_sending();
  EXPECT_TRUE(tunnel.is_ended());
  EXPECT_EQ(busy.scene.generations.wait_exit(first, deadline), 0);
  EXPECT_EQ(busy.scene.generations.wait_exit(second, deadline), 0);
  EXPECT_TRUE(busy.scene.generations.is_alone());
}

TEST(ZeroDowntime, AnUpgradeDuringAStepOfARollout) {
  ConfigText config;
  config.tables =
      "\n[route.all.rollout]\nsteps = [5, 50, 95]\nmin_requests = 20\nstep_time = \"300ms\"\n"
      "[route.all.rollout.errors]\nmax_rate = 0.1\n"
      "[route.all.rollout.latency]\nslack = \"50ms\"\n"
      "[[route.all.rollout.gate]]\nbefore = 95\nmanual = true\n";
  Busy busy(config);
  const auto admin = [&] { return busy.scene.sluice.admin(); };
  const std::string path = "/v1/routes/all/rollout";
  ASSERT_EQ(admin().split("100", "0").status, 200u);
  ASSERT_EQ(admin().post(path, R"({"to":"v2","id":"build-1"})").status, 201u);
  ASSERT_TRUE(eventually([&] {
    return admin().get(path).number("/step") == 2 &&
           admin().get(path).number("/counts/new/requests") > 100;
  })) << admin().get(path);
  for (int round = 0; round < 3; ++round) {
    const AdminAnswer before = admin().get(path);
    busy.upgrade();
    const AdminAnswer after = admin().get(path);
    EXPECT_EQ(after.number("/step"), before.number("/step")) << after;
    EXPECT_EQ(after.string("/id"), "build-1");
    EXPECT_GE(after.number("/counts/new/requests"), before.number("/counts/new/requests"));
  }
  EXPECT_TRUE(eventually([&] { return admin().post(path + "/approve").status == 200; }));
  EXPECT_TRUE(eventually([&] { return admin().get(path).number("/step") == 3; }))
      << admin().get(path);
}

TEST(ZeroDowntime, AnUpgradeDuringADrain) {
  Busy busy;
  const auto latch = std::make_shared<Latch>();
  busy.scene.one.set_script(serves_errands_but_held(latch));
  ASSERT_EQ(busy.scene.sluice.admin().split("100", "0").status, 200u);
  RawClient held = busy.scene.sluice.client();
  ASSERT_TRUE(is_held(held, busy.scene.one));
  ASSERT_EQ(busy.scene.sluice.admin().split("50", "50").status, 200u);
  ASSERT_EQ(busy.scene.sluice.admin().post("/v1/pools/v1/drain", "{}").status, 200u);
  const pid_t old = busy.scene.generations.present();
  busy.users->mark();
  ASSERT_TRUE(busy.scene.generations.becomes_another());
  EXPECT_EQ(backend_word(busy.scene.sluice, "drain"), "draining");
  ASSERT_TRUE(busy.users->all_go_on()) << busy.users->counts();
  latch->release();
  EXPECT_EQ(held.response().status, 200u);
  EXPECT_TRUE(eventually([&] { return backend_word(busy.scene.sluice, "drain") == "drained"; }));
  EXPECT_EQ(busy.scene.generations.wait_exit(old, deadline), 0);
  EXPECT_EQ(busy.scene.one.open(), 0u) << "nothing is left on what drained";
}

TEST(ZeroDowntime, AKillOfTheNewOneBeforeTheOldOneHasAcknowledged) {
  Busy busy;
  // While it starts: what the kernel calls it says that it is no shell any more.
  const std::string note = busy.scene.sluice.file("pid");
  const std::string path =
      busy.script("noted", "echo $$ > " + note + "\nexec " + program_path() + " \"$@\"\n");
  const pid_t present = busy.scene.generations.present();
  AdminAnswer answer;
  std::thread upgrade([&] { answer = busy.scene.generations.upgrade(asks(path)); });
  EXPECT_TRUE(eventually([&] { return has(read_file(note), "\n"); }));
  const std::string pid = read_file(note).substr(0, read_file(note).find('\n'));
  EXPECT_TRUE(eventually([&] { return read_file("/proc/" + pid + "/comm") == "sluice\n"; }));
  ::kill(std::stoi(pid), SIGKILL);
  upgrade.join();
  EXPECT_EQ(answer.status, 502u) << answer;
  EXPECT_TRUE(has(answer.text, "signal 9")) << answer;
  EXPECT_EQ(busy.scene.generations.present(), present);
  ASSERT_TRUE(busy.users->all_go_on()) << busy.users->counts();
  for (int round = 0; round < 3; ++round)
    busy.fails_to_upgrade(asks(dies_after_ready(busy.scene.sluice)), "signal 9");
  busy.upgrade();
}

TEST(ZeroDowntime, AKillOfTheOldOneOnceItHasNothingLeftButOneOfOurs) {
  Busy busy;
  const auto latch = std::make_shared<Latch>();
  busy.scene.two.set_script(serves_errands_but_held(latch));
  ASSERT_EQ(busy.scene.sluice.admin().split("0", "100").status, 200u);
  RawClient held = busy.scene.sluice.client();
  ASSERT_TRUE(is_held(held, busy.scene.two));
  const pid_t old = busy.scene.generations.present();
  ASSERT_TRUE(busy.scene.generations.becomes_another());
  ASSERT_TRUE(eventually([&] {
    return busy.scene.sluice.admin().get("/v1/status").number("/predecessor/connections") == 1;
  }));
  const double before = busy.scene.requests();
  ::kill(old, SIGKILL);
  EXPECT_EQ(busy.scene.generations.wait_exit(old), 128 + SIGKILL);
  EXPECT_TRUE(busy.scene.generations.is_alone());
  EXPECT_GE(busy.scene.requests(), before);
  EXPECT_TRUE(held.is_ended()) << "what it had goes with it";
  latch->release();
}

}  // namespace
}  // namespace sluice::e2e
