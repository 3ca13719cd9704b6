#include "core/status_set.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::core {
namespace {

std::string status_error(std::string_view text) {
  const auto range = parse_status(text);
  return range ? "" : range.error();
}

/// The members of a set among all statuses of three digits, as "400-499 503".
std::string members(const StatusSet& set) {
  std::string text;
  for (unsigned status = 0; status < 1'000; ++status) {
    if (!set.contains(status)) continue;
    unsigned last = status;
    while (last + 1 < 1'000 && set.contains(last + 1)) ++last;
    text += (text.empty() ? "" : " ") + std::to_string(status);
    if (last > status) text += "-" + std::to_string(last);
    status = last;
  }
  return text;
}

TEST(ParseStatusTest, ReadsClassesAndCodesOfErrors) {
  EXPECT_EQ(*parse_status("4xx"), (StatusRange{400, 499}));
  EXPECT_EQ(*parse_status("5xx"), (StatusRange{500, 599}));
  EXPECT_EQ(*parse_status("400"), (StatusRange{400, 400}));
  EXPECT_EQ(*parse_status("429"), (StatusRange{429, 429}));
  EXPECT_EQ(*parse_status("599"), (StatusRange{599, 599}));
}

TEST(ParseStatusTest, SaysWhyWhatIsBelow400IsNoError) {
  for (const char* text : {"1xx", "2xx", "3xx", "100", "200", "204", "301", "399"}) {
    EXPECT_NE(status_error(text).find("is no error: 1xx announces an answer, 2xx and 3xx are good"),
              std::string::npos)
        << text;
  }
  EXPECT_EQ(status_error("3xx"),
            R"("3xx" is no error: 1xx announces an answer, 2xx and 3xx are good ones; allowed )"
            R"(are "4xx", "5xx" and codes from "400" to "599".)");
}

TEST(ParseStatusTest, RefusesWhatIsNoStatus) {
  for (const char* text : {"", "5", "50", "5000", "5XX", "50x", "x00", "xxx", "5 x", " 5xx", "-50",
                           "0xx", "6xx", "000", "099", "600", "999"}) {
    const std::string error = status_error(text);
    EXPECT_TRUE(error.ends_with(R"(allowed are "4xx", "5xx" and codes from "400" to "599".)"))
        << text << ": " << error;
  }
}

TEST(StatusSetTest, HoldsWhatItWasMadeOfAndNothingElse) {
  EXPECT_EQ(members(StatusSet{}), "");
  EXPECT_EQ(members(StatusSet({"5xx"})), "500-599");
  EXPECT_EQ(members(StatusSet({"4xx"})), "400-499");
  EXPECT_EQ(members(StatusSet({"503", "429", "430", "503"})), "429-430 503");
  EXPECT_EQ(members(StatusSet({"5xx", "429", "502"})), "429 500-599");
}

TEST(StatusSetTest, LeavesOutWhatIsNoError) {
  EXPECT_EQ(members(StatusSet({"2xx", "", "503"})), "503");
}

TEST(StatusSetTest, TakesRangesOfAnyStatus) {
  StatusSet set;
  set.add({0, 0});
  set.add({127, 129});
  set.add({1'023, 1'023});
  EXPECT_EQ(members(set), "0 127-129");
  EXPECT_TRUE(set.contains(1'023));
  EXPECT_FALSE(set.contains(1'022));
}

}  // namespace
}  // namespace sluice::core
