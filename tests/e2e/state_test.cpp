#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

/// Two versions behind a program that keeps its state.
struct Kept {
  explicit Kept(const std::string& weight_v1 = "100", const std::string& weight_v2 = "0")
      : sluice(config(weight_v1, weight_v2)) {}

  ConfigText config(const std::string& weight_v1, const std::string& weight_v2) const {
    ConfigText text = two_pools(one.address(), two.address(), weight_v1, weight_v2);
    text.keeps_state = true;
    return text;
  }

  /// "in force of v1/configured of v1" and the same for v2.
  std::string weights() const {
    const AdminAnswer route = sluice.admin().get("/v1/routes/all");
    std::string out;
    for (const char* share : {"/split/0", "/split/1"})
      out += std::to_string(route.number(std::string(share) + "/in_force")) + "/" +
             std::to_string(route.number(std::string(share) + "/configured")) + " ";
    return out;
  }

  /// Calls `change` with the path of every file below the state directory. The number of files.
  template <class Change>
  int each_state_file(Change change) const {
    int count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(sluice.file("state")))
      if (entry.is_regular_file() && entry.file_size() > 0) {
        change(entry.path().string());
        ++count;
      }
    return count;
  }

  TestBackend one{"v1"};
  TestBackend two{"v2"};
  SluiceProcess sluice;
};

TEST(State, WeightsSurviveKill9AfterTheAnswer) {
  Kept scene;
  for (int round = 1; round <= 5; ++round) {
    const std::string weight = std::to_string(10 * round);
    ASSERT_EQ(scene.sluice.admin().split(weight, std::to_string(100 - 10 * round)).status, 200u);
    const pid_t old = scene.sluice.pid();
    scene.sluice.restart();
    EXPECT_NE(scene.sluice.pid(), old);
    EXPECT_EQ(scene.weights(), weight + "/100 " + std::to_string(100 - 10 * round) + "/0 ");
  }
  ASSERT_EQ(scene.sluice.admin().split("0", "1").status, 200u);
  scene.sluice.restart();
  EXPECT_EQ(scene.sluice.client().get("/").body, "v2");
}

TEST(State, TheRevisionDoesNotGoBack) {
  Kept scene;
  const std::int64_t first = scene.sluice.admin().split("90", "10").number("/revision");
  const std::int64_t second = scene.sluice.admin().split("80", "20").number("/revision");
  EXPECT_GT(second, first);
  scene.sluice.restart();
  EXPECT_GE(scene.sluice.admin().get("/v1/routes/all").number("/revision"), second);
}

TEST(State, DrainsSurvive) {
  Kept scene("50", "50");
  ASSERT_EQ(scene.sluice.admin().post("/v1/pools/v1/drain", R"({"wait":true})").status, 200u);
  scene.sluice.restart();
  EXPECT_EQ(backend_word(scene.sluice, "drain"), "drained");
  for (int round = 0; round < 20; ++round) EXPECT_EQ(scene.sluice.client().get("/").body, "v2");
  ASSERT_EQ(scene.sluice.admin().post("/v1/pools/v1/undrain").status, 200u);
  scene.sluice.restart();
  EXPECT_EQ(backend_word(scene.sluice, "drain"), "none");
}

TEST(State, ADrainIsFollowedToItsEndAfterKill9) {
  Kept scene("50", "50");
  const auto kept_deadline = [&] {
    const auto kept = boost::json::parse(read_file(scene.sluice.file("state") + "/state.json"));
    return kept.at_pointer("/drains/0/deadline_ms").as_int64();
  };
  ASSERT_EQ(scene.sluice.admin().post("/v1/pools/v1/drain", R"({"deadline":"1h"})").status, 200u);
  const std::int64_t deadline = kept_deadline();
  scene.sluice.process().kill();
  const std::size_t before = scene.sluice.operational_log().size();
  scene.sluice.restart();
  EXPECT_TRUE(eventually([&] {
    return scene.sluice.operational_log().find("v1 is drained, 0 cut", before) != std::string::npos;
  })) << scene.sluice.operational_log();
  ASSERT_EQ(scene.sluice.admin().split("10", "90").status, 200u);
  EXPECT_EQ(kept_deadline(), deadline) << "it is still that moment";
}

TEST(State, MembershipSurvives) {
  Kept scene;
  TestBackend added("added");
  ASSERT_EQ(scene.sluice.admin()
                .put("/v1/pools/v1/backends", R"({"backends":[")" + added.address() + "\"]}")
                .status,
            200u);
  scene.sluice.restart();
  const AdminAnswer pool = scene.sluice.admin().get("/v1/pools/v1");
  EXPECT_EQ(pool.at("/backends").as_array().size(), 1u) << pool;
  EXPECT_EQ(pool.string("/backends/0/address"), added.address());
  EXPECT_EQ(scene.sluice.client().get("/").body, "added");
  EXPECT_EQ(scene.one.request_count(), 0u);
}

TEST(State, AChangedConfiguredValueWinsVisibly) {
  Kept scene;
  ASSERT_EQ(scene.sluice.admin().split("30", "70").status, 200u);
  const std::size_t before = scene.sluice.operational_log().size();
  scene.sluice.restart(scene.config("60", "40"));
  EXPECT_EQ(scene.weights(), "60/60 40/40 ");
  const std::string log = scene.sluice.operational_log().substr(before);
  EXPECT_NE(log.find("configur"), std::string::npos) << log;
  scene.sluice.restart();
  EXPECT_EQ(scene.weights(), "60/60 40/40 ");
}

TEST(State, ACorruptFileIsToldAndTheConfiguredValuesRun) {
  for (const bool truncates : {false, true}) {
    Kept scene;
    ASSERT_EQ(scene.sluice.admin().split("30", "70").status, 200u);
    scene.sluice.process().kill();
    const std::size_t before = scene.sluice.operational_log().size();
    std::vector<std::string> names;
    const int files = scene.each_state_file([&](const std::string& path) {
      const std::filesystem::path file(path);
      // A history that is not used has no use for its texts, and a lock says nothing.
      if (file.extension() == ".json") names.push_back(file.filename());
      if (truncates)
        std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
      else
        write_file(path, "{ this is no state");
    });
    ASSERT_GT(files, 0) << "nothing was kept";
    scene.sluice.restart();
    EXPECT_EQ(scene.weights(), "100/100 0/0 ");
    EXPECT_EQ(scene.sluice.client().get("/").body, "v1");
    const std::string log = scene.sluice.operational_log().substr(before);
    for (const std::string& name : names) EXPECT_NE(log.find(name), std::string::npos) << log;
    ASSERT_EQ(scene.sluice.admin().split("20", "80").status, 200u);
    scene.sluice.restart();
    EXPECT_EQ(scene.weights(), "20/100 80/0 ");
  }
}

TEST(State, AFileOfANewerVersionIsNamedAndKept) {
  Kept scene;
  ASSERT_EQ(scene.sluice.admin().split("30", "70").status, 200u);
  scene.sluice.process().kill();
  const std::string file = scene.sluice.file("state") + "/state.json";
  std::string newer = read_file(file);
  const std::string format = "\"format\":2";
  ASSERT_NE(newer.find(format), std::string::npos);
  newer.replace(newer.find(format), format.size(), "\"format\":9");
  write_file(file, newer);
  const std::size_t before = scene.sluice.operational_log().size();
  scene.sluice.restart();
  EXPECT_EQ(scene.weights(), "100/100 0/0 ");
  EXPECT_EQ(scene.sluice.client().get("/").body, "v1") << "traffic goes on";
  const std::string log = scene.sluice.operational_log().substr(before);
  EXPECT_NE(log.find("its format is 9"), std::string::npos) << log;
  EXPECT_NE(log.find(file + ".format-9"), std::string::npos) << log;
  EXPECT_EQ(read_file(file), newer) << "nothing was written, so nothing had to be moved";
  ASSERT_EQ(scene.sluice.admin().split("20", "80").status, 200u);
  EXPECT_EQ(read_file(file + ".format-9"), newer);
  scene.sluice.restart();
  EXPECT_EQ(scene.weights(), "20/100 80/0 ");
}

std::size_t count_of(const std::string& text, const std::string& words) {
  std::size_t count = 0;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
    ++count;
  }
  return count;
}

TEST(State, AFullDiskIsToldForEachChangeAndTrafficGoesOn) {
  Kept scene;
  ASSERT_EQ(scene.sluice.admin().split("90", "10").status, 200u);
  const std::string obstacle = scene.sluice.file("state") + "/state.json.new";
  std::filesystem::create_symlink("/dev/full", obstacle);
  ASSERT_EQ(scene.sluice.admin().split("50", "50").status, 200u);
  ASSERT_EQ(scene.sluice.admin().split("0", "100").status, 200u);
  EXPECT_EQ(scene.sluice.client().get("/").body, "v2");
  EXPECT_EQ(scene.sluice.readiness(), 200u);
  EXPECT_EQ(count_of(scene.sluice.operational_log(), "No space left"), 2u)
      << scene.sluice.operational_log();
  std::filesystem::remove(obstacle);
  EXPECT_TRUE(scene.sluice.logs("is written again"));
  scene.sluice.restart();
  EXPECT_EQ(scene.weights(), "0/100 100/0 ") << "what could not be written then is kept now";
}

/// A folder in which nothing can be written: by its mode, for root by a mount of its own.
class ReadOnly {
 public:
  explicit ReadOnly(std::string folder) : folder_(std::move(folder)), is_root_(::geteuid() == 0) {
    const char* path = folder_.c_str();
    if (!is_root_) {
      std::filesystem::permissions(
          folder_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
      is_done_ = true;
    } else if (::mount(path, path, nullptr, MS_BIND, nullptr) == 0) {
      is_mounted_ = true;
      is_done_ = ::mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0;
    }
  }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;
  ~ReadOnly() {
    if (is_mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
    if (!is_root_) std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
  }
  bool is_done() const { return is_done_; }

 private:
  std::string folder_;
  bool is_root_;
  bool is_mounted_ = false;
  bool is_done_ = false;
};

TEST(State, AReadOnlyDirectoryIsToldAndWhatItHoldsIsInForce) {
  Kept scene;
  ASSERT_EQ(scene.sluice.admin().split("0", "100").status, 200u);
  auto read_only = std::make_unique<ReadOnly>(scene.sluice.file("state"));
  if (!read_only->is_done()) GTEST_SKIP() << "this machine allows no mounts";
  ASSERT_EQ(scene.sluice.admin().split("30", "70").status, 200u) << "at run time";
  EXPECT_TRUE(scene.sluice.logs("cannot make"));
  const std::size_t before = scene.sluice.operational_log().size();
  scene.sluice.restart();
  EXPECT_EQ(scene.sluice.readiness(), 200u);
  const std::string log = scene.sluice.operational_log().substr(before);
  EXPECT_NE(log.find(scene.sluice.file("state") + " cannot be written"), std::string::npos) << log;
  EXPECT_EQ(scene.weights(), "0/100 100/0 ") << "as it was written last";
  EXPECT_EQ(scene.sluice.client().get("/").body, "v2");
  ASSERT_EQ(scene.sluice.admin().split("100", "0").status, 200u);
  EXPECT_EQ(scene.sluice.client().get("/").body, "v1");
  read_only.reset();
  EXPECT_TRUE(scene.sluice.logs("is written again"));
  scene.sluice.restart();
  EXPECT_EQ(scene.weights(), "100/100 0/0 ");
}

TEST(State, WithoutADirectoryNothingSurvivesAndAWarningSaysSo) {
  TestBackend one("v1");
  TestBackend two("v2");
  SluiceProcess sluice(two_pools(one.address(), two.address(), "100", "0"));
  EXPECT_NE(sluice.operational_log().find("state_dir"), std::string::npos)
      << sluice.operational_log();
  ASSERT_EQ(sluice.admin().split("0", "100").status, 200u);
  EXPECT_EQ(sluice.client().get("/").body, "v2");
  sluice.restart();
  EXPECT_EQ(sluice.client().get("/").body, "v1");
}

TEST(State, RestoredBackendsAreCheckedBeforeTheyGetTraffic) {
  TestBackend one("v1");
  TestBackend two("v2");
  ConfigText config = two_pools(one.address(), two.address(), "50", "50", "", quick_health);
  config.keeps_state = true;
  SluiceProcess sluice(config);
  ASSERT_TRUE(eventually([&] { return backend_word(sluice, "health", "v2") == "up"; }));
  ASSERT_EQ(sluice.admin().split("40", "60").status, 200u);
  sluice.process().kill();
  two.set_healthy(false);
  const std::size_t before = two.request_count();
  sluice.restart();
  ASSERT_TRUE(eventually([&] { return backend_word(sluice, "health", "v1") == "up"; }));
  for (int round = 0; round < 20; ++round) EXPECT_EQ(sluice.client().get("/").body, "v1");
  EXPECT_EQ(two.request_count(), before);
}

}  // namespace
}  // namespace sluice::e2e
