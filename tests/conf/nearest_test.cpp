#include "conf/nearest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluice::conf {
namespace {

constexpr std::array<std::string_view, 5> keys{"backends", "balance", "health", "idle_timeout",
                                               "resolve_interval"};

TEST(EditDistance, counts_inserted_removed_replaced_and_swapped_letters) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("helth", "health"), 1U);
  EXPECT_EQ(edit_distance("healthh", "health"), 1U);
  EXPECT_EQ(edit_distance("heolth", "health"), 1U);
  EXPECT_EQ(edit_distance("haelth", "health"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(EditDistance, is_symmetric_and_ignores_case) {
  EXPECT_EQ(edit_distance("abcd", "xbdc"), edit_distance("xbdc", "abcd"));
  EXPECT_EQ(edit_distance("Health", "hEALTH"), 0U);
}

TEST(Nearest, finds_the_word_that_was_meant) {
  EXPECT_EQ(nearest("helth", keys), "health");
  EXPECT_EQ(nearest("Health", keys), "health");
  EXPECT_EQ(nearest("backend", keys), "backends");
  EXPECT_EQ(nearest("idle-timeout", keys), "idle_timeout");
  EXPECT_EQ(nearest("blaance", keys), "balance");
}

TEST(Nearest, takes_a_beginning) {
  EXPECT_EQ(nearest("resolve", keys), "resolve_interval");
}

TEST(Nearest, finds_nothing_for_a_word_of_its_own) {
  EXPECT_EQ(nearest("certificate", keys), std::nullopt);
  EXPECT_EQ(nearest("", keys), std::nullopt);
  EXPECT_EQ(nearest("x", std::array<std::string_view, 1>{"y"}), std::nullopt);
}

TEST(Nearest, takes_the_first_of_equals) {
  constexpr std::array<std::string_view, 2> pools{"shop-v1", "shop-v2"};
  EXPECT_EQ(nearest("shop-v3", pools), "shop-v1");
}

TEST(Nearest, does_not_compare_endless_words) {
  const std::string endless(1'000'000, 'a');
  EXPECT_EQ(nearest(endless, keys), std::nullopt);
}

TEST(Suggestion, lists_what_is_known_when_nothing_is_near) {
  constexpr std::array<std::string_view, 2> pools{"blue", "green"};
  EXPECT_EQ(suggestion("gren", pools, "pools"), "; did you mean 'green'?");
  EXPECT_EQ(suggestion("other", pools, "pools"), "; known pools: blue, green");
  EXPECT_EQ(suggestion("other", {}, "pools"), "; there are no pools");
}

}  // namespace
}  // namespace sluice::conf
