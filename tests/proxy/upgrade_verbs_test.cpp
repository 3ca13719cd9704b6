#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "proxy/program/views.hpp"
#include "tests/proxy/admin_running.hpp"
#include "tests/proxy/verbs_run.hpp"
#include "tests/support/socket.hpp"

namespace sluice::proxy::program {
namespace {

class UpgradeVerbs : public ::testing::Test {
 protected:
  Ran sluice(std::vector<std::string> words) {
    words.insert(words.end(), {"--admin", admin.address()});
    return run(std::move(words));
  }
  std::vector<std::string> calls() {
    std::vector<std::string> all;
    admin.on_control([&](FakeControl& control) { all = control.calls; });
    return all;
  }
  UpgradeOrder order() {
    UpgradeOrder order;
    admin.on_control([&](FakeControl& control) { order = control.upgrade_order; });
    return order;
  }

  RunningAdmin admin;
};

TEST_F(UpgradeVerbs, SaysWhoServesNow) {
  const Ran ran = sluice({"upgrade"});
  EXPECT_EQ(ran.code, exit_done) << ran.err;
  EXPECT_EQ(ran.out,
            "process 4711, version 9.9.10, serves; 12 connections were open on the process before "
            "it, which finishes them\n");
  EXPECT_EQ(calls(), std::vector<std::string>{"upgrade"});
  EXPECT_EQ(order().binary, "");
  EXPECT_EQ(order().patience, milliseconds(30'000));
}

TEST_F(UpgradeVerbs, PrintsTheJsonWhenAsked) {
  const Ran ran = sluice({"upgrade", "--json"});
  EXPECT_EQ(ran.code, exit_done) << ran.err;
  EXPECT_EQ(ran.out, R"({"pid":4711,"version":"9.9.10","connections":12})"
                     "\n");
}

TEST_F(UpgradeVerbs, WishesReachTheProxy) {
  EXPECT_EQ(sluice({"upgrade", "--binary", "/usr/bin/sluice-2", "--timeout", "1500ms"}).code,
            exit_done);
  EXPECT_EQ(order().binary, "/usr/bin/sluice-2");
  EXPECT_EQ(order().patience, milliseconds(1500));
}

TEST_F(UpgradeVerbs, AProgramIsNamedAsSeenFromHere) {
  const std::filesystem::path here = std::filesystem::current_path();
  EXPECT_EQ(sluice({"upgrade", "--binary", "build/sluice"}).code, exit_done);
  EXPECT_EQ(order().binary, (here / "build/sluice").string());
  EXPECT_EQ(sluice({"upgrade", "--binary", "./build/../sluice"}).code, exit_done);
  EXPECT_EQ(order().binary, (here / "sluice").string());
}

TEST_F(UpgradeVerbs, TimesThatAreNoneAskNothing) {
  for (const char* timeout : {"30", "0s", "-1s", "soon", ""}) {
    const Ran ran = sluice({"upgrade", "--timeout", timeout});
    EXPECT_EQ(ran.code, exit_usage) << timeout;
    EXPECT_TRUE(has(ran.err, "--timeout")) << timeout << ": " << ran.err;
  }
  EXPECT_EQ(sluice({"upgrade", "now"}).code, exit_usage);
  EXPECT_EQ(sluice({"upgrade", "--binary"}).code, exit_usage);
  EXPECT_TRUE(calls().empty());
}

TEST_F(UpgradeVerbs, ARefusalIsSaidInOneLine) {
  admin.on_control([](FakeControl& control) {
    control.deny = Denial{502, "The successor does not serve", "it ended with exit code 1"};
  });
  const Ran ran = sluice({"upgrade"});
  EXPECT_EQ(ran.code, exit_refused);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "sluice: 502 The successor does not serve: it ended with exit code 1\n");
}

TEST_F(UpgradeVerbs, WithoutAProxyThereItSaysSo) {
  const Ran ran = run({"upgrade", "--admin", support::free_address()});
  EXPECT_EQ(ran.code, exit_unreachable);
  EXPECT_NE(ran.err, "");
}

TEST_F(UpgradeVerbs, StatusShowsTheProcessBeforeUntilItIsGone) {
  EXPECT_FALSE(has(sluice({"status"}).out, "still finishes"));
  admin.on_control([](FakeControl& control) { control.state.predecessor = {4710, "9.9.8", 1}; });
  EXPECT_TRUE(
      has(sluice({"status"}).out, "\nprocess 4710, version 9.9.8, still finishes 1 connection\n"))
      << sluice({"status"}).out;
}

}  // namespace
}  // namespace sluice::proxy::program
