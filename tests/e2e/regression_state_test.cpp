#include <signal.h>

#include <filesystem>

#include "tests/e2e/scene.hpp"

/// What an operator changed, and what is left of it.
namespace sluice::e2e {
namespace {

/// Two versions behind a program that keeps its state.
struct KeptSplit {
  explicit KeptSplit(const std::string& weight_v1, const std::string& weight_v2)
      : sluice(config(weight_v1, weight_v2)) {}

  ConfigText config(const std::string& weight_v1, const std::string& weight_v2) const {
    ConfigText text = two_pools(one.address(), two.address(), weight_v1, weight_v2);
    text.keeps_state = true;
    return text;
  }

  void end_in_order() {
    sluice.process().signal(SIGTERM);
    EXPECT_EQ(sluice.process().wait_exit(), 0);
  }

  std::int64_t weight_of_v1() const {
    return sluice.admin().get("/v1/routes/all").number("/split/0/in_force");
  }

  TestBackend one{"v1"};
  TestBackend two{"v2"};
  SluiceProcess sluice;
};

TEST(DroppedOverride, DoesNotComeBackWithTheOldConfiguration) {
  KeptSplit scene("100", "0");
  ASSERT_EQ(scene.sluice.admin().split("0", "100").status, 200u);
  scene.end_in_order();
  scene.sluice.restart(scene.config("90", "10"));
  EXPECT_EQ(scene.weight_of_v1(), 90);
  scene.end_in_order();
  scene.sluice.restart(scene.config("100", "0"));
  EXPECT_EQ(scene.weight_of_v1(), 100);
  EXPECT_EQ(scene.sluice.client().get("/").body, "v1");
}

TEST(CorruptState, IsKeptAsideAndTold) {
  KeptSplit scene("100", "0");
  ASSERT_EQ(scene.sluice.admin().split("0", "100").status, 200u);
  scene.sluice.process().kill();
  const std::string file = scene.sluice.file("state") + "/state.json";
  ASSERT_TRUE(std::filesystem::exists(file));
  const std::string broken = "{ this is no state";
  write_file(file, broken);
  const std::size_t before = scene.sluice.operational_log().size();
  scene.sluice.restart();
  EXPECT_EQ(scene.weight_of_v1(), 100);
  ASSERT_EQ(scene.sluice.admin().split("50", "50").status, 200u);
  EXPECT_EQ(read_file(file + ".unusable"), broken) << "the evidence is gone";
  EXPECT_NE(read_file(file), broken);
  const std::string log = scene.sluice.operational_log().substr(before);
  EXPECT_NE(log.find(file + " is not used"), std::string::npos) << log;
  EXPECT_NE(log.find(file + ".unusable"), std::string::npos) << log;
  scene.sluice.restart();
  EXPECT_EQ(scene.weight_of_v1(), 50);
}

/// The drains of the kept state.
boost::json::value kept_drains(const SluiceProcess& sluice) {
  return boost::json::parse(read_file(sluice.file("state") + "/state.json")).at("drains");
}

TEST(UndrainOfOneBackend, IsRefusedWhileTheWholePoolDrainsAndChangesNothing) {
  KeptSplit scene("50", "50");
  const std::string backend = "/v1/pools/v1/backends/" + scene.one.address();
  const AdminClient admin = scene.sluice.admin();
  ASSERT_EQ(admin.post(backend + "/drain").status, 200u);
  ASSERT_EQ(admin.post("/v1/pools/v1/drain", R"({"wait":true})").status, 200u);
  const boost::json::value before = kept_drains(scene.sluice);
  EXPECT_EQ(before.as_array().size(), 2u) << before;

  const AdminAnswer refused = admin.post(backend + "/undrain");
  EXPECT_EQ(refused.status, 409u) << refused;
  EXPECT_NE(refused.text.find("pool"), std::string::npos) << refused;
  EXPECT_EQ(backend_word(scene.sluice, "drain"), "drained");
  for (int round = 0; round < 10; ++round) EXPECT_EQ(scene.sluice.client().get("/").body, "v2");
  // The next change writes everything that is in force.
  ASSERT_EQ(admin.split("60", "40").status, 200u);
  EXPECT_TRUE(kept_drains(scene.sluice) == before) << kept_drains(scene.sluice);

  ASSERT_EQ(admin.post("/v1/pools/v1/undrain").status, 200u);
  EXPECT_EQ(backend_word(scene.sluice, "drain"), "none");
  EXPECT_TRUE(eventually([&] { return scene.sluice.client().get("/").body == "v1"; }));
}

}  // namespace
}  // namespace sluice::e2e
