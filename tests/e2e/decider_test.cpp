#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>

#include "tests/e2e/generations.hpp"
#include "tests/e2e/rollout_scene.hpp"

/// Several processes on one host and state_dir: one decides, the others follow and take over.
namespace sluice::e2e {
namespace {

/// How long a follower may take to see that nobody decides any more, and to be found out.
constexpr milliseconds time_to_take_over = is_slow_build ? milliseconds(5000) : milliseconds(1000);

constexpr int replacements = is_slow_build ? 3 : 10;

std::string decider_of(const SluiceProcess& sluice) {
  const AdminAnswer status = sluice.admin().get("/v1/status");
  const boost::json::value& is_self = status.at("/decider/is_self");
  if (!is_self.is_bool()) return "unknown";
  return is_self.get_bool() ? "itself" : status.string("/decider/held_by");
}

/// How GET /v1/status and a refusal name a process.
std::string named(const SluiceProcess& sluice) {
  return "process " + std::to_string(sluice.pid()) + ", admin " + sluice.admin_address();
}
std::string refusal(const SluiceProcess& sluice) {
  return "process " + std::to_string(sluice.pid()) + " decides; ask it (admin " +
         sluice.admin_address() + ")";
}

/// Two versions behind several processes on one port.
struct Host {
  std::unique_ptr<SluiceProcess> start() {
    ConfigText config = two_pools(one.address(), two.address(), "100", "0");
    config.state_dir = folder.file("state");
    config.shares_listeners = true;
    if (!listener.empty()) config.listeners = {listener};
    auto process = std::make_unique<SluiceProcess>(config);
    listener = process->listener();
    return process;
  }

  static std::int64_t weight_of_v2(const SluiceProcess& sluice) {
    return sluice.admin().get("/v1/routes/all").number("/split/1/in_force");
  }

  /// Whether so many requests, each on a connection of its own, all reach this version.
  testing::AssertionResult serves_only(const std::string& version, int requests = 60) const {
    for (int round = 0; round < requests; ++round) {
      const std::string body = RawClient(listener).get("/").body;
      if (body != version) return testing::AssertionFailure() << body << " answered";
    }
    return testing::AssertionSuccess();
  }

  TempDir folder;
  TestBackend one{"v1"};
  TestBackend two{"v2"};
  std::string listener;
};

/// A process, in effect, that wants to hold a state folder and tries without a pause.
class LockSeeker {
 public:
  explicit LockSeeker(const std::string& folder)
      : lock_(::open((folder + "/lock").c_str(), O_RDWR | O_CLOEXEC)), thread_([this] {
          while (!is_over_) {
            if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) continue;
            ++wins_;
            ::flock(lock_, LOCK_UN);
          }
        }) {}
  ~LockSeeker() {
    is_over_ = true;
    thread_.join();
    ::close(lock_);
  }
  LockSeeker(const LockSeeker&) = delete;
  LockSeeker& operator=(const LockSeeker&) = delete;
  bool is_open() const { return lock_ >= 0; }
  unsigned wins() const { return wins_; }

 private:
  int lock_;
  std::atomic<bool> is_over_{false};
  std::atomic<unsigned> wins_{0};
  std::thread thread_;
};

TEST(Decider, AllProcessesOnAPortFollowASplit) {
  Host host;
  const auto decider = host.start();
  const auto follower = host.start();
  ASSERT_NE(decider->pid(), follower->pid());
  ASSERT_EQ(decider->listener(), follower->listener());
  EXPECT_TRUE(follower->logs("follows " + named(*decider)));
  EXPECT_EQ(decider_of(*decider), "itself");
  EXPECT_EQ(decider_of(*follower), named(*decider));
  EXPECT_EQ(decider->admin().metric("sluice_is_decider"), 1);
  EXPECT_EQ(follower->admin().metric("sluice_is_decider"), 0);
  EXPECT_TRUE(host.serves_only("v1"));

  ASSERT_EQ(decider->admin().split("0", "100").status, 200u);
  ASSERT_TRUE(eventually([&] { return Host::weight_of_v2(*follower) == 100; }));
  EXPECT_TRUE(host.serves_only("v2"));
  EXPECT_GT(decider->admin().metric("sluice_requests_total", {"pool=\"v2\""}), 0);
  EXPECT_GT(follower->admin().metric("sluice_requests_total", {"pool=\"v2\""}), 0)
      << "both have served";
}

TEST(Decider, AllProcessesFollowADrainAndItsEnd) {
  Host host;
  const auto decider = host.start();
  const auto follower = host.start();
  ASSERT_EQ(decider->admin().split("50", "50").status, 200u);
  ASSERT_TRUE(eventually([&] { return Host::weight_of_v2(*follower) == 50; }));
  ASSERT_EQ(decider->admin().post("/v1/pools/v1/drain", R"({"wait":true})").status, 200u);
  ASSERT_TRUE(eventually([&] { return backend_word(*follower, "drain") == "drained"; }));
  EXPECT_TRUE(host.serves_only("v2"));
  ASSERT_EQ(decider->admin().post("/v1/pools/v1/undrain").status, 200u);
  ASSERT_TRUE(eventually([&] { return backend_word(*follower, "drain") == "none"; }));
  const std::size_t before = host.one.request_count();
  EXPECT_TRUE(eventually([&] {
    RawClient(host.listener).get("/");
    return host.one.request_count() > before;
  }));
}

TEST(Decider, NoOtherProcessComesInBetweenWhileTheDecidingOneIsReplaced) {
  Host host;
  const auto decider = host.start();
  const auto follower = host.start();
  ASSERT_EQ(decider->admin().split("30", "70").status, 200u);
  Generations generations(*decider);
  const LockSeeker seeker(host.folder.file("state"));
  ASSERT_TRUE(seeker.is_open());
  for (int round = 0; round < replacements; ++round) {
    const pid_t old = generations.present();
    ASSERT_TRUE(generations.becomes_another()) << "round " << round;
    ASSERT_EQ(seeker.wins(), 0u) << "round " << round;
    const pid_t fresh = generations.present();
    ASSERT_NE(fresh, old);
    ASSERT_EQ(decider_of(*decider), "itself") << "process " << fresh << " answers";
    ASSERT_EQ(read_file(host.folder.file("state/lock")),
              "process " + std::to_string(fresh) + ", admin " + decider->admin_address() + "\n");
    EXPECT_EQ(generations.wait_exit(old), 0);
    ASSERT_EQ(decider->admin().split("30", round % 2 == 0 ? "60" : "70").status, 200u);
  }
  EXPECT_EQ(follower->operational_log().find("this process decides"), std::string::npos);
  EXPECT_TRUE(eventually([&] {
    return decider_of(*follower) == "process " + std::to_string(generations.present()) +
                                        ", admin " + decider->admin_address();
  })) << decider_of(*follower);
}

TEST(Decider, AChangeAskedOfAnotherProcessIsRefusedWithTheNameOfTheOneToAsk) {
  Host host;
  const auto decider = host.start();
  const auto follower = host.start();
  const AdminClient admin = follower->admin();
  const std::string backend = "/v1/pools/v1/backends/" + host.one.address();
  const std::string backends = R"({"backends":["127.0.0.1:1"]})";
  for (const AdminAnswer& answer :
       {admin.split("0", "100"), admin.post("/v1/pools/v1/drain"),
        admin.post("/v1/pools/v1/undrain"), admin.post(backend + "/drain"),
        admin.put("/v1/pools/v1/backends", backends), admin.remove(backend),
        admin.post("/v1/routes/all/rollout", R"({"to":"v2"})"),
        admin.post("/v1/routes/all/rollout/abort")}) {
    EXPECT_EQ(answer.status, 409u) << answer;
    EXPECT_EQ(answer.fields.get("Content-Type"), "application/problem+json") << answer;
    EXPECT_EQ(answer.string("/detail"), refusal(*decider)) << answer;
  }
  EXPECT_TRUE(host.serves_only("v1"));
  EXPECT_EQ(backend_word(*follower, "drain"), "none");
}

TEST(Decider, TheNextProcessTakesOverWithinASecondOfKill9) {
  Host host;
  const auto decider = host.start();
  const auto follower = host.start();
  ASSERT_EQ(decider->admin().split("0", "100").status, 200u);
  ASSERT_EQ(decider->admin().post("/v1/pools/v1/drain", R"({"wait":true})").status, 200u);
  decider->process().kill();
  const Clock::time_point killed = Clock::now();
  ASSERT_TRUE(eventually([&] { return decider_of(*follower) == "itself"; }));
  EXPECT_LT(Clock::now() - killed, time_to_take_over);
  EXPECT_TRUE(follower->logs("decides from now on"));
  EXPECT_EQ(Host::weight_of_v2(*follower), 100) << "nothing that was answered is lost";
  EXPECT_EQ(backend_word(*follower, "drain"), "drained");
  EXPECT_TRUE(host.serves_only("v2"));
  EXPECT_EQ(follower->admin().split("60", "40").status, 200u);

  const auto third = host.start();
  ASSERT_NE(third->pid(), follower->pid());
  EXPECT_EQ(decider_of(*third), named(*follower));
  EXPECT_EQ(Host::weight_of_v2(*third), 40);
  EXPECT_EQ(third->admin().split("0", "100").string("/detail"), refusal(*follower));
}

/// A process that decides and one that follows it on a port of its own, with a request to v1 on it.
struct HeldByFollower {
  HeldByFollower() {
    host.one.set_script(answers_after(latch));
    decider = host.start();
    host.listener.clear();
    follower = host.start();
    client = std::make_unique<RawClient>(follower->listener());
    client->send(request_text("GET", "/"));
    if (!host.one.wait_for_requests(1)) throw Failure("no request came");
  }
  HeldByFollower(const HeldByFollower&) = delete;
  HeldByFollower& operator=(const HeldByFollower&) = delete;
  ~HeldByFollower() { latch->release(); }

  std::shared_ptr<Latch> latch = std::make_shared<Latch>();
  Host host;
  std::unique_ptr<SluiceProcess> decider;
  std::unique_ptr<SluiceProcess> follower;
  std::unique_ptr<RawClient> client;
};

TEST(Decider, TheDeadlineOfADrainCutsInEveryProcess) {
  HeldByFollower scene;
  const AdminAnswer answer =
      scene.decider->admin().post("/v1/pools/v1/drain", R"({"wait":true,"deadline":"300ms"})");
  EXPECT_EQ(answer.string("/state"), "drained") << answer;
  const Response cut = scene.client->response();
  EXPECT_TRUE(cut.status == 0 || cut.status >= 500) << cut;
  EXPECT_TRUE(eventually([&] { return backend_word(*scene.follower, "drain") == "drained"; }));
}

TEST(Decider, TheDeadlineOfADrainOutlivesKill9OfTheProcessThatBeganIt) {
  HeldByFollower scene;
  ASSERT_EQ(scene.decider->admin().post("/v1/pools/v1/drain", R"({"deadline":"3s"})").status, 200u);
  scene.decider->process().kill();
  ASSERT_TRUE(eventually([&] { return decider_of(*scene.follower) == "itself"; }));
  const Response cut = scene.client->response();
  EXPECT_TRUE(cut.status == 0 || cut.status >= 500) << cut;
  EXPECT_TRUE(scene.follower->logs("v1 is drained, 1 cut"));
}

TEST(Decider, OfManyThatFollowOneTakesOverAndTheOthersFollowIt) {
  Host host;
  const auto decider = host.start();
  const auto one = host.start();
  const auto other = host.start();
  decider->process().signal(SIGTERM);
  EXPECT_EQ(decider->process().wait_exit(), 0);
  ASSERT_TRUE(eventually([&] {
    return decider_of(*one) == "itself" ? decider_of(*other) == named(*one)
                                        : decider_of(*one) == named(*other);
  })) << decider_of(*one)
      << " and " << decider_of(*other);
  const bool is_one = decider_of(*one) == "itself";
  const SluiceProcess& next = is_one ? *one : *other;
  const SluiceProcess& last = is_one ? *other : *one;
  EXPECT_EQ(decider_of(next), "itself");
  ASSERT_EQ(next.admin().split("0", "100").status, 200u);
  EXPECT_TRUE(eventually([&] { return Host::weight_of_v2(last) == 100; }));
  EXPECT_TRUE(host.serves_only("v2"));
}

/// A second process on the state folder of a scene with a rollout, on a port of its own.
ConfigText beside(const RolloutScene& scene, const SceneSettings& settings) {
  ConfigText config = rollout_config(scene.old_pool, scene.new_pool, settings);
  config.state_dir = scene.sluice.file("state");
  return config;
}

TEST(Decider, ARolloutGoesOnAtTheSameStepInTheProcessThatTakesOver) {
  const SceneSettings settings{.policy = {.step_time = "60s"}, .keeps_state = true};
  RolloutScene scene(settings);
  const SluiceProcess follower(beside(scene, settings));
  ASSERT_NE(scene.sluice.pid(), follower.pid());
  ASSERT_EQ(decider_of(follower), named(scene.sluice));
  const auto rollout = [&] { return follower.admin().get(RolloutScene::path); };
  const auto weight = [&] {
    return follower.admin().get("/v1/routes/shop").number("/split/1/in_force");
  };
  ASSERT_EQ(scene.start().status, 201u);
  auto users = std::make_unique<Load>(scene.users());
  ASSERT_TRUE(scene.reaches_step(1, 30));
  ASSERT_TRUE(eventually([&] { return rollout().number("/counts/new/requests") >= 30; }))
      << rollout();
  const AdminAnswer before = rollout();
  EXPECT_EQ(before.string("/id"), "build-1");
  EXPECT_EQ(before.number("/step"), 1);
  EXPECT_EQ(weight(), 5);

  scene.sluice.process().kill();
  users->stop();
  ASSERT_TRUE(eventually([&] { return decider_of(follower) == "itself"; }));
  EXPECT_TRUE(follower.logs("rollout build-1 of route shop goes on"));
  const AdminAnswer after = rollout();
  EXPECT_EQ(after.string("/id"), "build-1");
  EXPECT_EQ(after.string("/started/at"), before.string("/started/at"));
  EXPECT_EQ(after.number("/step"), 1) << after;
  EXPECT_EQ(weight(), 5);
  EXPECT_GE(after.number("/counts/new/requests"), before.number("/counts/new/requests")) << after;

  users = std::make_unique<Load>(LoadOptions{.address = follower.listener(), .connections = 8});
  EXPECT_TRUE(eventually([&] {
    return rollout().number("/counts/new/requests") > after.number("/counts/new/requests");
  })) << "it judges now: "
      << rollout();
  ASSERT_EQ(follower.admin().post(RolloutScene::path + "/promote").status, 200u);
  EXPECT_TRUE(eventually([&] { return rollout().number("/step") == 2 && weight() == 50; }))
      << rollout();
  const SluiceProcess third(beside(scene, settings));
  EXPECT_EQ(decider_of(third), named(follower));
  EXPECT_EQ(third.admin().get(RolloutScene::path).string("/id"), "build-1");
  EXPECT_EQ(third.admin().get("/v1/routes/shop").number("/split/1/in_force"), 50);
  EXPECT_EQ(users->stop().failures, 0u);
}

}  // namespace
}  // namespace sluice::e2e
