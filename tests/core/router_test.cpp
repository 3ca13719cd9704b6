#include "core/router.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace sluice::core {
namespace {

using Random = std::mt19937_64;

RouteSettings route(std::string host, std::string path, std::string name = "r") {
  RouteSettings out;
  out.name = std::move(name);
  out.host = std::move(host);
  out.path = std::move(path);
  return out;
}

RequestHead head(std::string_view authority, std::string_view path,
                 std::string_view method = "GET") {
  RequestHead out;
  out.method = method;
  out.authority = authority;
  out.path = path;
  return out;
}

/// The index of the route that serves a GET.
std::optional<std::uint32_t> match(const std::vector<RouteSettings>& routes,
                                   std::string_view authority, std::string_view path) {
  return Router(routes).match(head(authority, path));
}

TEST(RouterHostTest, ExactBeforeWildcardBeforeAny) {
  const std::vector<RouteSettings> routes = {route("", "/"), route("*.example.com", "/"),
                                             route("*.shop.example.com", "/"),
                                             route("a.shop.example.com", "/")};
  EXPECT_EQ(match(routes, "a.shop.example.com", "/"), 3U);
  EXPECT_EQ(match(routes, "b.shop.example.com", "/"), 2U);
  EXPECT_EQ(match(routes, "x.b.shop.example.com", "/"), 2U);
  EXPECT_EQ(match(routes, "shop.example.com", "/"), 1U);
  EXPECT_EQ(match(routes, "example.com", "/"), 0U);
  EXPECT_EQ(match(routes, "", "/"), 0U);
}

TEST(RouterHostTest, AWildcardNeedsAWholeLabelInItsPlace) {
  const std::vector<RouteSettings> routes = {route("*.example.com", "/")};
  EXPECT_EQ(match(routes, "a.example.com", "/"), 0U);
  EXPECT_EQ(match(routes, "example.com", "/"), std::nullopt);
  EXPECT_EQ(match(routes, ".example.com", "/"), std::nullopt);
  EXPECT_EQ(match(routes, "badexample.com", "/"), std::nullopt);
}

TEST(RouterHostTest, CasePortAndClosingDotDoNotMatter) {
  const std::vector<RouteSettings> routes = {route("Shop.Example.com.", "/"),
                                             route("*.Example.org", "/"), route("[::1]", "/"),
                                             route("127.0.0.1", "/")};
  EXPECT_EQ(match(routes, "sHOP.example.COM", "/"), 0U);
  EXPECT_EQ(match(routes, "shop.example.com:8080", "/"), 0U);
  EXPECT_EQ(match(routes, "shop.example.com.:8080", "/"), 0U);
  EXPECT_EQ(match(routes, "A.EXAMPLE.ORG.", "/"), 1U);
  EXPECT_EQ(match(routes, "[::1]:80", "/"), 2U);
  EXPECT_EQ(match(routes, "[::1]", "/"), 2U);
  EXPECT_EQ(match(routes, "127.0.0.1:80", "/"), 3U);
  EXPECT_EQ(match(routes, "shop.example.com..", "/"), std::nullopt);
}

TEST(RouterHostTest, AnOverlongHostMatchesOnlyRoutesForAny) {
  const std::string host = std::string(20'000, '.') + "a.example.com";
  EXPECT_EQ(match({route("*.example.com", "/")}, host, "/"), std::nullopt);
  EXPECT_EQ(match({route("*.example.com", "/"), route("", "/")}, host, "/"), 1U);
}

TEST(RouterPathTest, APrefixEndsOnABorderOfSegments) {
  const std::vector<RouteSettings> routes = {route("", "/a")};
  EXPECT_EQ(match(routes, "h", "/a"), 0U);
  EXPECT_EQ(match(routes, "h", "/a/"), 0U);
  EXPECT_EQ(match(routes, "h", "/a/b"), 0U);
  EXPECT_EQ(match(routes, "h", "/a?x=/b"), 0U);
  EXPECT_EQ(match(routes, "h", "/ab"), std::nullopt);
  EXPECT_EQ(match(routes, "h", "/A"), std::nullopt);
  EXPECT_EQ(match(routes, "h", "/"), std::nullopt);
}

TEST(RouterPathTest, AClosingSlashWantsWhatIsBelow) {
  const std::vector<RouteSettings> routes = {route("", "/a/")};
  EXPECT_EQ(match(routes, "h", "/a/"), 0U);
  EXPECT_EQ(match(routes, "h", "/a/b"), 0U);
  EXPECT_EQ(match(routes, "h", "/a"), std::nullopt);
}

TEST(RouterPathTest, TheLongestPathWinsWhateverTheOrder) {
  std::vector<RouteSettings> routes = {route("", "/"), route("", "/a/b/c"), route("", "/a"),
                                       route("", "/a/b")};
  EXPECT_EQ(match(routes, "h", "/a/b/c/d"), 1U);
  EXPECT_EQ(match(routes, "h", "/a/b/d"), 3U);
  EXPECT_EQ(match(routes, "h", "/a/x"), 2U);
  EXPECT_EQ(match(routes, "h", "/x"), 0U);
  std::reverse(routes.begin(), routes.end());
  EXPECT_EQ(match(routes, "h", "/a/b/c/d"), 2U);
}

TEST(RouterPathTest, TheQueryDoesNotCount) {
  const std::vector<RouteSettings> routes = {route("", "/"), route("", "/a/b")};
  EXPECT_EQ(match(routes, "h", "/a?/b"), 0U);
  EXPECT_EQ(match(routes, "h", "/a/b?x"), 1U);
}

TEST(RouterPathTest, TheAsteriskMatchesOnlyTheRoot) {
  EXPECT_EQ(match({route("", "/a"), route("", "/")}, "h", "*"), 1U);
  EXPECT_EQ(match({route("", "/a")}, "h", "*"), std::nullopt);
}

TEST(RouterPathTest, TheHostComesBeforeThePath) {
  EXPECT_EQ(match({route("", "/a/b"), route("h", "/a")}, "h", "/a/b"), 1U);
}

TEST(RouterPathTest, AWiderHostServesPathsThatTheExactOneLacks) {
  const std::vector<RouteSettings> routes = {route("a.h", "/a"), route("*.h", "/b"),
                                             route("", "/c")};
  EXPECT_EQ(match(routes, "a.h", "/a"), 0U);
  EXPECT_EQ(match(routes, "a.h", "/b"), 1U);
  EXPECT_EQ(match(routes, "a.h", "/c"), 2U);
  EXPECT_EQ(match(routes, "a.h", "/d"), std::nullopt);
}

TEST(RouterConditionTest, TheMostConditionsWin) {
  std::vector<RouteSettings> routes(3, route("", "/"));
  routes[1].methods = {"GET", "HEAD"};
  routes[2].methods = {"GET"};
  routes[2].fields = {{"X-Beta", "1"}};
  const Router router(routes);
  RequestHead request = head("h", "/");
  EXPECT_EQ(router.match(request), 1U);
  request.fields = {{"x-beta", "1"}};
  EXPECT_EQ(router.match(request), 2U);
  request.fields = {{"x-beta", "0"}, {"X-BETA", "1"}};
  EXPECT_EQ(router.match(request), 2U);
  request.fields = {{"x-beta", "11"}};
  EXPECT_EQ(router.match(request), 1U);
  request.method = "get";
  EXPECT_EQ(router.match(request), 0U);
}

TEST(RouterConditionTest, EveryFieldMustHold) {
  RouteSettings strict = route("", "/");
  strict.fields = {{"A", "1"}, {"B", "2"}};
  const Router router(std::vector<RouteSettings>{strict});
  RequestHead request = head("h", "/");
  request.fields = {{"A", "1"}};
  EXPECT_EQ(router.match(request), std::nullopt);
  request.fields.push_back({"b", "2"});
  EXPECT_EQ(router.match(request), 0U);
}

TEST(RouterConditionTest, FallsBackToAShorterPathAndAWiderHost) {
  std::vector<RouteSettings> routes = {route("a.h", "/x/y"), route("a.h", "/x"), route("*.h", "/"),
                                       route("", "/")};
  routes[0].methods = {"POST"};
  routes[1].methods = {"PUT", "POST"};
  routes[2].methods = {"DELETE"};
  const Router router(routes);
  EXPECT_EQ(router.match(head("a.h", "/x/y", "POST")), 0U);
  EXPECT_EQ(router.match(head("a.h", "/x/y", "PUT")), 1U);
  EXPECT_EQ(router.match(head("a.h", "/x/y", "DELETE")), 2U);
  EXPECT_EQ(router.match(head("a.h", "/x/y", "GET")), 3U);
}

TEST(RouterConditionTest, TheNameDecidesBetweenEquals) {
  std::vector<RouteSettings> routes = {route("", "/", "b"), route("", "/", "a")};
  routes[0].methods = {"GET"};
  routes[1].methods = {"GET", "PUT"};
  EXPECT_EQ(match(routes, "h", "/"), 1U);
}

TEST(RouterTest, WithoutRoutesNothingMatches) {
  EXPECT_EQ(match({}, "h", "/"), std::nullopt);
}

TEST(RouterTest, KeepsNothingOfTheSettings) {
  auto routes = std::make_unique<std::vector<RouteSettings>>();
  routes->push_back(route("shop.example.com", "/a/quite/long/path/that/needs/memory"));
  const Router router(*routes);
  routes.reset();
  EXPECT_EQ(router.match(head("shop.example.com", "/a/quite/long/path/that/needs/memory/x")), 0U);
}

/// Whether a route holds, as a second implementation without an index says.
bool reference_holds(const RouteSettings& r, std::string host, const RequestHead& request) {
  if (host.ends_with('.')) host.pop_back();
  for (char& c : host) c = static_cast<char>(std::tolower(c));
  const std::string path(request.path.substr(0, request.path.find('?')));
  const bool host_holds = r.host.empty() || r.host == host ||
                          (r.host.starts_with("*.") && host.ends_with(r.host.substr(1)) &&
                           host.size() >= r.host.size());
  const bool path_holds =
      path == r.path || path.starts_with(r.path.ends_with('/') ? r.path : r.path + '/');
  const bool method_holds =
      r.methods.empty() || std::count(r.methods.begin(), r.methods.end(), request.method) > 0;
  return host_holds && path_holds && method_holds &&
         std::all_of(r.fields.begin(), r.fields.end(), [&](const FieldMatchSettings& wanted) {
           return std::any_of(request.fields.begin(), request.fields.end(), [&](const Field& f) {
             return f.name == wanted.name && f.value == wanted.value;
           });
         });
}

std::optional<std::uint32_t> reference_match(const std::vector<RouteSettings>& routes,
                                             const std::string& host, const RequestHead& request) {
  const auto rank = [&](std::uint32_t i) {
    const RouteSettings& r = routes[i];
    const int kind = r.host.empty() ? 2 : r.host.starts_with("*.") ? 1 : 0;
    const std::size_t conditions = r.fields.size() + (r.methods.empty() ? 0 : 1);
    return std::tuple(kind, -static_cast<long>(r.host.size()), -static_cast<long>(r.path.size()),
                      -static_cast<long>(conditions), r.name);
  };
  std::optional<std::uint32_t> best;
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    if (!reference_holds(routes[i], host, request)) continue;
    if (!best || rank(i) < rank(*best)) best = i;
  }
  return best;
}

template <std::size_t N>
std::string pick(Random& random, const char* const (&options)[N]) {
  return options[random() % N];
}

RouteSettings random_route(Random& random, std::size_t index) {
  RouteSettings out =
      route(pick(random, {"", "h", "a.h", "b.h", "x.a.h", "*.h", "*.a.h", "*.x.a.h"}),
            pick(random, {"/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/b", "/b/"}),
            "r" + std::to_string(index));
  if (random() % 3 == 0) out.methods.push_back(pick(random, {"GET", "PUT"}));
  if (random() % 4 == 0) out.methods.push_back(pick(random, {"POST", "PUT"}));
  if (random() % 4 == 0) out.fields.push_back({"X", pick(random, {"1", "2"})});
  if (random() % 4 == 0) out.fields.push_back({"Y", pick(random, {"1", "2"})});
  return out;
}

TEST(RouterReferenceTest, AgreesWithTryingEveryRoute) {
  Random random(1);
  int found = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<RouteSettings> routes;
    const std::size_t count = 1 + random() % 40;
    for (std::size_t i = 0; i < count; ++i) routes.push_back(random_route(random, i));
    std::shuffle(routes.begin(), routes.end(), random);
    const Router router(routes);
    for (int i = 0; i < 100; ++i) {
      const std::string host =
          pick(random, {"h", "H", "a.h", "b.h.", "x.a.h", "y.x.a.h", "c.b.h", "ah", "", "g"});
      const std::string authority = host + (random() % 2 == 0 ? ":81" : "");
      const std::string path = pick(random, {"/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c/d", "/ab",
                                             "/ab/c", "/b", "/b?/", "/b/x?y=/a", "/c", "//a"});
      const std::string method = pick(random, {"GET", "PUT", "POST"});
      RequestHead request = head(authority, path, method);
      const std::string x = pick(random, {"1", "2", "3"});
      const std::string y = pick(random, {"1", "2", "3"});
      request.fields = {{"X", x}, {"Y", y}};
      const auto expected = reference_match(routes, host, request);
      ASSERT_EQ(router.match(request), expected) << authority << ' ' << path << ' ' << round;
      found += expected ? 1 : 0;
    }
  }
  EXPECT_GT(found, 10'000);
}

TEST(RouterReferenceTest, FindsEachOfTenThousandRoutes) {
  std::vector<RouteSettings> routes;
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = std::to_string(i);
    routes.push_back(route(i % 2 == 0 ? "h" + std::to_string(i % 100) + ".example.com" : "",
                           "/service-" + name, name));
  }
  const Router router(routes);
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    const std::string authority = "h" + std::to_string(i % 100) + ".example.com:80";
    const std::string path = routes[i].path + "/x";
    ASSERT_EQ(router.match(head(authority, path)), i);
    // Those that are not there have the lengths of those that are.
    ASSERT_EQ(router.match(head(authority, "/sERvice-" + routes[i].name)), std::nullopt);
  }
}

}  // namespace
}  // namespace sluice::core
