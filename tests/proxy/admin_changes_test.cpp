#include "tests/proxy/admin_dispatch.hpp"

namespace sluice::proxy {
namespace {

class AdminChanges : public AdminDispatch {
 protected:
  AdminReply split(const std::string& body, Fields fields = {}) {
    return ask("PUT", "/v1/routes/shop/split", body, std::move(fields));
  }
};

TEST_F(AdminChanges, SplitPassesExactWeightsInOrder) {
  const AdminReply reply = split(R"({"weights":{"shop-v1":87.5,"shop-v2":12.34,"shop-v0":1e1}})");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(field(reply, "ETag"), "\"8\"");
  EXPECT_EQ(control.weights,
            (std::vector<ShareSettings>{{"shop-v1", 8750}, {"shop-v2", 1234}, {"shop-v0", 1000}}));
  EXPECT_EQ(control.if_match, std::nullopt);
}

TEST_F(AdminChanges, SplitWithTooManyDecimalsIsRefusedByName) {
  const AdminReply reply = split(R"({"weights":{"shop-v1":87,"shop-v2":12.345}})");
  EXPECT_EQ(reply.status, 422U);
  EXPECT_TRUE(says(reply, "weights.shop-v2 must be a number")) << reply.body;
  EXPECT_TRUE(control.calls.empty());
}

TEST_F(AdminChanges, UnacceptableSplitsNeverReachControl) {
  const std::pair<std::string, std::string> cases[] = {
      {R"([])", "The body is an array"},
      {R"({})", R"(\"weights\" is missing)"},
      {R"({"weights":[1]})", R"(\"weights\" is an array)"},
      {R"({"weights":{}})", "add up to 0"},
      {R"({"weights":{"a":0,"b":0.00}})", "add up to 0"},
      {R"({"weights":{"a":-1}})", "weights.a must be"},
      {R"({"weights":{"a":1000000.01}})", "weights.a must be"},
      {R"({"weights":{"a":"90"}})", "weights.a is a string"},
      {R"({"weights":{"a":null}})", "weights.a is null"},
      {R"({"weigths":{"a":1}})", R"(no member \"weigths\"; allowed: weights)"},
  };
  for (const auto& [body, detail] : cases) {
    const AdminReply reply = split(body);
    EXPECT_EQ(reply.status, 422U) << body;
    EXPECT_TRUE(says(reply, detail)) << body << " -> " << reply.body;
  }
  EXPECT_TRUE(control.calls.empty());
}

TEST_F(AdminChanges, BrokenJsonIsRefusedWithItsPlace) {
  const AdminReply reply = split("{\"weights\":\n  {\"a\":1,}}");
  EXPECT_EQ(reply.status, 400U);
  EXPECT_TRUE(says(reply, "line 2, column ")) << reply.body;
  EXPECT_EQ(split("").status, 400U);
  EXPECT_EQ(split(R"({"weights":{"a":1}} x)").status, 400U);
  EXPECT_EQ(split(R"({"weights":{"a":1})").status, 400U);
  EXPECT_EQ(split(std::string(100'000, '[')).status, 400U);
}

TEST_F(AdminChanges, IfMatchOfTheRevisionInForceIsPassedOn) {
  const std::string body = R"({"weights":{"a":1}})";
  EXPECT_EQ(split(body, {{"If-Match", "\"3\", \"7\""}}).status, 200U);
  EXPECT_EQ(control.if_match, 7U);
  EXPECT_EQ(split(body, {{"If-Match", "*"}}).status, 200U);
  EXPECT_EQ(control.if_match, std::nullopt);
}

TEST_F(AdminChanges, IfMatchOfAnotherRevisionFailsAndNamesTheOneInForce) {
  const std::string body = R"({"weights":{"a":1}})";
  for (const std::string tag : {"\"6\"", "W/\"7\"", "\"7a\"", "\"07\""}) {
    const AdminReply reply = split(body, {{"If-Match", tag}});
    EXPECT_EQ(reply.status, 412U) << tag;
    EXPECT_TRUE(says(reply, "revision 7")) << reply.body;
  }
  EXPECT_EQ(split(body, {{"If-Match", "7"}}).status, 400U);
  EXPECT_EQ(split(body, {{"If-Match", "\"7"}}).status, 400U);
  EXPECT_TRUE(control.calls.empty());
}

TEST_F(AdminChanges, RevisionThatChangedMeanwhileIsRefusedByControl) {
  control.deny = Denial{412, "", "Somebody was faster."};
  EXPECT_EQ(split(R"({"weights":{"a":1}})", {{"If-Match", "\"7\""}}).status, 412U);
}

TEST_F(AdminChanges, SplitOfAnUnknownRouteIsNotFound) {
  EXPECT_EQ(ask("PUT", "/v1/routes/shoe/split", R"({"weights":{"a":1}})").status, 404U);
}

TEST_F(AdminChanges, ActorComesFromItsFieldCleaned) {
  const std::string body = R"({"weights":{"a":1}})";
  split(body, {});
  EXPECT_EQ(control.actor.who, "admin");
  EXPECT_EQ(control.actor.from, "127.0.0.1:40000");
  split(body, {{"X-Sluice-Actor", "bob \"the\\ \x01\xff builder "}});
  EXPECT_EQ(control.actor.who, "bob the  builder");
  split(body, {{"X-Sluice-Actor", std::string(500, 'x')}});
  EXPECT_EQ(control.actor.who, std::string(64, 'x'));
  split(body, {{"X-Sluice-Actor", "\x01"}});
  EXPECT_EQ(control.actor.who, "admin");
}

TEST_F(AdminChanges, DrainOfAPoolTakesDeadlineAndWait) {
  control.drain_result = {"", "", DrainState::draining, false, 3, 1, 4, 0};
  const AdminReply reply =
      ask("POST", "/v1/pools/shop-v1/drain", R"({"deadline":"30s","wait":true})");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.body,
            R"({"pool":"shop-v1","backend":null,"state":"draining","deadline_passed":false,)"
            R"("in_flight":3,"upgraded":1,"open":4,"cut":0})"
            "\n");
  EXPECT_EQ(control.order.backend, "");
  EXPECT_EQ(control.order.deadline, milliseconds(30'000));
  EXPECT_TRUE(control.order.wait);
}

TEST_F(AdminChanges, DrainOfABackendDecodesItsAddress) {
  ask("POST", "/v1/pools/shop-v1/backends/127.0.0.1:9001/drain");
  EXPECT_EQ(control.order.backend, "127.0.0.1:9001");
  EXPECT_EQ(control.order.deadline, std::nullopt);
  EXPECT_FALSE(control.order.wait);
  ask("POST", "/v1/pools/shop-v1/backends/%5B::1%5D%3a80/drain");
  EXPECT_EQ(control.order.backend, "[::1]:80");
  ask("POST", "/v1/pools/shop-v1/backends/unix:%2Frun%2Fapp.sock/drain?wait=true&deadline=250ms");
  EXPECT_EQ(control.order.backend, "unix:/run/app.sock");
  EXPECT_EQ(control.order.deadline, milliseconds(250));
  EXPECT_TRUE(control.order.wait);
}

TEST_F(AdminChanges, UnacceptableDrainWishesAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"deadline":30})", R"(\"deadline\" is a number)"},
      {R"({"deadline":"30"})", R"(\"deadline\" is \"30\")"},
      {R"({"deadline":"1.5s"})", R"(\"deadline\" is \"1.5s\")"},
      {R"({"deadline":"99999999999999999999h"})", R"(\"deadline\" is )"},
      {R"({"wait":"yes"})", R"(\"wait\" is a string)"},
      {R"({"dead_line":"30s"})", R"(\"dead_line\"; allowed: deadline, wait)"},
      {R"("30s")", "The body is a string"},
  };
  for (const auto& [body, detail] : cases) {
    const AdminReply reply = ask("POST", "/v1/pools/shop-v1/drain", body);
    EXPECT_EQ(reply.status, 422U) << body;
    EXPECT_TRUE(says(reply, detail)) << body << " -> " << reply.body;
  }
  EXPECT_EQ(ask("POST", "/v1/pools/p/drain?deadline=1s", R"({"deadline":"2s"})").status, 422U);
  EXPECT_EQ(ask("POST", "/v1/pools/p/drain?wait=perhaps").status, 422U);
  EXPECT_EQ(ask("POST", "/v1/pools/p/drain?force=1").status, 422U);
  EXPECT_TRUE(control.calls.empty());
}

TEST_F(AdminChanges, UndrainNamesPoolOrBackend) {
  EXPECT_EQ(ask("POST", "/v1/pools/shop-v1/undrain").status, 200U);
  EXPECT_EQ(control.order.backend, "");
  EXPECT_EQ(ask("POST", "/v1/pools/shop-v1/backends/a:1/undrain", "{}").status, 200U);
  EXPECT_EQ(control.order.backend, "a:1");
  EXPECT_EQ(ask("POST", "/v1/pools/shop-v1/undrain", R"({"now":true})").status, 422U);
}

TEST_F(AdminChanges, BackendsAreReplaced) {
  const AdminReply reply = ask("PUT", "/v1/pools/shop-v1/backends",
                               R"({"backends":["a:1",{"address":"b:2","weight":2.5}]})");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(control.backends, (std::vector<BackendSettings>{{"a:1", 100}, {"b:2", 250}}));
  EXPECT_EQ(control.calls.back(), "set_backends shop-v1");
}

TEST_F(AdminChanges, OneBackendIsAdded) {
  EXPECT_EQ(ask("POST", "/v1/pools/shop-v1/backends", R"({"address":"b:2","weight":3})").status,
            200U);
  EXPECT_EQ(control.backends, (std::vector<BackendSettings>{{"b:2", 300}}));
  EXPECT_EQ(ask("POST", "/v1/pools/shop-v1/backends", R"("c:3")").status, 200U);
  EXPECT_EQ(control.backends, (std::vector<BackendSettings>{{"c:3", 100}}));
}

TEST_F(AdminChanges, UnacceptableBackendsAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"backends":[7]})", "backends[0] is a number"},
      {R"({"backends":["a:1",{"weight":2}]})", R"(backends[1] has no \"address\")"},
      {R"({"backends":[{"address":1}]})", "backends[0].address is a number"},
      {R"({"backends":[{"address":"a:1","wieght":1}]})", R"(\"wieght\"; allowed: address, weight)"},
      {R"({"backends":[{"address":"a:1","weight":0}]})", "backends[0].weight must be above 0"},
      {R"({"backends":[""]})", "backends[0] has an empty address"},
      {R"({"backends":"a:1"})", R"(\"backends\" is a string)"},
      {R"({})", R"(\"backends\" is missing)"},
  };
  for (const auto& [body, detail] : cases) {
    const AdminReply reply = ask("PUT", "/v1/pools/shop-v1/backends", body);
    EXPECT_EQ(reply.status, 422U) << body;
    EXPECT_TRUE(says(reply, detail)) << body << " -> " << reply.body;
  }
  EXPECT_TRUE(control.calls.empty());
}

TEST_F(AdminChanges, RemovalDrainsFirst) {
  control.drain_result.state = DrainState::drained;
  const AdminReply reply =
      ask("DELETE", "/v1/pools/shop-v1/backends/127.0.0.1:9001?deadline=1m", R"({"wait":true})");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_TRUE(says(reply, R"("backend":"127.0.0.1:9001","state":"drained")"));
  EXPECT_EQ(control.calls.back(), "remove_backend shop-v1");
  EXPECT_EQ(control.order.deadline, milliseconds(60'000));
  EXPECT_TRUE(control.order.wait);
}

}  // namespace
}  // namespace sluice::proxy
