#include <gtest/gtest.h>

#include <string_view>

#include "core/choice.hpp"

namespace sluice::core {
namespace {

RequestHead head_with(std::initializer_list<Field> fields) {
  RequestHead head;
  head.method = "GET";
  for (Field field : fields) {
    field.id = field_id(field.name);
    head.fields.push_back(field);
  }
  return head;
}

RoutePlan sticky_by(StickyKind kind, std::string name = {}) {
  RoutePlan route;
  route.steers = true;
  route.settings.sticky = {kind, std::move(name)};
  route.salt = 99;
  return route;
}

RoutePlan forced_by(std::vector<ForceRule> rules) {
  RoutePlan route;
  route.steers = true;
  route.force = std::move(rules);
  return route;
}

TEST(SteerTest, ARouteWithoutRulesSteersNothing) {
  const Steering steering = steer(RoutePlan{}, head_with({{"Cookie", "a=b", {}}}), "192.0.2.1");
  EXPECT_FALSE(steering.forced);
  EXPECT_FALSE(steering.unit);
  EXPECT_FALSE(steering.needs_cookie);
}

TEST(SteerTest, AForceRuleNeedsExactlyItsValue) {
  const RoutePlan route = forced_by({{false, "X-Release", "new", 1}});
  EXPECT_EQ(steer(route, head_with({{"x-release", "new", {}}}), "").forced, 1U);
  EXPECT_FALSE(steer(route, head_with({{"X-Release", "New", {}}}), "").forced);
  EXPECT_FALSE(steer(route, head_with({{"X-Release", "newer", {}}}), "").forced);
  EXPECT_FALSE(steer(route, head_with({{"X-Release", "", {}}}), "").forced);
  EXPECT_FALSE(steer(route, head_with({}), "").forced);
}

TEST(SteerTest, AForceRuleMayLookAtACookie) {
  const RoutePlan route = forced_by({{true, "release", "new", 1}});
  EXPECT_EQ(steer(route, head_with({{"Cookie", "a=1; release=new; b=2", {}}}), "").forced, 1U);
  EXPECT_FALSE(steer(route, head_with({{"release", "new", {}}}), "").forced);
  EXPECT_FALSE(steer(route, head_with({{"Cookie", "xrelease=new", {}}}), "").forced);
}

TEST(SteerTest, TheFirstForceRuleThatMatchesWins) {
  const RoutePlan route =
      forced_by({{false, "X-A", "1", 3}, {false, "X-B", "1", 1}, {false, "X-B", "1", 2}});
  EXPECT_EQ(steer(route, head_with({{"X-B", "1", {}}}), "").forced, 1U);
  EXPECT_EQ(steer(route, head_with({{"X-B", "1", {}}, {"X-A", "1", {}}}), "").forced, 3U);
}

TEST(SteerTest, ACookieIsTheUnitAndIsNotAskedForAgain) {
  const RoutePlan route = sticky_by(StickyKind::cookie, "sluice_shop");
  const Steering steering = steer(route, head_with({{"Cookie", "sluice_shop=abc", {}}}), "");
  EXPECT_EQ(steering.unit, sticky_hash(99, "abc"));
  EXPECT_FALSE(steering.needs_cookie);
}

TEST(SteerTest, AClientWithoutTheCookieNeedsOne) {
  const RoutePlan route = sticky_by(StickyKind::cookie, "sluice_shop");
  for (const std::string_view cookie : {"", "other=abc", "sluice_shop=", "sluice_shop"}) {
    const Steering steering = steer(route, head_with({{"Cookie", cookie, {}}}), "192.0.2.1");
    EXPECT_FALSE(steering.unit) << cookie;
    EXPECT_TRUE(steering.needs_cookie) << cookie;
  }
}

TEST(SteerTest, AnAssignedCookieGivesTheUnitThatItWillGiveWhenItComesBack) {
  const RoutePlan route = sticky_by(StickyKind::cookie, "sluice_shop");
  Steering first = steer(route, head_with({}), "");
  assign_unit(first, route.salt, "0123abcd");
  const Steering back = steer(route, head_with({{"Cookie", "sluice_shop=0123abcd", {}}}), "");
  EXPECT_EQ(first.unit, back.unit);
  EXPECT_TRUE(back.unit);
}

TEST(SteerTest, AFieldIsTheUnitAndWithoutItTheRequestIsDrawn) {
  const RoutePlan route = sticky_by(StickyKind::header, "X-User-Id");
  EXPECT_EQ(steer(route, head_with({{"x-user-id", "7", {}}}), "").unit, sticky_hash(99, "7"));
  const Steering without = steer(route, head_with({{"X-User", "7", {}}}), "192.0.2.1");
  EXPECT_FALSE(without.unit);
  EXPECT_FALSE(without.needs_cookie);
  EXPECT_FALSE(steer(route, head_with({{"X-User-Id", "", {}}}), "").unit);
}

TEST(SteerTest, TheAddressOfTheClientIsTheUnit) {
  const RoutePlan route = sticky_by(StickyKind::client_ip);
  EXPECT_EQ(steer(route, head_with({}), "192.0.2.1").unit, sticky_hash(99, "192.0.2.1"));
  EXPECT_NE(steer(route, head_with({}), "192.0.2.1").unit,
            steer(route, head_with({}), "192.0.2.2").unit);
}

TEST(SteerTest, AForcedRequestKeepsItsUnitForTheCaseThatItsPoolCannotServe) {
  RoutePlan route = sticky_by(StickyKind::header, "X-User-Id");
  route.force = {{false, "X-Release", "new", 1}};
  const Steering steering =
      steer(route, head_with({{"X-Release", "new", {}}, {"X-User-Id", "7", {}}}), "");
  EXPECT_EQ(steering.forced, 1U);
  EXPECT_EQ(steering.unit, sticky_hash(99, "7"));
}

TEST(SteerTest, TheSaltOfTheRouteDecidesWhoGoesFirst) {
  RoutePlan one = sticky_by(StickyKind::client_ip);
  RoutePlan other = one;
  other.salt = 100;
  EXPECT_NE(steer(one, head_with({}), "192.0.2.1").unit,
            steer(other, head_with({}), "192.0.2.1").unit);
}

}  // namespace
}  // namespace sluice::core
