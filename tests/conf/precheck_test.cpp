#include "conf/precheck.hpp"

#include <gtest/gtest.h>

#include "sluice/conf.hpp"

namespace sluice::conf {
namespace {

bool passes(const std::string& text) {
  return !precheck(text).has_value();
}

TEST(Precheck, takes_what_is_nested_at_most_as_deep_as_allowed) {
  std::string key = "a";
  for (unsigned i = 1; i < max_key_parts; ++i) key += ".a";
  EXPECT_TRUE(passes(key + " = 1\n" + key + " = 1\n"));
  EXPECT_FALSE(passes(key + ".a = 1"));
  const std::string open(max_nesting, '[');
  const std::string close(max_nesting, ']');
  EXPECT_TRUE(passes("a = " + open + close));
  EXPECT_FALSE(passes("a = [" + open + close + "]"));
}

TEST(Precheck, looks_away_from_strings_and_comments) {
  const std::string any = std::string(100, '.') + std::string(100, '[') + "\xc3\xa4";
  for (const std::string& text :
       {"# " + any, "a = \"" + any + "\"", "a = '" + any + "'", "a = \"\\\"" + any + "\"",
        "a = \"\"\"\n\"" + any + "\n\"\"\"", "a = '''\n'" + any + "'''", "a = '\\' # " + any}) {
    EXPECT_TRUE(passes(text)) << text;
  }
  for (const char* start : {"a = 'x'\n", "a = \"\\\\\"\n", "a = \"\"\"x\"\"\"\"\" ", "#\n",
                            "a = '''x'''' ", "a = \"open\n", "a = \"\"\"\\\n\"\"\" "}) {
    EXPECT_FALSE(passes(start + any)) << start;
  }
}

TEST(Precheck, says_what_it_found_and_where) {
  const auto deep = precheck("a = 1\nabc = " + std::string(17, '['));
  ASSERT_TRUE(deep.has_value());
  EXPECT_EQ(deep->place, (Place{2, 23}));
  const auto letter = precheck(
      "\xef\xbb\xbf"
      "a = 1 # \xc3\xa4\n'\xc3\xa4' = \xc3\xa4\n");
  ASSERT_TRUE(letter.has_value());
  EXPECT_EQ(letter->place, (Place{2, 7}));
  EXPECT_EQ(letter->what, "found a character that is not ASCII outside of quotes and comments");
}

TEST(Precheck, keeps_characters_from_the_parser_on_which_it_is_undefined) {
  for (const char* text :
       {"[\xc3\xa4]", "\xc3\xa4 = 1", "a = \xc3\xa4", "a = 1\xc3\xa4", "a \xe3\x80\x81",
        "a = \"\"\"\\\xc3\xa4\"\"\"", "a = \"\"\"\\ \xc3\xa4\"\"\"",
        "a = \"\"\"x\\\n  \n\xc3\xa4\"\"\"", "a = \"\"\"\\\r\n\xc3\xa4\"\"\""}) {
    EXPECT_FALSE(passes(text)) << text;
    const Parsed parsed = parse(text, "f");
    ASSERT_EQ(parsed.problems.size(), 1U) << text;
    EXPECT_NE(parsed.problems[0].message.find("not ASCII"), std::string::npos) << text;
  }
}

TEST(Precheck, takes_characters_in_strings_that_are_not_escaped) {
  for (const char* text :
       {"a = \"\"\"\\\nx\xc3\xa4\"\"\"", "a = \"\\\\\xc3\xa4\"", "a = '\\\xc3\xa4'",
        "a = '''\\\n\xc3\xa4'''", "a = \"\"\"\xc3\xa4\\\n\"\"\""}) {
    EXPECT_TRUE(passes(text)) << text;
    const Parsed parsed = parse(text, "f");
    ASSERT_FALSE(parsed.problems.empty());
    EXPECT_EQ(parsed.problems.back().message.find("not valid TOML"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace sluice::conf
