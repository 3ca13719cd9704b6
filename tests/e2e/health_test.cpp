#include "tests/e2e/scene.hpp"
#include "tests/support/backend_process.hpp"
#include "tests/support/load.hpp"

namespace sluice::e2e {
namespace {

TEST(Health, AKilledBackendCostsNoGetAndComesBack) {
  BackendProcess one("one");
  const BackendProcess two("two");
  ConfigText config;
  config
      .pool("v1", {one.address(), two.address()},
            std::string("balance = \"round_robin\"\n") + quick_health)
      .route("all", "v1 = 1");
  const SluiceProcess sluice(config);
  ASSERT_TRUE(eventually([&] {
    return backend_word(sluice, "health") == "up" &&
           backend_word(sluice, "health", "v1", 1) == "up";
  }));
  Load load({.address = sluice.listener()});
  ASSERT_TRUE(load.wait_for_further(500));
  EXPECT_GT(one.requests(), 0u);
  one.kill();
  ASSERT_TRUE(eventually([&] { return backend_word(sluice, "health") == "down"; }));
  ASSERT_TRUE(load.wait_for_further(500));
  EXPECT_EQ(load.counts().failures, 0u) << load.counts().first_failure;
  const std::uint64_t served = one.requests();
  one.start();
  ASSERT_TRUE(eventually([&] { return backend_word(sluice, "health") == "up"; }));
  EXPECT_TRUE(eventually([&] { return one.requests() > served + 300; }));
  const std::uint64_t mark = load.mark();
  ASSERT_TRUE(load.wait_for_further(1500));
  LoadCounts counts = load.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  const auto late = counts.versions_by_mark[mark];
  EXPECT_GT(late.at("one"), (late.at("one") + late.at("two")) / 3);
}

TEST(Health, APoolThatIsDownSpills) {
  const BackendProcess one("v1");
  BackendProcess two("v2");
  const SluiceProcess sluice(two_pools(one.address(), two.address(), "50", "50", "", quick_health));
  ASSERT_TRUE(eventually([&] { return backend_word(sluice, "health", "v2") == "up"; }));
  Load load({.address = sluice.listener()});
  ASSERT_TRUE(load.wait_for_further(300));
  two.kill();
  ASSERT_TRUE(eventually([&] { return backend_word(sluice, "health", "v2") == "down"; }));
  const std::uint64_t failed_before = load.counts().failures;
  const std::uint64_t mark = load.mark();
  ASSERT_TRUE(load.wait_for_further(1000));
  LoadCounts counts = load.stop();
  // Requests that were under way when the check failed may still fail; later ones may not.
  EXPECT_LE(counts.failures, failed_before + 64) << counts.first_failure;
  EXPECT_GT(counts.versions_by_mark[mark]["v1"], 500u);
  EXPECT_EQ(counts.versions_by_mark[mark]["v2"], 0u);
  Load after({.address = sluice.listener(), .max_requests = 1000});
  counts = after.finish();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  EXPECT_EQ(counts.versions["v1"], 1000u);
  EXPECT_GT(sluice.admin().metric("sluice_spills_total", {"from=\"v2\"", "to=\"v1\""}), 300);
  EXPECT_EQ(sluice.admin().metric("sluice_backend_up", {"pool=\"v2\""}), 0);
}

TEST(Health, ChecksGoOnAfterTheFirstSuccess) {
  Scene scene({}, "", quick_health);
  ASSERT_TRUE(eventually([&] { return backend_word(scene.sluice, "health") == "up"; }));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(scene.get("/").status, 200u);
    scene.backend.set_healthy(false);
    ASSERT_TRUE(eventually([&] { return backend_word(scene.sluice, "health") == "down"; }));
    EXPECT_NE(backend_word(scene.sluice, "last_check"), "");
    EXPECT_EQ(scene.get("/").status, 503u);
    scene.backend.set_healthy(true);
    ASSERT_TRUE(eventually([&] { return backend_word(scene.sluice, "health") == "up"; }));
  }
  EXPECT_GE(scene.backend.health_checks(), 4u);
  EXPECT_EQ(scene.backend.request_count(), 2u);
}

TEST(Health, ABackendIsDownOnlyAfterSeveralFailures) {
  Scene scene({}, "",
              "health = { path = \"/healthz\", interval = \"50ms\", timeout = \"5s\", rise = 2, "
              "fall = 20 }\n");
  ASSERT_TRUE(eventually([&] { return backend_word(scene.sluice, "health") == "up"; }));
  scene.backend.set_healthy(false);
  const std::size_t before = scene.backend.health_checks();
  ASSERT_TRUE(eventually([&] { return backend_word(scene.sluice, "health") == "down"; }));
  EXPECT_GE(scene.backend.health_checks(), before + 19);
}

}  // namespace
}  // namespace sluice::e2e
