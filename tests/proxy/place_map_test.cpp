#include "proxy/place_map.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::proxy {
namespace {

TEST(PlaceMap, AddsFindsAndErases) {
  PlaceMap<int> map;
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.find("v1", "127.0.0.1:1"), nullptr);
  const auto [value, is_new] = map.add("v1", "127.0.0.1:1");
  EXPECT_TRUE(is_new);
  EXPECT_EQ(value, 0);
  value = 7;
  const auto [again, is_new_again] = map.add("v1", "127.0.0.1:1");
  EXPECT_FALSE(is_new_again);
  EXPECT_EQ(again, 7);
  EXPECT_EQ(*map.find("v1", "127.0.0.1:1"), 7);
  EXPECT_TRUE(map.erase("v1", "127.0.0.1:1"));
  EXPECT_FALSE(map.erase("v1", "127.0.0.1:1"));
  EXPECT_FALSE(map.contains("v1", "127.0.0.1:1"));
}

TEST(PlaceMap, TellsPoolsAndAddressesApart) {
  PlaceMap<int> map;
  map.add("a", "bc").first = 1;
  map.add("ab", "c").first = 2;
  map.add("c", "ab").first = 3;
  map.add("a", "").first = 4;
  map.add("", "a").first = 5;
  EXPECT_EQ(map.size(), 5U);
  EXPECT_EQ(*map.find("a", "bc"), 1);
  EXPECT_EQ(*map.find("ab", "c"), 2);
  EXPECT_EQ(*map.find("c", "ab"), 3);
  EXPECT_EQ(*map.find("a", ""), 4);
  EXPECT_EQ(*map.find("", "a"), 5);
}

TEST(PlaceMap, KeepsValuesWhereTheyAreWhileItGrows) {
  PlaceMap<int> map;
  int& first = map.add("pool", "first").first;
  for (int i = 0; i < 1000; ++i) map.add("pool", std::to_string(i)).first = i;
  EXPECT_EQ(map.find("pool", "first"), &first);
  map.erase_if(
      [](const Place& place, int value) { return place.second != "first" && value % 2 == 1; });
  EXPECT_EQ(map.size(), 501U);
  EXPECT_EQ(map.find("pool", "first"), &first);
  EXPECT_FALSE(map.contains("pool", "7"));
  EXPECT_TRUE(map.contains("pool", "8"));
}

TEST(PlaceSet, SortsByPoolThenAddressAndFindsByViews) {
  PlaceSet set{{"b", "1"}, {"a", "2"}, {"a", "1"}, {"a", ""}};
  const std::vector<Place> sorted(set.begin(), set.end());
  const std::vector<Place> wanted{{"a", ""}, {"a", "1"}, {"a", "2"}, {"b", "1"}};
  EXPECT_EQ(sorted, wanted);
  EXPECT_TRUE(set.contains(PlaceView{"a", ""}));
  EXPECT_FALSE(set.contains(PlaceView{"b", ""}));
}

}  // namespace
}  // namespace sluice::proxy
