#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "tests/proxy/admin_running.hpp"
#include "tests/proxy/verbs_run.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy::program {
namespace {

/// What the unit file says for `key`, word by word.
std::vector<std::string> words_of(const std::string& key) {
  std::istringstream unit(support::read_file(SLUICE_SOURCE_DIR "/packaging/sluice.service"));
  for (std::string line; std::getline(unit, line);) {
    if (!line.starts_with(key + "=")) continue;
    std::istringstream value(line.substr(key.size() + 1));
    std::vector<std::string> words;
    for (std::string word; value >> word;) words.push_back(word);
    return words;
  }
  return {};
}

TEST(UnitFile, AReloadThatIsRefusedFails) {
  std::vector<std::string> words = words_of("ExecReload");
  ASSERT_FALSE(words.empty());
  EXPECT_EQ(words.front(), "/usr/bin/sluice");
  words.erase(words.begin());
  RunningAdmin admin;
  // As a line of the file that the unit names.
  ASSERT_EQ(words_of("EnvironmentFile"), std::vector<std::string>{"-/etc/default/sluice"});
  ::setenv("SLUICE_ADMIN", admin.address().c_str(), 1);
  const Ran taken = run(words);
  admin.on_control([](FakeControl& control) {
    EXPECT_EQ(control.calls, std::vector<std::string>{"reload_source"});
    control.deny = Denial{422, "Settings not acceptable", "no", {{"sluice.toml:3:1", "no key"}}};
  });
  const Ran refused = run(words);
  ::unsetenv("SLUICE_ADMIN");
  EXPECT_EQ(taken.code, exit_done) << taken.err;
  EXPECT_EQ(refused.code, exit_refused);
  EXPECT_TRUE(has(refused.err, "sluice.toml:3:1: no key")) << refused.err;
}

}  // namespace
}  // namespace sluice::proxy::program
