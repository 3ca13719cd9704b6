#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include "conf/document.hpp"
#include "conf/settings_keys.hpp"
#include "sluice/conf.hpp"

namespace sluice::conf {
namespace {

const std::string example_path = SLUICE_SOURCE_DIR "/examples/sluice.toml";

std::string example_text() {
  std::ifstream file(example_path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Whether the keys of the table at `path` are names of the operator's choice.
bool holds_names(const std::string& path) {
  return path == "pool" || path == "route" || path == "route.*.split";
}

/// Adds the paths of all values of a document, written like those of known_keys().
void add_paths(const Node& node, const std::string& path, std::set<std::string>& paths) {
  if (const auto* table = node.as<Table>()) {
    for (const Member& member : *table) {
      const std::string key = holds_names(path) ? "*" : member.key;
      add_paths(member.node, path.empty() ? key : path + "." + key, paths);
    }
    return;
  }
  paths.insert(path);
  if (const auto* array = node.as<Array>()) {
    for (const Node& element : *array) add_paths(element, path + "[]", paths);
  }
}

TEST(Example, has_no_problem) {
  const Parsed parsed = read_file(example_path);
  for (const Diagnostic& problem : parsed.problems) ADD_FAILURE() << to_string(problem);
  EXPECT_EQ(parsed.settings.routes.size(), 3U);
}

TEST(Example, names_every_key) {
  const auto document = read_document(example_text());
  ASSERT_TRUE(document.ok());
  std::set<std::string> named;
  add_paths(*document, "", named);
  const std::vector<std::string> keys = known_keys();
  EXPECT_GT(keys.size(), 90U);
  for (const std::string& key : keys) EXPECT_TRUE(named.contains(key)) << key << " is missing";
}

TEST(Example, shows_the_default_of_every_key_of_the_plain_tables) {
  const Settings settings = read_file(example_path).settings;
  const Settings defaults;
  EXPECT_EQ(settings.server, defaults.server);
  EXPECT_EQ(settings.admin, defaults.admin);
  EXPECT_EQ(settings.log, defaults.log);
  EXPECT_EQ(settings.timeouts, defaults.timeouts);
  EXPECT_EQ(settings.limits, defaults.limits);
  EXPECT_EQ(settings.routes.at(0).timeouts, defaults.timeouts);
  EXPECT_EQ(settings.pools.at(0).health, HealthSettings{});
  EXPECT_EQ(settings.pools.at(0).idle_timeout, PoolSettings{}.idle_timeout);
  EXPECT_EQ(settings.pools.at(0).resolve_interval, PoolSettings{}.resolve_interval);
}

TEST(Example, shows_the_default_of_every_key_of_a_rollout) {
  RolloutSettings rollout = read_file(example_path).settings.routes.at(0).rollout;
  ASSERT_EQ(rollout.gates.size(), 2U);
  EXPECT_EQ(rollout.gates[0].timeout, GateSettings{}.timeout);
  EXPECT_EQ(rollout.gates[0].on_timeout, GateSettings{}.on_timeout);
  ASSERT_EQ(rollout.hooks.size(), 2U);
  EXPECT_EQ(rollout.hooks[0].timeout, HookSettings{}.timeout);
  EXPECT_EQ(rollout.hooks[0].retries, HookSettings{}.retries);
  ASSERT_EQ(rollout.queries.size(), 1U);
  EXPECT_EQ(rollout.queries[0].samples, QuerySettings{}.samples);
  EXPECT_EQ(rollout.queries[0].interval, QuerySettings{}.interval);
  EXPECT_EQ(rollout.queries[0].action, QuerySettings{}.action);

  // What is off or empty by default is shown switched on.
  rollout.guard = {};
  rollout.gates.clear();
  rollout.hooks.clear();
  rollout.queries.clear();
  EXPECT_EQ(rollout, RolloutSettings{});
}

/// Expects a comment behind every key from the line `first` on, up to the line `last`. The number
/// of keys.
std::size_t commented_keys(std::string_view first, std::string_view last) {
  std::istringstream lines(example_text());
  std::string line;
  std::size_t commented = 0;
  while (std::getline(lines, line) && line != first) continue;
  while (std::getline(lines, line) && line != last) {
    const bool is_key = !line.empty() && line[0] >= 'a' && line[0] <= 'z';
    if (!is_key || line.starts_with("backends") || line.starts_with("split")) continue;
    EXPECT_NE(line.find(" # "), std::string::npos) << line;
    ++commented;
  }
  EXPECT_EQ(line, last);
  return commented;
}

TEST(Example, has_a_comment_at_every_key_with_a_default) {
  EXPECT_GT(commented_keys("[server]", "[pool.shop-v2]"), 30U);
  EXPECT_GT(commented_keys("[route.shop.rollout]", "[route.api]"), 40U);
}

/// Applies one random change: an octet, a run of octets removed or copied elsewhere, or a token.
void mutate(std::string& text, std::mt19937& random) {
  static constexpr std::array<std::string_view, 28> tokens{"\"",
                                                           "'",
                                                           "\"\"\"",
                                                           "[",
                                                           "]",
                                                           "[[",
                                                           "{",
                                                           "}",
                                                           "=",
                                                           ".",
                                                           ",",
                                                           "\n",
                                                           "#",
                                                           "-1",
                                                           "nan",
                                                           "1e400",
                                                           "true",
                                                           "99999999999999999999",
                                                           "0.005",
                                                           "\xff",
                                                           "\xc2\x80",
                                                           "\xc3\xa4",
                                                           "\\\n\xc3\xa4",
                                                           "\xe3\x80\x81",
                                                           "\"\"\"\\",
                                                           "\\u0000",
                                                           "1979-05-27",
                                                           "\r"};
  const auto upto = [&](std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(0, most)(random);
  };
  const std::size_t at = upto(text.size());
  switch (upto(3)) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(upto(255));
      break;
    case 1:
      text.erase(at, upto(20));
      break;
    case 2: {
      const std::string run = text.substr(upto(text.size()), upto(40));
      text.insert(at, run);
      break;
    }
    default:
      text.insert(at, tokens[upto(tokens.size() - 1)]);
  }
}

bool is_one_line(std::string_view message) {
  return !message.empty() && std::none_of(message.begin(), message.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

TEST(Example, changed_at_random_gives_settings_or_sorted_problems) {
  std::mt19937 random(20240229);
  const std::string example = example_text();
  ASSERT_FALSE(example.empty());
  std::size_t refused = 0;
  for (int round = 0; round < 1'500; ++round) {
    std::string text = example;
    for (int changes = round % 4; changes >= 0; --changes) mutate(text, random);
    const Parsed parsed = parse(text, "f");
    if (!parsed.ok()) ++refused;
    const auto before = [](const Diagnostic& a, const Diagnostic& b) {
      return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    };
    EXPECT_TRUE(std::is_sorted(parsed.problems.begin(), parsed.problems.end(), before));
    for (const Diagnostic& problem : parsed.problems) {
      EXPECT_TRUE(is_one_line(problem.message)) << problem.message;
      EXPECT_GE(problem.line, 1U);
      EXPECT_GE(problem.column, 1U);
    }
  }
  EXPECT_GT(refused, 500U);
  EXPECT_LT(refused, 1'500U);
}

}  // namespace
}  // namespace sluice::conf
