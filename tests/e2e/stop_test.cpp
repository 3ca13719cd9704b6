#include <signal.h>

#include <filesystem>

#include "tests/e2e/scene.hpp"
#include "tests/support/load.hpp"

namespace sluice::e2e {
namespace {

class Stop : public ::testing::TestWithParam<int> {};

/// The program with these lines of [server] in front of `backend`.
ConfigText with_server(const TestBackend& backend, const std::string& lines) {
  ConfigText config = one_pool(backend.address());
  config.server += lines;
  return config;
}

TEST_P(Stop, EndsWithZero) {
  Scene scene;
  EXPECT_EQ(scene.get("/").status, 200u);
  scene.sluice.process().signal(GetParam());
  EXPECT_EQ(scene.sluice.process().wait_exit(), 0);
  EXPECT_THROW(scene.sluice.client(), Failure);
}

INSTANTIATE_TEST_SUITE_P(Signals, Stop, ::testing::Values(SIGTERM, SIGINT));

TEST(LameDuck, TellsReadinessFirstAndAcceptsOn) {
  TestBackend backend;
  SluiceProcess sluice(with_server(backend, "lame_duck = \"1500ms\"\n"));
  RawClient old = sluice.client();
  EXPECT_EQ(old.get("/").status, 200u);
  sluice.process().signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return sluice.readiness() == 503; }, seconds(1)));
  EXPECT_EQ(sluice.client().get("/").body, "v1");
  EXPECT_EQ(old.get("/").body, "v1");
  EXPECT_EQ(sluice.admin().get("/livez").status, 200u);
  EXPECT_NE(sluice.admin().get("/readyz").text.find("lame duck"), std::string::npos);
  EXPECT_EQ(sluice.process().wait_exit(), 0);
  EXPECT_EQ(backend.request_count(), 3u);
}

TEST(LameDuck, LosesNoRequestUnderLoad) {
  TestBackend backend;
  SluiceProcess sluice(with_server(backend, "lame_duck = \"1s\"\n"));
  Load load({.address = sluice.listener(), .connections = 16});
  ASSERT_TRUE(load.wait_for_further(100));
  sluice.process().signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return sluice.readiness() == 503; }, seconds(1)));
  ASSERT_TRUE(load.wait_for_further(100, milliseconds(900)));
  const LoadCounts counts = load.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  EXPECT_EQ(sluice.process().wait_exit(), 0);
}

TEST(StopDrain, FinishesWhatIsInFlightAndKeepsTheAdminInterfaceToTheEnd) {
  const auto latch = std::make_shared<Latch>();
  TestBackend backend("v1", answers_after(latch));
  SluiceProcess sluice(with_server(backend, "drain_timeout = \"60s\"\n"));
  RawClient held = sluice.client();
  held.send(request_text("GET", "/"));
  ASSERT_TRUE(backend.wait_for_requests(1));
  sluice.process().signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return sluice.readiness() == 503; }));
  EXPECT_TRUE(eventually([&] {
    try {
      const RawClient late = sluice.client();
      return false;
    } catch (const Failure&) {
      return true;
    }
  })) << "still accepts";
  EXPECT_EQ(sluice.admin().get("/v1/status").status, 200u);
  EXPECT_EQ(backend_number(sluice, "in_flight"), 1);
  latch->release();
  const Response answer = held.response();
  EXPECT_EQ(answer.body, "v1") << answer;
  EXPECT_EQ(answer.fields.get("Connection"), "close") << answer;
  EXPECT_EQ(sluice.process().wait_exit(), 0);
  EXPECT_EQ(sluice.access_log(1)[0].at("status").to_number<int>(), 200);
}

TEST(StopDrain, CutsWhatIsLeftAtItsTimeout) {
  const auto latch = std::make_shared<Latch>();
  TestBackend backend("v1", answers_after(latch));
  SluiceProcess sluice(with_server(backend, "drain_timeout = \"300ms\"\n"));
  RawClient held = sluice.client();
  held.send(request_text("GET", "/"));
  ASSERT_TRUE(backend.wait_for_requests(1));
  const auto begin = Clock::now();
  sluice.process().signal(SIGTERM);
  EXPECT_EQ(sluice.process().wait_exit(), 0);
  EXPECT_GE(Clock::now() - begin, milliseconds(250));
  EXPECT_NE(held.response().status, 200u);
  latch->release();
}

TEST(StopDrain, ASecondSignalEndsAtOnce) {
  const auto latch = std::make_shared<Latch>();
  TestBackend backend("v1", answers_after(latch));
  SluiceProcess sluice(with_server(backend, "lame_duck = \"60s\"\ndrain_timeout = \"60s\"\n"));
  RawClient held = sluice.client();
  held.send(request_text("GET", "/"));
  ASSERT_TRUE(backend.wait_for_requests(1));
  sluice.process().signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return sluice.readiness() == 503; }));
  EXPECT_FALSE(sluice.process().has_ended());
  sluice.process().signal(SIGTERM);
  EXPECT_NO_THROW(sluice.process().wait_exit(seconds(15)));
  latch->release();
}

TEST(StopDrain, IdleClientsDoNotHoldIt) {
  TestBackend backend;
  SluiceProcess sluice(with_server(backend, "drain_timeout = \"60s\"\n"));
  RawClient silent = sluice.client();
  RawClient idle = sluice.client();
  EXPECT_EQ(idle.get("/").status, 200u);
  sluice.process().signal(SIGTERM);
  EXPECT_EQ(sluice.process().wait_exit(seconds(15)), 0);
}

TEST(Signals, Usr1ReopensTheAccessLog) {
  TestBackend backend;
  const TempDir logs;
  ConfigText config = one_pool(backend.address());
  config.log = "access = \"" + logs.file("access.log") + "\"\n";
  SluiceProcess sluice(config);
  EXPECT_EQ(sluice.client().get("/first").status, 200u);
  const auto has = [&](const char* name, const char* text) {
    return eventually([&] { return read_file(logs.file(name)).find(text) != std::string::npos; },
                      seconds(10));
  };
  ASSERT_TRUE(has("access.log", "/first"));
  std::filesystem::rename(logs.file("access.log"), logs.file("access.log.1"));
  sluice.process().signal(SIGUSR1);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(logs.file("access.log")); }));
  EXPECT_EQ(sluice.client().get("/second").status, 200u);
  EXPECT_TRUE(has("access.log", "/second"));
  EXPECT_EQ(read_file(logs.file("access.log.1")).find("/second"), std::string::npos);
}

}  // namespace
}  // namespace sluice::e2e
