#include <gtest/gtest.h>

#include "sluice/conf.hpp"

namespace sluice::conf {
namespace {

/// The only problem of a text that is not TOML.
Diagnostic syntax_problem(std::string_view text) {
  const Parsed parsed = parse(text, "f");
  EXPECT_EQ(parsed.problems.size(), 1U);
  if (parsed.problems.empty()) return {};
  EXPECT_TRUE(parsed.problems[0].message.starts_with("not valid TOML: "))
      << parsed.problems[0].message;
  return parsed.problems[0];
}

TEST(Syntax, a_text_that_is_not_toml_is_one_problem_at_its_place) {
  const Diagnostic problem = syntax_problem("[server]\nworkers = = 1\nunknown = 1\n");
  EXPECT_EQ(problem.line, 2U);
  EXPECT_EQ(problem.column, 11U);
}

TEST(Syntax, refuses_a_key_given_twice) {
  const Diagnostic problem = syntax_problem("[server]\nworkers = 1\nworkers = 2\n");
  EXPECT_EQ(problem.line, 3U);
  EXPECT_NE(problem.message.find("'workers'"), std::string::npos) << problem.message;
}

TEST(Syntax, refuses_a_table_given_twice) {
  EXPECT_EQ(syntax_problem("[pool.a]\n[pool.b]\n[pool.a]\n").line, 3U);
}

TEST(Syntax, refuses_numbers_beyond_64_bits) {
  EXPECT_EQ(syntax_problem("[server]\nworkers = 99999999999999999999\n").line, 2U);
  EXPECT_EQ(syntax_problem("[server]\nworkers = 1e9999\n").line, 2U);
}

TEST(Syntax, refuses_text_that_is_not_utf8) {
  EXPECT_EQ(syntax_problem("[server]\nstate_dir = \"\xff\"\n").line, 2U);
}

TEST(Syntax, refuses_what_is_nested_too_deep_instead_of_overflowing_the_stack) {
  std::string key = "a";
  for (int i = 0; i < 1'000'000; ++i) key += ".a";
  EXPECT_EQ(syntax_problem(key + " = 1\n").message, "not valid TOML: a key has more than 32 parts");
  EXPECT_EQ(syntax_problem("\n[" + key + "]\n").line, 2U);
  EXPECT_EQ(syntax_problem("a = " + std::string(1'000'000, '[') + "\n").message,
            "not valid TOML: arrays and tables are nested more than 16 deep");
}

TEST(Syntax, refuses_table_headers_that_do_not_begin_with_a_key) {
  for (const char* header : {"[=]", "[.]", "[[[a]]]", "[#", "[\n", "[,", "[{"}) {
    const Diagnostic problem = syntax_problem("\n" + std::string(header));
    EXPECT_EQ(problem.line, 2U) << header;
    EXPECT_NE(problem.message.find("expected bare key"), std::string::npos) << problem.message;
  }
}

}  // namespace
}  // namespace sluice::conf
