#include <csignal>
#include <filesystem>
#include <memory>
#include <thread>

#include "tests/e2e/upgrading.hpp"

/// Hand-overs that fail, come twice, or are asked for from outside (pitfalls P2, P3).
namespace sluice::e2e {
namespace {

TEST(HotUpgradeFaults, AnotherOneMayComeWhileThePredecessorStillFinishes) {
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

TEST(HotUpgradeFaults, ABinaryThatIsNoneChangesNothing) {
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

TEST(HotUpgradeFaults, ABrokenConfigurationIsRefusedWithItsProblem) {
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

TEST(HotUpgradeFaults, ASecondOneMeanwhileIsRefusedAndAKillOfTheNewOneChangesNothing) {
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

TEST(HotUpgradeFaults, AKillOfTheOldOneAfterwardsTakesOnlyWhatItHad) {
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

TEST(HotUpgradeFaults, AProcessFromOutsideTakesOver) {
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

TEST(HotUpgradeFaults, AProcessFromOutsideTakesOverFromOneThatTookOverItself) {
  Upgrading scene;
  const pid_t first = scene.sluice.pid();
  ASSERT_TRUE(scene.generations.becomes_another());
  EXPECT_EQ(scene.generations.wait_exit(first), 0);
  const std::string door = scene.sluice.file("state") + "/handover.sock";
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(door); })) << "its own by now";
  ChildProcess successor({program_path(), "run", scene.sluice.file("config.toml"), "--take-over"},
                         scene.sluice.file("stdout"), scene.sluice.file("stderr"));
  ASSERT_TRUE(eventually([&] { return scene.generations.present() == successor.pid(); }));
}

TEST(HotUpgradeFaults, WithNobodyToTakeOverFromTheStartIsRefused) {
  Upgrading scene({}, {}, false);
  const FinishedRun ran =
      run_to_end({program_path(), "run", scene.sluice.file("config.toml"), "--take-over"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_TRUE(has(ran.err, "state_dir is empty")) << ran.err;
}

TEST(HotUpgradeFaults, AChangeIsPossibleAfterEveryHandOverThatFailed) {
  Upgrading scene;
  const std::string path = dies_after_ready(scene.sluice);
  for (int round = 0; round < 5; ++round) {
    const AdminAnswer answer =
        scene.generations.upgrade(R"({"timeout":"5s","binary":")" + path + "\"}");
    EXPECT_EQ(answer.status, 502u) << answer;
    EXPECT_TRUE(eventually([&] { return scene.sluice.admin().split("40", "60").status == 200; }))
        << scene.sluice.admin().split("40", "60");
  }
  EXPECT_EQ(scene.generations.present(), scene.sluice.pid());
}

TEST(HotUpgradeFaults, AStopOfTheNewOneBeforeItServesTakesNobodyFromTheOldOne) {
  Upgrading scene({}, {}, true);
  Load users(scene.load(4));
  NewConnections others(scene.sluice.listener());
  const std::string note = scene.sluice.file("pid");
  const std::string path =
      program(scene.sluice, "stops",
              "#!/bin/sh\necho $$ > " + note + "\nexec " + program_path() + " \"$@\"\n");
  for (int round = 0; round < 5; ++round) {
    write_file(note, "");
    AdminAnswer answer;
    std::thread upgrade([&] {
      answer = scene.sluice.admin().post("/v1/upgrade", R"({"binary":")" + path + "\"}");
    });
    EXPECT_TRUE(eventually([&] { return has(read_file(note), "\n"); }));
    const pid_t pid = std::stoi(read_file(note));
    ::kill(pid, SIGTERM);
    upgrade.join();
    // It may have been too late.
    if (answer.status == 200) {
      scene.generations.note(pid);
      break;
    }
    EXPECT_EQ(answer.status, 502u) << answer;
    EXPECT_EQ(scene.generations.present(), scene.sluice.pid());
  }
  EXPECT_TRUE(users.wait_for_further(50));
  others.stop();
  const LoadCounts counts = users.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  EXPECT_EQ(others.failures(), 0u) << "of " << others.count();
}

TEST(HotUpgradeFaults, AThousandListenersAndUnixSocketsAreHandedOver) {
  constexpr int many = is_slow_build ? 300 : 1000;
  Upgrading probe;
  ConfigText config;
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
