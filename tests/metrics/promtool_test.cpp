#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include "tests/metrics/exposition.hpp"

namespace sluice::metrics::test {
namespace {

struct Verdict {
  int status = -1;
  std::string output;
};

Verdict run(const std::string& command) {
  Verdict verdict;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return verdict;
  std::array<char, 4096> buffer{};
  while (const auto got = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    verdict.output.append(buffer.data(), got);
  }
  const int status = ::pclose(pipe);
  verdict.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return verdict;
}

/// Prometheus' own reader and linter over `text`.
Verdict promtool_on(const std::string& text) {
  std::string path = ::testing::TempDir() + "sluice_exposition_XXXXXX";
  const int fd = ::mkstemp(path.data());
  if (fd < 0) return {};
  ::close(fd);
  std::ofstream(path, std::ios::binary) << text;
  const auto verdict = run("promtool check metrics < '" + path + "' 2>&1");
  std::filesystem::remove(path);
  return verdict;
}

const std::string alert_rules = SLUICE_SOURCE_DIR "/packaging/prometheus/sluice-rollout.rules.yml";
const std::string alert_tests = SLUICE_SOURCE_DIR "/tests/metrics/rollout_rules.test.yml";

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Promtool : ::testing::Test {
  void SetUp() override {
    ASSERT_EQ(run("command -v promtool").status, 0)
        << "promtool is not on the PATH; install it (Debian: the package prometheus), the "
           "exposition cannot be checked without it";
  }
};

TEST_F(Promtool, FindsNothingWrongWithAFullSnapshot) {
  const auto verdict = promtool_on(Exporter().render(full_snapshot(), {}));
  EXPECT_EQ(verdict.status, 0) << verdict.output;
  EXPECT_EQ(verdict.output, "");
}

TEST_F(Promtool, FindsNothingWrongWithAnEmptySnapshot) {
  const auto verdict = promtool_on(Exporter().render({}, {}));
  EXPECT_EQ(verdict.status, 0) << verdict.output;
  EXPECT_EQ(verdict.output, "");
}

TEST_F(Promtool, FindsNothingWrongWithDifficultLabels) {
  auto snapshot = full_snapshot();
  snapshot.weights.push_back({"a\\b\"c\nd\tü\xFF}", "p,q=\"", 0.5, 0.5});
  snapshot.weights.push_back({"", "", 0.5, 0.5});
  const auto verdict = promtool_on(Exporter().render(snapshot, {}));
  EXPECT_EQ(verdict.status, 0) << verdict.output;
  EXPECT_EQ(verdict.output, "");
}

TEST_F(Promtool, WouldHaveFoundARepetition) {
  const auto text = Exporter().render(full_snapshot(), {});
  EXPECT_NE(promtool_on(text + text).status, 0);
}

TEST_F(Promtool, FindsNothingWrongWithTheAlertRules) {
  const auto verdict = run("promtool check rules --lint-fatal '" + alert_rules + "' 2>&1");
  EXPECT_EQ(verdict.status, 0) << verdict.output;
}

TEST_F(Promtool, SeesTheAlertsFireWhenTheyShould) {
  const auto verdict = run("promtool test rules '" + alert_tests + "' 2>&1");
  EXPECT_EQ(verdict.status, 0) << verdict.output;
}

/// `text` without lines that are comments.
std::string without_comments(const std::string& text) {
  return std::regex_replace(text, std::regex("(^|\n)[ ]*#[^\n]*"), "$1");
}

TEST(AlertRules, AskOnlyForMetricsThatExist) {
  const auto rules = without_comments(text_of(alert_rules));
  const auto shown = exposed(full_snapshot());
  const std::regex name("sluice_[a-z_]+");
  std::size_t found = 0;
  for (std::sregex_iterator at(rules.begin(), rules.end(), name), end; at != end; ++at, ++found) {
    EXPECT_TRUE(shown.has_family(at->str())) << at->str();
  }
  EXPECT_GT(found, 4U);
}

TEST(AlertRules, SayWhatIsWrongAndWhatItMeans) {
  const auto rules = text_of(alert_rules);
  const auto count = [&](const char* key) {
    const std::regex line(std::string("\n +(- )?") + key + ":");
    return std::distance(std::sregex_iterator(rules.begin(), rules.end(), line), {});
  };
  EXPECT_GE(count("alert"), 4);
  EXPECT_EQ(count("summary"), count("alert"));
  EXPECT_EQ(count("description"), count("alert"));
  EXPECT_EQ(count("severity"), count("alert"));
}

}  // namespace
}  // namespace sluice::metrics::test
