#include <gtest/gtest.h>

#include "proxy/admin_json.hpp"
#include "proxy/admin_revision.hpp"
#include "proxy/admin_target.hpp"
#include "proxy/admin_units.hpp"
#include "proxy/json_writer.hpp"

namespace sluice::proxy {
namespace {

TEST(AdminUnits, WeightsAreReadExactly) {
  EXPECT_EQ(parse_weight("0"), 0U);
  EXPECT_EQ(parse_weight("12.5"), 1250U);
  EXPECT_EQ(parse_weight("12.05"), 1205U);
  EXPECT_EQ(parse_weight("1000000"), weight_max);
  for (const char* text : {"", ".5", "5.", "-1", "+1", "1e1", "1.234", "1000000.01", "1 ", "nan",
                           "99999999999999999999999"})
    EXPECT_EQ(parse_weight(text), std::nullopt) << text;
}

TEST(AdminUnits, EveryWeightSurvivesADouble) {
  for (Weight weight = 0; weight <= 1'000'000; weight += 7) {
    const double number = weight / 100.0;
    ASSERT_EQ(weight_of(number), weight);
  }
  EXPECT_EQ(weight_of(999'999.99), weight_max - 1);
  for (const double number :
       {-0.01, 0.001, 12.345, 12.3401, 999'999.991, 1'000'000.01, 1e300, 0.0 / 0.0})
    EXPECT_EQ(weight_of(number), std::nullopt) << number;
}

TEST(AdminUnits, DurationsNeedAUnit) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("0s"), milliseconds(0));
  EXPECT_EQ(parse_duration("5m"), milliseconds(300'000));
  EXPECT_EQ(parse_duration("1000h"), milliseconds(3'600'000'000));
  for (const char* text :
       {"", "5", "s", "-5s", "1.5s", "5 s", "5d", "1001h", "99999999999999999999s"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(AdminTarget, SegmentsAreDecodedAfterTheyAreSeparated) {
  const auto target = parse_admin_target("/v1/a%2Fb/c?x=1%262&flag&&y=a=b");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->segments, (std::vector<std::string>{"v1", "a/b", "c"}));
  EXPECT_EQ(target->query, (std::vector<std::pair<std::string, std::string>>{
                               {"x", "1&2"}, {"flag", ""}, {"y", "a=b"}}));
  EXPECT_TRUE(parse_admin_target("/")->segments.empty());
  EXPECT_EQ(parse_admin_target("/a/")->segments, (std::vector<std::string>{"a", ""}));
}

TEST(AdminTarget, EncodedSegmentComesBackUnchanged) {
  const std::string text = "unix:/run/a b?c#d%e\xc3\xa4[::1]:80";
  const auto target = parse_admin_target("/" + encode_segment(text));
  ASSERT_TRUE(target);
  EXPECT_EQ(target->segments, std::vector<std::string>{text});
}

TEST(AdminRevision, ConditionsAreListsOfTags) {
  const auto condition = parse_condition(" \"1\" ,W/\"2\"");
  ASSERT_TRUE(condition);
  EXPECT_TRUE(condition->matches_strongly(1));
  EXPECT_FALSE(condition->matches_strongly(2));
  EXPECT_TRUE(condition->matches_weakly(2));
  for (const char* field : {"", "1", "\"1", "\"1\" \"2\"", "\"1\",", "* \"1\"", "w/\"1\""})
    EXPECT_FALSE(parse_condition(field)) << field;
}

TEST(JsonWriter, EscapesWhatJsonMustEscape) {
  JsonWriter json;
  json.text(std::string_view("a\"b\\c\n\r\t\x01\x7f\0z", 12));
  EXPECT_EQ(json.str(), R"("a\"b\\c\n\r\t\u0001\u007f\u0000z")");
}

TEST(JsonWriter, ReplacesWhatIsNotUtf8) {
  JsonWriter json;
  json.text(
      "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 | \xff \xc3 \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80");
  EXPECT_EQ(json.str(),
            "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 | \\ufffd \\ufffd \\ufffd\\ufffd "
            "\\ufffd\\ufffd\\ufffd \\ufffd\\ufffd\\ufffd\\ufffd\"");
}

TEST(JsonWriter, PutsCommasBetweenValuesOnly) {
  JsonWriter json;
  json.open_object().key("a").open_array().close_array().key("b").open_array();
  json.number(1).weight(1250).weight(5).boolean(true).null().open_object().close_object();
  json.close_array().close_object();
  EXPECT_EQ(json.str(), R"({"a":[],"b":[1,12.5,0.05,true,null,{}]})");
}

TEST(AdminJson, TimesAreUtc) {
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc_text(1'709'251'199'999), "2024-02-29T23:59:59.999Z");
  EXPECT_EQ(utc_text(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace sluice::proxy
