#include "proxy/state_json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

namespace sluice::proxy {
namespace {

using core::Overrides;

class Anything {
 public:
  explicit Anything(unsigned seed) : random_(seed) {}

  Overrides overrides() {
    Overrides all;
    for (unsigned i = count(); i > 0; --i) {
      all.splits.push_back({text(), shares(), shares(), number(), origin()});
    }
    for (unsigned i = count(); i > 0; --i) {
      all.drains.push_back({text(), text(), origin(), std::nullopt});
      if (number() % 2 == 0) all.drains.back().deadline_ms = origin().at_ms;
    }
    for (unsigned i = count(); i > 0; --i) {
      all.memberships.push_back({text(), backends(), backends(), origin()});
    }
    return all;
  }

 private:
  unsigned count() { return static_cast<unsigned>(random_() % 4); }
  std::uint64_t number() { return random_() >> random_() % 64; }
  Weight weight() { return static_cast<Weight>(random_() % (std::uint64_t{weight_max} + 1)); }
  std::string text() {
    static const std::string pieces[] = {"shop", "\"",     "\\",        "\n",         "\t",
                                         "-v1",  "\u00e9", "\u20ac",    "\U0001f600", "\x01",
                                         "/",    "{",      "unix:/run", "",           "\x7f"};
    std::string result;
    for (unsigned i = count() + count(); i > 0; --i) result += pieces[random_() % 15];
    return result;
  }
  core::Origin origin() { return {text(), static_cast<std::int64_t>(number() >> 1U)}; }
  std::vector<ShareSettings> shares() {
    std::vector<ShareSettings> all;
    for (unsigned i = count(); i > 0; --i) all.push_back({text(), weight()});
    return all;
  }
  std::vector<BackendSettings> backends() {
    std::vector<BackendSettings> all;
    for (unsigned i = count(); i > 0; --i) all.push_back({text(), weight()});
    return all;
  }
  std::mt19937_64 random_;
};

TEST(StateJsonTest, AnythingComesBackAsItWas) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    const Overrides overrides = Anything(seed).overrides();
    const std::string text = to_state_text(overrides);
    const auto read = read_state_text(text);
    ASSERT_TRUE(read) << read.error() << "\n" << text;
    ASSERT_EQ(*read, overrides) << text;
  }
}

TEST(StateJsonTest, TheLargestNumbersComeBack) {
  Overrides overrides;
  overrides.splits = {{"r",
                       {{"p", weight_max}},
                       {},
                       std::numeric_limits<std::uint64_t>::max(),
                       {"x", std::numeric_limits<std::int64_t>::max()}}};
  const auto read = read_state_text(to_state_text(overrides));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, overrides);
}

TEST(StateJsonTest, TheTextIsOneLineThatNamesItsFormat) {
  const std::string text = to_state_text({});
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_NE(text.find("\"format\":2"), std::string::npos);
}

TEST(StateJsonTest, ANewerFormatIsRefusedByItsNumber) {
  const auto read = read_state_text(R"({"format":3,"something":"else"})");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(),
            "a newer version of sluice wrote it: its format is 3, this version reads formats 1 and "
            "2");
  EXPECT_EQ(newer_format(R"({"format":3,"something":"else"})"), 3);
  for (const char* text : {R"({"format":2})", R"({"format":"3"})", "[3]", "{", ""}) {
    EXPECT_EQ(newer_format(text), std::nullopt) << text;
  }
}

TEST(StateJsonTest, WhatIsNoJsonIsRefused) {
  for (const char* text : {"", "{", "nonsense", "{\"format\":1}}", "\xff"}) {
    const auto read = read_state_text(text);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().find("not JSON"), std::string::npos) << read.error();
  }
}

TEST(StateJsonTest, ADrainWithoutADeadlineIsWrittenAndReadWithoutTheMember) {
  Overrides overrides;
  overrides.drains = {{"a", "", {"bob", 5}}};
  const std::string text = to_state_text(overrides);
  EXPECT_EQ(text.find("deadline"), std::string::npos) << text;
  const auto read = read_state_text(text);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->drains.at(0).deadline_ms, std::nullopt);
  overrides.drains[0].deadline_ms = 1'714'564'800'001;
  EXPECT_NE(to_state_text(overrides).find("\"deadline_ms\":1714564800001"), std::string::npos);
}

TEST(StateJsonTest, WhatHasTheWrongShapeIsRefused) {
  for (const char* text : {
           "[]",
           "1",
           R"({"splits":[],"drains":[],"memberships":[]})",
           R"({"format":1})",
           R"({"format":"1","splits":[],"drains":[],"memberships":[]})",
           R"({"format":1,"splits":{},"drains":[],"memberships":[]})",
           R"({"format":1,"splits":[1],"drains":[],"memberships":[]})",
           R"({"format":1,"splits":[],"drains":[{"pool":7,"backend":"","by":"","at_ms":0}],
              "memberships":[]})",
           R"({"format":1,"splits":[],"drains":[{"pool":"a","backend":""}],"memberships":[]})",
           R"({"format":1,"splits":[],"drains":[{"pool":"a","backend":"","by":"","at_ms":0,
              "deadline_ms":"soon"}],"memberships":[]})",
           R"({"format":99999999999999999999,"splits":[],"drains":[],"memberships":[]})",
       }) {
    const auto read = read_state_text(text);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error(), "");
  }
}

TEST(StateJsonTest, AWeightThatNobodyMayHaveIsRefused) {
  for (const char* weight : {"100000001", "-1", "1.5", "18446744073709551616", "null"}) {
    const std::string text =
        std::string(
            R"({"format":1,"splits":[{"route":"r","configured":[],"weights":[{"pool":"p",)") +
        R"("weight_hundredths":)" + weight +
        R"(}],"revision":1,"by":"","at_ms":0}],"drains":[],"memberships":[]})";
    EXPECT_FALSE(read_state_text(text)) << weight;
  }
}

TEST(StateJsonTest, ADamagedTextIsReadOrRefusedButNeverEndsTheProcess) {
  std::mt19937 random(5);
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::string text = to_state_text(Anything(seed % 50).overrides());
    for (std::size_t i = 1 + random() % 4; i > 0; --i) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    const auto read = read_state_text(text);
    if (!read) {
      EXPECT_NE(read.error(), "");
    }
  }
}

}  // namespace
}  // namespace sluice::proxy
