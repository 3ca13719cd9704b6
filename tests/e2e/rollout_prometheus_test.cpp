#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "tests/e2e/rollout_scene.hpp"

namespace sluice::e2e {
namespace {

/// Where a program is by PATH, or "".
std::string found_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string file = folder + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  return "";
}

/// A real Prometheus that scrapes one gauge, `cpu{pool="shop-v2"}`, every second.
class Prometheus {
 public:
  Prometheus() : target_("host", [this](Exchange& exchange) { answer(exchange); }) {
    write_file(directory_.file("prometheus.yml"),
               "global: { scrape_interval: 1s, scrape_timeout: 1s }\n"
               "scrape_configs:\n"
               "- job_name: host\n"
               "  static_configs: [ { targets: [ '" +
                   target_.address() + "' ] } ]\n");
    start();
  }

  /// From the next scrape on.
  void set_cpu(double cpu) { cpu_ = cpu; }
  void kill() { child_.kill(); }
  void start() {
    child_ = ChildProcess(
        {found_program("prometheus"), "--config.file=" + directory_.file("prometheus.yml"),
         "--storage.tsdb.path=" + directory_.file("data"), "--web.listen-address=" + address_},
        directory_.file("out"), directory_.file("err"));
    const bool came = eventually([this] { return knows(); });
    if (!came) throw Failure("prometheus knows nothing:\n" + read_file(directory_.file("err")));
  }

  const std::string& address() const { return address_; }
  std::size_t scrapes() const { return target_.request_count(); }

 private:
  void answer(Exchange& exchange) {
    std::ostringstream text;
    text << "# TYPE cpu gauge\ncpu{pool=\"shop-v2\"} " << cpu_ << "\n";
    exchange.answer(200, text.str(), "Content-Type: text/plain; version=0.0.4\r\n");
  }

  /// Whether a question has an answer.
  bool knows() const {
    try {
      const Response answer = RawClient(address_).get("/api/v1/query?query=cpu");
      return answer.body.find("shop-v2") != std::string::npos;
    } catch (const Failure&) {
      return false;
    }
  }

  TempDir directory_;
  std::atomic<double> cpu_{0.2};
  TestBackend target_;
  std::string address_ = free_address();
  ChildProcess child_;
};

class RolloutPrometheus : public testing::Test {
 protected:
  void SetUp() override {
    if (found_program("prometheus").empty())
      GTEST_SKIP() << "the program prometheus is not installed (Debian: apt install prometheus)";
  }

  /// `action` follows when the CPU of shop-v2 is above 85 % three times in a row.
  static Policy guarded_by(const std::string& address, const std::string& action) {
    return {.step_time = "2s",
            .tables = "\n[[route.shop.rollout.query]]\nprometheus = \"http://" + address +
                      "\"\nexpr = \"max(cpu{pool='shop-v2'})\"\nbad_when = \"> 0.85\"\n"
                      "samples = 3\ninterval = \"1s\"\naction = \"" +
                      action + "\"\n"};
  }
};

TEST_F(RolloutPrometheus, ABadAnswerThreeTimesInARowRollsBack) {
  Prometheus prometheus;
  RolloutScene scene({.policy = guarded_by(prometheus.address(), "rollback")});
  Load users(scene.users());
  prometheus.set_cpu(0.97);
  const std::size_t scrapes = prometheus.scrapes();
  ASSERT_TRUE(eventually([&] { return prometheus.scrapes() >= scrapes + 2; }));
  const auto begin = Clock::now();
  ASSERT_EQ(scene.start().status, 201u);
  EXPECT_TRUE(scene.reaches("rolled_back"));
  EXPECT_GE(Clock::now() - begin, milliseconds(1900)) << "three samples, a second apart";
  const auto rollback = scene.decision("rollback");
  ASSERT_TRUE(rollback.has_value()) << scene.told();
  EXPECT_EQ(rollback->reason, "query");
  EXPECT_TRUE(scene.serves_only(users, "v1"));
}

TEST_F(RolloutPrometheus, ABadAnswerHoldsAndAGoodOneLetsItGoOn) {
  Prometheus prometheus;
  RolloutScene scene({.policy = guarded_by(prometheus.address(), "hold")});
  const Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.reaches_step(1));
  ASSERT_EQ(scene.steer("pause").status, 200u);
  prometheus.set_cpu(0.97);
  const std::size_t scrapes = prometheus.scrapes();
  ASSERT_TRUE(eventually([&] { return prometheus.scrapes() >= scrapes + 6; }));
  ASSERT_EQ(scene.steer("resume").status, 200u);
  ASSERT_TRUE(scene.holds("query"));
  const double weight = scene.weight();
  EXPECT_TRUE(scene.keeps(seconds(3), [&] { return scene.weight() == weight; }));
  EXPECT_LT(weight, 100);
  prometheus.set_cpu(0.2);
  EXPECT_TRUE(scene.reaches("done"));
}

TEST_F(RolloutPrometheus, GoodAnswersLetItGoOn) {
  Prometheus prometheus;
  RolloutScene scene({.policy = guarded_by(prometheus.address(), "rollback")});
  const Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  EXPECT_TRUE(scene.reaches("done"));
}

TEST_F(RolloutPrometheus, OneThatDiesIsNoEvidence) {
  Prometheus prometheus;
  RolloutScene scene({.policy = guarded_by(prometheus.address(), "rollback")});
  const Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.reaches_step(1));
  prometheus.kill();
  EXPECT_TRUE(scene.reaches("done"));
}

/// Needs no Prometheus: nobody listens.
TEST(RolloutQuery, AServerThatIsNotThereIsNoEvidence) {
  RolloutScene scene(
      {.policy = {.tables = "\n[[route.shop.rollout.query]]\nprometheus = \"http://" +
                            free_address() +
                            "\"\nexpr = \"cpu\"\nbad_when = \"> 0\"\nsamples = 1\n"
                            "interval = \"1s\"\naction = \"rollback\"\n"}});
  const Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  EXPECT_TRUE(scene.reaches("done"));
}

/// Errors of the server, answers that are none and NaN: no evidence, neither good nor bad.
TEST(RolloutQuery, AnswersWithoutANumberAreNoEvidence) {
  for (const char* body :
       {"{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"no\"}", "<html>",
        R"({"status":"success","data":{"resultType":"vector","result":[]}})",
        R"({"status":"success","data":{"resultType":"scalar","result":[1435781451.78,"NaN"]}})"}) {
    TestBackend server("prometheus", answers(200, body, "Content-Type: application/json\r\n"));
    RolloutScene scene(
        {.policy = {.step_time = "1200ms",
                    .tables = "\n[[route.shop.rollout.query]]\nprometheus = \"http://" +
                              server.address() +
                              "\"\nexpr = \"cpu\"\nbad_when = \"!= 7\"\nsamples = 1\n"
                              "interval = \"1s\"\naction = \"rollback\"\n"}});
    const Load users(scene.users());
    ASSERT_EQ(scene.start().status, 201u);
    EXPECT_TRUE(scene.reaches("done")) << body;
    EXPECT_GE(server.request_count(), 1u);
  }
}

}  // namespace
}  // namespace sluice::e2e
