#include <gtest/gtest.h>

#include <string>

#include "metrics/distinct.hpp"
#include "tests/metrics/exposition.hpp"

namespace sluice::metrics::test {
namespace {

TEST(Labels, AreEscapedAsTheFormatAsks) {
  Snapshot snapshot;
  snapshot.weights.push_back({"a\\b\"c\nd", "p", 1, 1});
  const auto text = Exporter().render(snapshot, {});
  EXPECT_NE(text.find(R"(sluice_split_weight_ratio{route="a\\b\"c\nd",pool="p"} 1)"), text.npos);
  EXPECT_EQ(
      Exposition(text).value("sluice_split_weight_ratio", {{"route", "a\\b\"c\nd"}, {"pool", "p"}}),
      1);
}

TEST(Labels, KeepUtf8) {
  Snapshot snapshot;
  snapshot.weights.push_back({"läden-店-🛒", "p", 1, 1});
  EXPECT_TRUE(exposed(snapshot).has("sluice_split_weight_ratio",
                                    {{"route", "läden-店-🛒"}, {"pool", "p"}}));
}

TEST(Labels, StayOneSeriesWhenRepairedBytesMakeThemEqual) {
  Snapshot snapshot;
  snapshot.rejected.push_back({"a\xFF", "limit", 1});
  snapshot.rejected.push_back({"a\xFE", "limit", 2});
  EXPECT_EQ(exposed(snapshot).value("sluice_rejected_total",
                                    {{"route", "a\xEF\xBF\xBD"}, {"reason", "limit"}}),
            3);
}

TEST(ValidUtf8, KeepsTheFirstAndLastCharacterOfEachLength) {
  for (const std::string text :
       {"\x01", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(valid_utf8("a" + text + "b"), "a" + text + "b");
  }
}

TEST(ValidUtf8, ReplacesEachByteThatIsNoCharacter) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(valid_utf8("a\x80z"), "a" + mark + "z");
  EXPECT_EQ(valid_utf8("\xC0\x80"), mark + mark);                     // overlong
  EXPECT_EQ(valid_utf8("\xE0\x9F\xBF"), mark + mark + mark);          // overlong
  EXPECT_EQ(valid_utf8("\xF0\x8F\xBF\xBF").size(), 4 * mark.size());  // overlong
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), mark + mark + mark);          // surrogate
  EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80").size(), 4 * mark.size());  // above U+10FFFF
  EXPECT_EQ(valid_utf8("\xF5"), mark);
  EXPECT_EQ(valid_utf8("\xE2\x82"), mark + mark);  // cut short
  EXPECT_EQ(valid_utf8("\xE2\x82z"), mark + mark + "z");
}

}  // namespace
}  // namespace sluice::metrics::test
