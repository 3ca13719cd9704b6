#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sluice/problem.hpp"

namespace sluice {
namespace {

using Places = std::vector<std::string>;

Settings good_routes() {
  Settings settings;
  settings.listeners = {{"0.0.0.0:8080"}};
  settings.pools.resize(2);
  settings.pools[0].name = "v1";
  settings.pools[1].name = "v2";
  RouteSettings& route = settings.routes.emplace_back();
  route.name = "shop";
  route.split = {{"v1", 100}};
  return settings;
}

/// Where good_routes() has problems after `change` to its only route, in order.
template <class Change>
Places route_places_after(Change change) {
  Settings settings = good_routes();
  change(settings.routes[0]);
  Places places;
  for (const Problem& problem : validate(settings)) {
    EXPECT_TRUE(problem.what.ends_with('.')) << problem.where << ": " << problem.what;
    places.push_back(problem.where);
  }
  return places;
}

/// The problems of good_routes() after `change` to a copy of its route, which is added as "other".
template <class Change>
std::vector<Problem> problems_with_other(Change change) {
  Settings settings = good_routes();
  RouteSettings other = settings.routes[0];
  other.name = "other";
  change(settings.routes[0], other);
  settings.routes.push_back(other);
  return validate(settings);
}

TEST(ValidateRouteTest, NamesArePlainAndGivenOnce) {
  EXPECT_EQ(route_places_after([](RouteSettings& r) { r.name = "a b"; }), Places{"route.a b"});
  Settings settings = good_routes();
  settings.routes.push_back(settings.routes[0]);
  const auto problems = validate(settings);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].where, "route.shop");
}

TEST(ValidateRouteTest, HostsAreNamesWildcardsOrAddresses) {
  for (const char* host : {"", "shop.example.com", "Shop.Example.com.", "*.example.com", "*.com",
                           "localhost", "127.0.0.1", "[::1]", "a_b.internal"}) {
    EXPECT_EQ(route_places_after([&](RouteSettings& r) { r.host = host; }), Places{}) << host;
  }
  for (const char* host :
       {"*", "*.", "*example.com", "a.*.com", "*.*.com", "shop.example.com:80", "a b", "http://a",
        "a/b", "-a", "a..b", "[::1", "[127.0.0.1]", "1.2.3", "[::1]:80"}) {
    EXPECT_EQ(route_places_after([&](RouteSettings& r) { r.host = host; }),
              Places{"route.shop.host"})
        << host;
  }
}

TEST(ValidateRouteTest, PathsBeginWithASlashAndHaveNoQuery) {
  for (const char* path : {"/", "/a", "/a/", "/%20", "/a;b=c"}) {
    EXPECT_EQ(route_places_after([&](RouteSettings& r) { r.path = path; }), Places{}) << path;
  }
  for (const char* path : {"", "a", "*", "/a?b", "/a#b", "/a b", "/a\n", "/\xc3\xa4"}) {
    EXPECT_EQ(route_places_after([&](RouteSettings& r) { r.path = path; }),
              Places{"route.shop.path"})
        << path;
  }
}

TEST(ValidateRouteTest, ConditionsCanBeMet) {
  EXPECT_EQ(route_places_after([](RouteSettings& r) {
              r.methods = {"GET", "G T", ""};
              r.fields = {{"X-A", "1"}, {"X A", "1"}, {"X-B", " 1"}, {"X-C", "1\r\n"}, {"X-D", ""}};
            }),
            (Places{"route.shop.methods[1]", "route.shop.methods[2]", "route.shop.match[1].header",
                    "route.shop.match[2].value", "route.shop.match[3].value",
                    "route.shop.match[4].value"}));
}

TEST(ValidateSplitTest, NamesKnownPoolsOnce) {
  EXPECT_EQ(route_places_after([](RouteSettings& r) { r.split = {}; }), Places{"route.shop.split"});
  EXPECT_EQ(route_places_after([](RouteSettings& r) {
              r.split = {{"v1", 1}, {"v3", 1}};
            }),
            Places{"route.shop.split.v3"});
  EXPECT_EQ(route_places_after([](RouteSettings& r) {
              r.split = {{"v1", 1}, {"v1", 1}};
            }),
            Places{"route.shop.split.v1"});
}

TEST(ValidateSplitTest, WeighsSomething) {
  EXPECT_EQ(route_places_after([](RouteSettings& r) {
              r.split = {{"v1", 0}, {"v2", 0}};
            }),
            Places{"route.shop.split"});
  EXPECT_EQ(route_places_after([](RouteSettings& r) {
              r.split = {{"v1", 0}, {"v2", 1}};
            }),
            Places{});
}

TEST(ValidateSplitTest, BoundsWeights) {
  EXPECT_EQ(route_places_after([](RouteSettings& r) { r.split = {{"v1", weight_max}}; }), Places{});
  EXPECT_EQ(route_places_after([](RouteSettings& r) {
              r.split = {{"v1", weight_max + 1}};
            }),
            Places{"route.shop.split.v1"});
}

/// Problems of a route with `shares` pools in its split, and one more that is only forced.
std::vector<Problem> problems_with_pools(int shares) {
  Settings settings = good_routes();
  RouteSettings& route = settings.routes[0];
  route.split.clear();
  for (int i = 0; i < shares; ++i) {
    const std::string name = "p" + std::to_string(i);
    settings.pools.emplace_back().name = name;
    route.split.push_back({name, 1});
  }
  route.force = {{false, "X", "1", "v2"}, {false, "X", "2", "p0"}};
  return validate(settings);
}

TEST(ValidateSplitTest, BoundsThePoolsOfARouteWithTheForcedOnes) {
  EXPECT_TRUE(problems_with_pools(63).empty());
  const auto problems = problems_with_pools(64);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].where, "route.shop.split");
  EXPECT_EQ(problems[0].what, "Split and force rules name 65 pools; allowed are 64.");
}

TEST(ValidateStickyTest, NamesACookieOrField) {
  EXPECT_EQ(route_places_after([](RouteSettings& r) {
              r.sticky = {StickyKind::cookie, "a=b"};
            }),
            Places{"route.shop.sticky.cookie"});
  EXPECT_EQ(route_places_after([](RouteSettings& r) {
              r.sticky = {StickyKind::header, ""};
            }),
            Places{"route.shop.sticky.header"});
  EXPECT_EQ(route_places_after([](RouteSettings& r) {
              r.sticky = {StickyKind::client_ip, ""};
            }),
            Places{});
}

TEST(ValidateForceTest, NamesAMarkAndAKnownPool) {
  EXPECT_EQ(route_places_after([](RouteSettings& r) {
              r.force = {{false, "X-Release", "new", "v2"},
                         {false, "X Release", "new", "v2"},
                         {true, "a b", "new", "v2"},
                         {false, "X-Release", "", "v2"},
                         {false, "X-Release", "new", "v3"}};
            }),
            (Places{"route.shop.force[1].header", "route.shop.force[2].cookie",
                    "route.shop.force[3].value", "route.shop.force[4].pool"}));
}

TEST(ValidateDistinctRoutesTest, TwoMayNotMatchTheSameRequests) {
  const auto problems = problems_with_other([](RouteSettings& a, RouteSettings& b) {
    a.host = "Shop.example.com";
    b.host = "shop.example.com.";
    a.methods = {"GET", "PUT"};
    b.methods = {"PUT", "GET", "GET"};
    a.fields = {{"X-A", "1"}, {"X-B", "2"}};
    b.fields = {{"x-b", "2"}, {"x-a", "1"}};
  });
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].where, "route.other");
  EXPECT_NE(problems[0].what.find("route.shop"), std::string::npos);
}

TEST(ValidateDistinctRoutesTest, OneDifferenceIsEnough) {
  const auto differ = [](auto change) {
    return problems_with_other([&](RouteSettings&, RouteSettings& other) { change(other); })
        .empty();
  };
  EXPECT_FALSE(differ([](RouteSettings&) {}));
  EXPECT_TRUE(differ([](RouteSettings& r) { r.host = "a"; }));
  EXPECT_TRUE(differ([](RouteSettings& r) { r.path = "/a"; }));
  EXPECT_TRUE(differ([](RouteSettings& r) { r.methods = {"GET"}; }));
  EXPECT_TRUE(differ([](RouteSettings& r) { r.fields = {{"X", "1"}}; }));
}

TEST(ValidateDistinctRoutesTest, TenThousandRoutesAreFine) {
  Settings settings = good_routes();
  for (int i = 0; i < 10'000; ++i) {
    RouteSettings route = settings.routes[0];
    route.name = "r" + std::to_string(i);
    route.path = "/" + route.name;
    settings.routes.push_back(route);
  }
  EXPECT_TRUE(validate(settings).empty());
}

}  // namespace
}  // namespace sluice
