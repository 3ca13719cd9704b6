#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>
#include <vector>

#include "tests/proxy/admin_running.hpp"
#include "tests/proxy/verbs_run.hpp"
#include "tests/support/socket.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy::program {
namespace {

class AdminVerbs : public ::testing::Test {
 protected:
  Ran sluice(std::vector<std::string> words) {
    words.insert(words.end(), {"--admin", admin.address()});
    return run(std::move(words));
  }

  RunningAdmin admin;
};

TEST_F(AdminVerbs, StatusIsATable) {
  const Ran ran = sluice({"status"});
  EXPECT_EQ(ran.code, exit_done) << ran.err;
  EXPECT_TRUE(has(ran.out, "sluice 9.9.9, ready, up 1m 1s, generation 4, 2 workers\n")) << ran.out;
  EXPECT_TRUE(has(ran.out,
                  "LISTENER      ACTIVE  IDLE  UPGRADED  ACCEPTED\n"
                  "0.0.0.0:8080       1     2         3         4\n"))
      << ran.out;
  EXPECT_TRUE(has(ran.out,
                  "shop   shop.example.com/  shop-v1 87.8%, shop-v2 12.2%         7  "
                  "2024-05-01T12:00:00.000Z by alice\n"))
      << ran.out;
  EXPECT_TRUE(has(ran.out, "shop-v1  127.0.0.1:9001       1  up      -              5")) << ran.out;
}

TEST_F(AdminVerbs, JsonIsWhatTheProxySays) {
  EXPECT_TRUE(sluice({"status", "--json"}).out.starts_with("{\"version\":\"9.9.9\""));
  EXPECT_TRUE(sluice({"routes", "--json"}).out.starts_with("{\"routes\":"));
  EXPECT_TRUE(sluice({"routes", "shop", "--json"}).out.starts_with("{\"name\":\"shop\""));
  EXPECT_TRUE(sluice({"pools", "--json"}).out.starts_with("{\"pools\":"));
  EXPECT_TRUE(sluice({"backends", "shop-v1", "--json"}).out.starts_with("{\"name\":\"shop-v1\""));
  EXPECT_EQ(sluice({"ready", "--json"}).out, "{\"ready\":true,\"reason\":\"\"}\n");
}

TEST_F(AdminVerbs, SplitShowsAndSets) {
  const Ran shown = sluice({"split", "shop"});
  EXPECT_TRUE(has(shown.out,
                  "POOL     CONFIGURED  IN FORCE  SHARE\nshop-v1         100        90  87.8%\n"))
      << shown.out;
  EXPECT_EQ(sluice({"split", "shop", "shop-v1=90", "shop-v2=12.5"}).code, exit_done);
  admin.on_control([](FakeControl& control) {
    EXPECT_EQ(control.weights, (std::vector<ShareSettings>{{"shop-v1", 9000}, {"shop-v2", 1250}}));
  });
}

TEST_F(AdminVerbs, SplitOfAnotherRevisionIsRefused) {
  const Ran ran = sluice({"split", "shop", "shop-v1=1", "--if-match", "6"});
  EXPECT_EQ(ran.code, exit_refused);
  EXPECT_TRUE(has(ran.err, "sluice: 412 Precondition Failed: The split has revision 7")) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(sluice({"split", "shop", "shop-v1=1", "--if-match", "7"}).code, exit_done);
}

TEST_F(AdminVerbs, WrongCommandLinesAskNothing) {
  const std::vector<std::vector<std::string>> lines = {
      {"split"},
      {"split", "shop", "shop-v1"},
      {"split", "shop", "=1"},
      {"split", "shop", "shop-v1=12.345"},
      {"split", "shop", "shop-v1=1", "--if-match", "x"},
      {"drain"},
      {"drain", "p", "--deadline", "30"},
      {"backends", "p", "replace", "a:1"},
      {"backends", "p", "add"},
      {"backends", "p", "add", "a:1", "b:2"},
      {"backends", "p", "add", "a:1@x"},
      {"events", "--since", "-1"},
      {"status", "--verbose"},
  };
  for (const auto& words : lines) {
    const Ran ran = sluice(words);
    EXPECT_EQ(ran.code, exit_usage) << words.back();
    EXPECT_NE(ran.err, "") << words.back();
  }
  EXPECT_EQ(run({"status", "--admin", "nonsense"}).code, exit_usage);
  EXPECT_EQ(run({"status", "--token-file", "/nowhere"}).code, exit_usage);
  admin.on_control([](FakeControl& control) { EXPECT_TRUE(control.calls.empty()); });
}

TEST_F(AdminVerbs, DrainSaysWhatStillHoldsIt) {
  admin.on_control([](FakeControl& control) {
    control.drain_result = {"", "", DrainState::draining, false, 3, 1, 4, 0};
  });
  const Ran ran = sluice({"drain", "shop-v1", "127.0.0.1:9001", "--deadline", "30s"});
  EXPECT_EQ(ran.code, exit_done) << ran.err;
  EXPECT_EQ(ran.out,
            "shop-v1 127.0.0.1:9001 drains; still held by 3 requests in flight, 1 tunnel, "
            "4 connections\n");
  admin.on_control([](FakeControl& control) {
    EXPECT_EQ(control.order.backend, "127.0.0.1:9001");
    EXPECT_EQ(control.order.deadline, milliseconds(30'000));
    EXPECT_FALSE(control.order.wait);
  });
}

TEST_F(AdminVerbs, WaitingDrainEndsWithItsVerdict) {
  admin.on_control([](FakeControl& control) { control.drain_result.state = DrainState::drained; });
  const Ran drained = sluice({"drain", "shop-v1", "--wait"});
  EXPECT_EQ(drained.code, exit_done);
  EXPECT_EQ(drained.out, "shop-v1 is drained\n");
  admin.on_control([](FakeControl& control) {
    control.drain_result.deadline_passed = true;
    control.drain_result.cut = 2;
  });
  const Ran cut = sluice({"drain", "shop-v1", "--wait", "--deadline", "1s"});
  EXPECT_EQ(cut.code, exit_deadline);
  EXPECT_EQ(cut.out, "shop-v1: the deadline passed; 2 requests and tunnels were cut\n");
  admin.on_control([](FakeControl& control) { control.drain_result = {"", "", DrainState::none}; });
  EXPECT_EQ(sluice({"drain", "shop-v1", "--wait"}).code, exit_refused);
}

TEST_F(AdminVerbs, UndrainAndBackendsReachTheirCalls) {
  EXPECT_EQ(sluice({"undrain", "shop-v1", "unix:/run/a b.sock"}).code, exit_done);
  admin.on_control([](FakeControl& control) {
    EXPECT_EQ(control.calls.back(), "undrain shop-v1");
    EXPECT_EQ(control.order.backend, "unix:/run/a b.sock");
  });
  EXPECT_EQ(sluice({"backends", "shop-v1", "add", "a:1@2.5"}).code, exit_done);
  admin.on_control([](FakeControl& control) {
    EXPECT_EQ(control.backends, (std::vector<BackendSettings>{{"a:1", 250}}));
  });
  EXPECT_EQ(sluice({"backends", "shop-v1", "set", "a:1", "unix:/x@y/z"}).code, exit_done);
  admin.on_control([](FakeControl& control) {
    EXPECT_EQ(control.backends, (std::vector<BackendSettings>{{"a:1", 100}, {"unix:/x@y/z", 100}}));
  });
  admin.on_control([](FakeControl& control) { control.drain_result.state = DrainState::drained; });
  EXPECT_EQ(sluice({"backends", "shop-v1", "remove", "a:1", "--wait"}).out,
            "shop-v1 a:1 is drained\n");
  admin.on_control([](FakeControl& control) {
    EXPECT_EQ(control.calls.back(), "remove_backend shop-v1");
    EXPECT_TRUE(control.order.wait);
  });
}

TEST_F(AdminVerbs, UnknownNamesAreRefused) {
  const Ran ran = sluice({"pools", "shoe"});
  EXPECT_EQ(ran.code, exit_refused);
  EXPECT_EQ(ran.err, "sluice: 404 Not Found: There is no pool \"shoe\".\n");
}

TEST_F(AdminVerbs, ReadinessIsTheExitCode) {
  EXPECT_EQ(sluice({"ready"}).code, exit_done);
  admin.on_control([](FakeControl& control) { control.state.readiness = {false, "lame duck"}; });
  const Ran ran = sluice({"ready"});
  EXPECT_EQ(ran.code, exit_refused);
  EXPECT_EQ(ran.out, "not ready: lame duck\n");
}

TEST_F(AdminVerbs, EventsAreShownUntilTheProxyEndsTheStream) {
  admin.on_control([](FakeControl& control) {
    control.emit("split", R"({"route":"shop","by":"bob the builder","to":90})");
    // The subscription is the sign that the events are on their way.
    control.on_subscribe = [&control] { control.post([&control] { control.emit("stop", "{}"); }); };
  });
  std::thread stopper([this] {
    ASSERT_TRUE(support::eventually([this] {
      bool followed = false;
      admin.on_control([&](FakeControl& control) { followed = control.kept.size() == 2; });
      return followed;
    }));
    admin.stop();
  });
  const Ran ran = sluice({"events", "--since", "0"});
  stopper.join();
  EXPECT_EQ(ran.code, exit_unreachable);
  EXPECT_TRUE(ran.out.starts_with("1  split  route=shop by=\"bob the builder\" to=90\n"))
      << ran.out;
  EXPECT_TRUE(has(ran.err, "ended the event stream")) << ran.err;
}

TEST(AdminVerbsAddress, NoProxyIsItsOwnExitCode) {
  const std::string address = support::free_address();
  const Ran ran = run({"status", "--admin", address});
  EXPECT_EQ(ran.code, exit_unreachable);
  EXPECT_TRUE(has(ran.err, "cannot reach the proxy at " + address + ": Connection refused"))
      << ran.err;
  EXPECT_EQ(run({"status", "--admin", "unix:/nowhere.sock"}).code, exit_unreachable);
}

TEST(AdminVerbsAddress, UnixSocketAndUrlAndEnvironmentNameTheProxy) {
  const support::TempDir directory;
  RunningAdmin local({}, "unix:" + directory.file("admin.sock"));
  EXPECT_EQ(run({"ready", "--admin", local.address()}).out, "ready\n");
  RunningAdmin remote;
  EXPECT_EQ(run({"ready", "--admin", "http://" + remote.address() + "/"}).out, "ready\n");
  ::setenv("SLUICE_ADMIN", remote.address().c_str(), 1);
  EXPECT_EQ(run({"ready"}).out, "ready\n");
  ::unsetenv("SLUICE_ADMIN");
}

TEST(AdminVerbsAddress, TokenComesFromFileOrEnvironment) {
  const support::TempDir directory;
  support::write_file(directory.file("token"), "s3cret\n");
  AdminOptions options;
  options.token = "s3cret";
  RunningAdmin admin(options);
  const Ran refused = run({"status", "--admin", admin.address()});
  EXPECT_EQ(refused.code, exit_refused);
  EXPECT_TRUE(has(refused.err, "401 Unauthorized: A token is needed")) << refused.err;
  EXPECT_EQ(
      run({"status", "--admin", admin.address(), "--token-file", directory.file("token")}).code,
      exit_done);
  ::setenv("SLUICE_TOKEN", "s3cret", 1);
  EXPECT_EQ(run({"status", "--admin", admin.address()}).code, exit_done);
  ::unsetenv("SLUICE_TOKEN");
}

TEST(AdminVerbsAddress, HelpNamesTheExitCodes) {
  const Ran ran = run({"drain", "--help"});
  EXPECT_EQ(ran.code, exit_done);
  EXPECT_TRUE(has(ran.out, "4 deadline passed before drained")) << ran.out;
}

}  // namespace
}  // namespace sluice::proxy::program
