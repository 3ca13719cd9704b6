#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
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

}  // namespace
}  // namespace sluice::metrics::test
