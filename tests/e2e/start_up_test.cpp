#include <filesystem>

#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

/// Writes `text` as a configuration and runs `sluice verb` on it to its end.
struct Trial {
  FinishedRun run(const std::string& verb, const std::string& text) const {
    write_file(file, text);
    return run_to_end({program_path(), verb, file});
  }

  TempDir directory;
  std::string file = directory.file("sluice.toml");
};

/// A good configuration on free addresses.
std::string good_config() {
  ConfigText config = one_pool("127.0.0.1:9");
  config.listeners = {free_address()};
  config.admin_address = free_address();
  return config.text("");
}

constexpr const char* broken_config =
    "[server]\n"
    "wokers = 2\n"
    "lame_duck = \"10 parsecs\"\n"
    "state_dir = \"\"\n"
    "[[listener]]\n"
    "address = \"127.0.0.1:18080\"\n"
    "[[listener]]\n"
    "address = \"127.0.0.1:18080\"\n"
    "[pool.v1]\n"
    "backends = [\"127.0.0.1:notaport\"]\n"
    "[route.all]\n"
    "split = { v1 = 1, v9 = 1 }\n";

void expect_all_errors(const Trial& trial, const FinishedRun& run) {
  EXPECT_EQ(run.exit_code, 1);
  for (const char* place : {":2:", ":3:", ":8:", ":10:", ":12:"})
    EXPECT_NE(run.err.find(trial.file + place), std::string::npos) << place << "\n" << run.err;
  EXPECT_NE(run.err.find("wokers"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("workers"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("10 parsecs"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("v9"), std::string::npos) << run.err;
}

TEST(StartUp, ABrokenFileIsRefusedWithAllItsErrors) {
  const Trial trial;
  expect_all_errors(trial, trial.run("run", broken_config));
}

TEST(StartUp, CheckTellsTheSameErrors) {
  const Trial trial;
  expect_all_errors(trial, trial.run("check", broken_config));
}

TEST(StartUp, CheckAcceptsAGoodFileAndTheExample) {
  const Trial trial;
  const FinishedRun good = trial.run("check", good_config());
  EXPECT_EQ(good.exit_code, 0) << good.err;
  const FinishedRun example =
      run_to_end({program_path(), "check", SLUICE_SOURCE_DIR "/examples/sluice.toml"});
  EXPECT_EQ(example.exit_code, 0) << example.err;
}

TEST(StartUp, SyntaxErrorsHaveAPlace) {
  const Trial trial;
  for (const char* verb : {"run", "check"}) {
    const FinishedRun run = trial.run(verb, "[server]\nworkers = = 2\n");
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_NE(run.err.find(trial.file + ":2:"), std::string::npos) << run.err;
  }
}

TEST(StartUp, AMissingFileIsNamed) {
  for (const char* verb : {"run", "check"}) {
    const FinishedRun run = run_to_end({program_path(), verb, "/nonexistent/sluice.toml"});
    EXPECT_NE(run.exit_code, 0);
    EXPECT_NE(run.err.find("/nonexistent/sluice.toml"), std::string::npos) << run.err;
  }
}

TEST(StartUp, AnOccupiedAddressIsNamed) {
  const Trial trial;
  const Fd taken = listen_on("127.0.0.1:0");
  ConfigText config = one_pool("127.0.0.1:9");
  config.listeners = {local_address(taken)};
  config.admin_address = free_address();
  const FinishedRun listener = trial.run("run", config.text(""));
  EXPECT_EQ(listener.exit_code, 1);
  EXPECT_NE(listener.err.find(local_address(taken)), std::string::npos) << listener.err;

  std::swap(config.listeners[0], config.admin_address);
  const FinishedRun admin = trial.run("run", config.text(""));
  EXPECT_EQ(admin.exit_code, 1);
  EXPECT_NE(admin.err.find(local_address(taken)), std::string::npos) << admin.err;
}

TEST(StartUp, AnOpenAdminInterfaceWithoutATokenIsRefused) {
  const Trial trial;
  ConfigText config = one_pool("127.0.0.1:9");
  config.listeners = {free_address()};
  config.admin_address = "0.0.0.0:19901";
  const FinishedRun run = trial.run("run", config.text(""));
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.err.find("token_file"), std::string::npos) << run.err;
}

TEST(StartUp, AMissingTokenFileIsNamed) {
  const Trial trial;
  ConfigText config = one_pool("127.0.0.1:9");
  config.listeners = {free_address()};
  config.admin_address = free_address();
  config.admin = "token_file = \"/nonexistent/token\"\n";
  const FinishedRun run = trial.run("run", config.text(""));
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.err.find("/nonexistent/token"), std::string::npos) << run.err;
}

TEST(StartUp, AStateDirectoryThatCannotBeWrittenIsNamed) {
  const Trial trial;
  ConfigText config = one_pool("127.0.0.1:9");
  config.listeners = {free_address()};
  config.admin_address = free_address();
  config.keeps_state = true;
  const std::string inside_a_file = trial.file + "/state";
  const FinishedRun run = trial.run("run", config.text(inside_a_file));
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.err.find(inside_a_file), std::string::npos) << run.err;
}

}  // namespace
}  // namespace sluice::e2e
