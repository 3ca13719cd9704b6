#include "tests/proxy/admin_dispatch.hpp"

namespace sluice::proxy {
namespace {

class AdminReads : public AdminDispatch {};

TEST_F(AdminReads, StatusShowsEverything) {
  const AdminReply reply = ask("GET", "/v1/status");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_EQ(
      reply.body,
      R"({"version":"9.9.9","pid":0,"started":"2024-05-01T12:00:00.250Z","uptime_ms":61000,"generation":4,)"
      R"("workers":2,"ready":true,"reason":"",)"
      R"("settings":{"record":3,"hash":"00ff","since":"2024-05-01T12:00:00.000Z","by":"carol",)"
      R"("file_differs":true,"confirm_by":null},"decider":{"is_self":true,"held_by":"","problem":""},)"
      R"("predecessor":null,"listeners":[{"listener":"0.0.0.0:8080","active":1,"idle":2,"upgraded":3,"accepted":4}],)"
      R"("routes":[{"name":"shop","host":"shop.example.com","path":"/","revision":7,"overridden":true,)"
      R"("split":[{"pool":"shop-v1","configured":100,"in_force":90},)"
      R"({"pool":"shop-v2","configured":0,"in_force":12.5}],)"
      R"("since":{"at":"2024-05-01T12:00:00.000Z","by":"alice"}}],)"
      R"("pools":[{"name":"shop-v1","balance":"least_request","overridden":false,)"
      R"("backends":[{"address":"127.0.0.1:9001","weight":1,"health":"up","last_check":"",)"
      R"("drain":"none","in_flight":5,"upgraded":0,"open":0,"idle":0,"requests":0,"failures":0}]}]})"
      "\n");
}

TEST_F(AdminReads, StatusShowsTheProcessAndTheOneBeforeIt) {
  control.state.pid = 4712;
  control.state.predecessor = {4711, "9.9.8", 12};
  const AdminReply reply = ask("GET", "/v1/status");
  EXPECT_TRUE(says(reply, R"("version":"9.9.9","pid":4712,)")) << reply.body;
  EXPECT_TRUE(says(reply, R"("predecessor":{"pid":4711,"version":"9.9.8","connections":12},)"))
      << reply.body;
}

TEST_F(AdminReads, RouteCarriesItsRevisionAsEntityTag) {
  const AdminReply reply = ask("GET", "/v1/routes/shop");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(field(reply, "ETag"), "\"7\"");
  EXPECT_TRUE(says(reply, R"("revision":7)"));
}

TEST_F(AdminReads, RouteThatTheCallerHasIsNotSentAgain) {
  for (const std::string tag : {"\"7\"", "W/\"7\"", "\"1\", \"7\"", "*"}) {
    const AdminReply reply = ask("GET", "/v1/routes/shop", "", {{"If-None-Match", tag}});
    EXPECT_EQ(reply.status, 304U) << tag;
    EXPECT_EQ(reply.body, "");
    EXPECT_EQ(field(reply, "ETag"), "\"7\"");
  }
  EXPECT_EQ(ask("GET", "/v1/routes/shop", "", {{"If-None-Match", "\"6\""}}).status, 200U);
}

TEST_F(AdminReads, RoutesAndPoolsAreListed) {
  EXPECT_TRUE(ask("GET", "/v1/routes").body.starts_with(R"({"routes":[{"name":"shop")"));
  EXPECT_TRUE(ask("GET", "/v1/pools").body.starts_with(R"({"pools":[{"name":"shop-v1")"));
  EXPECT_TRUE(ask("GET", "/v1/pools/shop-v1").body.starts_with(R"({"name":"shop-v1")"));
}

TEST_F(AdminReads, UnknownNamesAreNotFound) {
  for (const std::string path : {"/v1/routes/shoe", "/v1/pools/shoe"}) {
    const AdminReply reply = ask("GET", path);
    EXPECT_EQ(reply.status, 404U);
    EXPECT_EQ(reply.content_type, "application/problem+json");
    EXPECT_TRUE(says(reply, R"("title":"Not Found","status":404,"detail":"There is no )"))
        << reply.body;
  }
}

TEST_F(AdminReads, UnknownPathsAreNotFound) {
  for (const std::string path : {"/v2/status", "/v1", "/v1/routes/", "/v1/routes/shop/",
                                 "/v1/pools//drain", "/v1/status/x"}) {
    const AdminReply reply = ask("GET", path);
    EXPECT_EQ(reply.status, 404U) << path;
    EXPECT_TRUE(says(reply, "GET / lists all calls")) << path;
  }
}

TEST_F(AdminReads, WrongMethodNamesTheRightOnes) {
  const AdminReply status = ask("POST", "/v1/status");
  EXPECT_EQ(status.status, 405U);
  EXPECT_EQ(field(status, "Allow"), "GET, HEAD");
  EXPECT_EQ(field(ask("GET", "/v1/pools/p/backends"), "Allow"), "PUT, POST");
  EXPECT_EQ(field(ask("GET", "/v1/routes/shop/split"), "Allow"), "PUT");
  EXPECT_TRUE(control.calls.empty());
}

TEST_F(AdminReads, MalformedTargetsAreRefused) {
  for (const std::string target : {"/v1/routes/%", "/v1/routes/%4", "/v1/routes/%zz", "*", ""})
    EXPECT_EQ(ask("GET", target).status, 400U) << target;
}

TEST_F(AdminReads, UnknownQueryParameterIsNamed) {
  const AdminReply reply = ask("GET", "/v1/status?verbose=1");
  EXPECT_EQ(reply.status, 422U);
  EXPECT_TRUE(says(reply, R"(no query parameter \"verbose\")"));
}

TEST_F(AdminReads, HeadIsAnsweredLikeGet) {
  EXPECT_EQ(ask("HEAD", "/v1/status").body, ask("GET", "/v1/status").body);
}

TEST_F(AdminReads, ReadinessFollowsControl) {
  EXPECT_EQ(ask("GET", "/livez").body, "ok\n");
  EXPECT_EQ(ask("GET", "/readyz").status, 200U);
  control.state.readiness = {false, "lame duck"};
  const AdminReply reply = ask("GET", "/readyz");
  EXPECT_EQ(reply.status, 503U);
  EXPECT_TRUE(says(reply, "lame duck"));
  EXPECT_EQ(ask("GET", "/livez").status, 200U);
}

TEST_F(AdminReads, MetricsAreRenderedFromASnapshot) {
  options.render_metrics = [](const Snapshot& snapshot) {
    return "sluice_config_generation " + std::to_string(snapshot.generation) + "\n";
  };
  const AdminReply reply = ask("GET", "/metrics");
  EXPECT_EQ(reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(reply.body, "sluice_config_generation 4\n");
}

TEST_F(AdminReads, WhatControlDeniesIsPassedOn) {
  control.deny = Denial{503, "Stopping", "The proxy stops; ask its successor."};
  for (const std::string path : {"/v1/status", "/v1/pools", "/v1/pools/shop-v1", "/metrics"}) {
    const AdminReply reply = ask("GET", path);
    EXPECT_EQ(reply.status, 503U) << path;
    EXPECT_EQ(reply.body, R"({"type":"about:blank","title":"Stopping","status":503,)"
                          R"("detail":"The proxy stops; ask its successor."})"
                          "\n");
  }
}

TEST_F(AdminReads, IndexListsEveryCall) {
  const AdminReply reply = ask("GET", "/");
  for (const AdminRoute& route : admin_route_table())
    EXPECT_TRUE(says(reply, "\"path\":\"" + std::string(route.path) + "\"")) << route.path;
}

TEST_F(AdminReads, EventsTakeTheirStartFromFieldOrQuery) {
  EXPECT_FALSE(ask("GET", "/v1/events").events->after.has_value());
  EXPECT_EQ(ask("GET", "/v1/events?last_event_id=5").events->after, 5U);
  EXPECT_EQ(ask("GET", "/v1/events?last_event_id=5", "", {{"last-event-id", "9"}}).events->after,
            9U);
  EXPECT_EQ(ask("GET", "/v1/events", "", {{"Last-Event-ID", "x"}}).status, 400U);
  const AdminReply typed = ask("GET", "/v1/events?types=split,drain");
  EXPECT_EQ(typed.content_type, "text/event-stream");
  EXPECT_EQ(typed.events->types, (std::vector<std::string>{"split", "drain"}));
}

}  // namespace
}  // namespace sluice::proxy
