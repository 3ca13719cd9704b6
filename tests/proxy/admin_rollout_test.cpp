#include <limits>

#include "tests/proxy/admin_dispatch.hpp"
#include "tests/proxy/rollout_sample.hpp"

namespace sluice::proxy {
namespace {

const std::string path = "/v1/routes/shop/rollout";

class AdminRollout : public AdminDispatch {
 protected:
  AdminReply start(const std::string& body, Fields fields = {}) {
    return ask("POST", path, body, std::move(fields));
  }
  AdminReply steer(const std::string& verb, Fields fields = {}) {
    return ask("POST", path + "/" + verb, "", std::move(fields));
  }
};

TEST_F(AdminRollout, StatusShowsEverything) {
  control.rollouts = {sample_rollout()};
  const AdminReply reply = ask("GET", path);
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(field(reply, "ETag"), "\"9\"");
  EXPECT_EQ(reply.body,
            R"({"id":"build-42","route":"shop","state":"holding","mode":"act","reason":"errors",)"
            R"("words":"shop-v2 fails more often than shop-v1","step":2,"steps":5,)"
            R"("from":"shop-v1","to":"shop-v2","weights":{"shop-v1":94.5,"shop-v2":5.5},)"
            R"("evidence":{"total":24.5,"threshold":1000,"errors":52,"p99":0.5},)"
            R"("ratio_lower_bound":{"errors":2.5,"p99":0},)"
            R"("counts":{"old":{"requests":1102,"errors":1,"p99":11},)"
            R"("new":{"requests":58,"errors":3,"p99":1},"requests_step":40,"shielded":2,)"
            R"("bad_delivered":1,"mirrored":0,"mirror_differences":0},)"
            R"("started":{"at":"2024-05-01T12:00:00.000Z","by":"alice"},)"
            R"("since":"2024-05-01T12:00:30.250Z",)"
            R"("next":{"words":"goes on when what stands against it is over",)"
            R"("at":"2024-05-01T14:00:00.000Z"},"queued":null,"attempt":1,"revision":9})"
            "\n");
}

TEST_F(AdminRollout, WhatTheCallerHasIsNotSentAgain) {
  control.rollouts = {sample_rollout()};
  const AdminReply known = ask("GET", path, "", {{"If-None-Match", "\"9\""}});
  EXPECT_EQ(known.status, 304U);
  EXPECT_EQ(known.body, "");
  EXPECT_EQ(ask("GET", path, "", {{"If-None-Match", "\"8\""}}).status, 200U);
}

TEST_F(AdminRollout, UnknownRouteAndNoRolloutAreNotFound) {
  for (const std::string what : {"", "/explain"}) {
    EXPECT_EQ(ask("GET", path + what).status, 404U) << what;
    EXPECT_EQ(ask("GET", "/v1/routes/shoe/rollout" + what).status, 404U) << what;
  }
  EXPECT_EQ(ask("GET", path + "/history").body, "{\"rollouts\":[]}\n");
  EXPECT_EQ(ask("GET", "/v1/routes/shoe/rollout/history").status, 404U);
  EXPECT_EQ(ask("POST", "/v1/routes/shoe/rollout", R"({"to":"shop-v2"})").status, 404U);
  EXPECT_EQ(ask("POST", "/v1/routes/shoe/rollout/pause").status, 404U);
  EXPECT_TRUE(control.calls.empty());
}

TEST_F(AdminRollout, ExplanationHasSentencesAndNumbers) {
  control.rollouts = {sample_rollout()};
  const AdminReply reply = ask("GET", path + "/explain");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_TRUE(reply.body.starts_with(
      R"({"id":"build-42","route":"shop","state":"holding","reason":"errors","words":["build-42 )"))
      << reply.body;
  for (const std::string part : {
           R"("errors: shop-v2 failed 3 of 58 requests (5.2 %), shop-v1 1 of 1,102 (0.09 %))",
           R"("streams":[{"stream":"errors","old":{"requests":1102,"bad":1,"rate":0.0009)",
           R"(,"evidence":52,"threshold":1818.)",
           R"("ratio_lower_bound":2.5},{"stream":"p99")",
           R"("epochs":[{"weight":5.5,"old":{"errors":{"requests":1102,"bad":1,)",
           R"("p50":{"requests":0,"bad":0,"rate":null})",
           R"("backends":[{"backend":"127.0.0.1:9002","bad":{"errors":3,"p50":0,"p90":0,"p99":1,)",
           R"("decisions":[{"at":"2024-05-01T12:00:00.000Z","decision":"start",)",
           R"("next":{"words":"goes on )",
       })
    EXPECT_TRUE(says(reply, part)) << part << "\n" << reply.body;
}

TEST_F(AdminRollout, EvidenceBeyondAllBoundsStaysJson) {
  control.rollouts = {sample_rollout()};
  control.rollouts[0].evidence = std::numeric_limits<double>::max();
  EXPECT_TRUE(says(ask("GET", path), R"("total":1.7976931348623157e+308,)"));
  control.rollouts[0].evidence = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(says(ask("GET", path), R"("total":null,)"));
}

TEST_F(AdminRollout, HistoryHasWhatEndedWithItsDecisions) {
  RolloutStatus ended = sample_rollout();
  ended.id = "build-41";
  ended.state = RolloutState::rolled_back;
  control.rollouts = {sample_rollout(), ended};
  const AdminReply reply = ask("GET", path + "/history");
  EXPECT_TRUE(reply.body.starts_with(R"({"rollouts":[{"id":"build-41",)")) << reply.body;
  EXPECT_TRUE(says(reply, R"("decisions":[{"at":)"));
  EXPECT_FALSE(says(reply, "build-42"));
}

TEST_F(AdminRollout, StartOfANewReleaseIsCreated) {
  const AdminReply reply = start(R"({"to":"shop-v2","id":"build-42","from":"shop-v1"})",
                                 {{"If-Match", "\"7\""}, {"X-Sluice-Actor", "alice"}});
  EXPECT_EQ(reply.status, 201U);
  EXPECT_EQ(field(reply, "ETag"), "\"1\"");
  EXPECT_TRUE(says(reply, R"("id":"build-42","route":"shop","state":"staged")")) << reply.body;
  EXPECT_EQ(control.rollout_order.to, "shop-v2");
  EXPECT_EQ(control.rollout_order.from, "shop-v1");
  EXPECT_EQ(control.rollout_order.policy, std::nullopt);
  EXPECT_EQ(control.if_match, 7U);
  EXPECT_EQ(control.actor.who, "alice");
}

TEST_F(AdminRollout, SameReleaseAgainIsNotCreatedAndIgnoresTheSplitItChanged) {
  const std::string body = R"({"to":"shop-v2","id":"build-42"})";
  EXPECT_EQ(start(body, {{"If-Match", "\"7\""}}).status, 201U);
  control.state.routes[0].revision = 8;
  EXPECT_EQ(start(body, {{"If-Match", "\"7\""}}).status, 200U);
  EXPECT_EQ(control.if_match, std::nullopt);
}

TEST_F(AdminRollout, StartInsistsOnTheRevisionOfTheSplit) {
  const AdminReply reply = start(R"({"to":"shop-v2","id":"b"})", {{"If-Match", "\"6\""}});
  EXPECT_EQ(reply.status, 412U);
  EXPECT_TRUE(says(reply, "The split has revision 7")) << reply.body;
  EXPECT_EQ(start(R"({"to":"shop-v2"})", {{"If-Match", "7"}}).status, 400U);
  EXPECT_TRUE(control.calls.empty());
}

TEST_F(AdminRollout, UnacceptableStartsNeverReachControl) {
  const std::pair<std::string, std::string> cases[] = {
      {R"([])", "The body is an array"},
      {R"({})", R"(\"to\" is missing)"},
      {R"({"to":7})", R"(\"to\" is a number)"},
      {R"({"to":""})", R"(\"to\" is empty)"},
      {R"({"to":"p","id":"a b"})", R"(\"id\" must be)"},
      {R"({"to":"p","id":"a\nb"})", R"(\"id\" must be)"},
      {R"({"to":"p","form":"q"})", R"(no member \"form\"; allowed: to, id, from, policy)"},
      {R"({"to":"p","policy":[]})", "policy is an array"},
  };
  for (const auto& [body, detail] : cases) {
    const AdminReply reply = start(body);
    EXPECT_EQ(reply.status, 422U) << body;
    EXPECT_TRUE(says(reply, detail)) << body << " -> " << reply.body;
  }
  EXPECT_EQ(start(R"({"to":"p","id":")" + std::string(129, 'x') + R"("})").status, 422U);
  EXPECT_EQ(start("").status, 400U);
  EXPECT_EQ(ask("POST", path + "?watch=1", R"({"to":"p"})").status, 422U);
  EXPECT_TRUE(control.calls.empty());
}

TEST_F(AdminRollout, EveryVerbReachesControl) {
  control.rollouts = {sample_rollout()};
  const std::pair<std::string, RolloutVerb> cases[] = {
      {"pause", RolloutVerb::pause},
      {"resume", RolloutVerb::resume},
      {"promote", RolloutVerb::promote},
      {"promote?full=false", RolloutVerb::promote},
      {"promote?full=true", RolloutVerb::promote_full},
      {"promote?full", RolloutVerb::promote_full},
      {"abort", RolloutVerb::abort},
      {"undo", RolloutVerb::undo},
      {"approve", RolloutVerb::approve},
      {"retry", RolloutVerb::retry},
  };
  for (const auto& [verb, meaning] : cases) {
    const AdminReply reply = steer(verb);
    EXPECT_EQ(reply.status, 200U) << verb;
    EXPECT_EQ(field(reply, "ETag"), "\"9\"") << verb;
    EXPECT_EQ(control.verb, meaning) << verb;
    EXPECT_EQ(control.if_match, std::nullopt) << verb;
  }
}

TEST_F(AdminRollout, VerbsInsistOnTheRevisionOfTheRollout) {
  control.rollouts = {sample_rollout()};
  EXPECT_EQ(steer("pause", {{"If-Match", "\"9\""}}).status, 200U);
  EXPECT_EQ(control.if_match, 9U);
  control.verb.reset();
  const AdminReply reply = steer("abort", {{"If-Match", "\"7\""}});
  EXPECT_EQ(reply.status, 412U);
  EXPECT_TRUE(says(reply, "The rollout has revision 9")) << reply.body;
  EXPECT_EQ(control.verb, std::nullopt);
}

TEST_F(AdminRollout, VerbsTakeNeitherMembersNorOtherQueries) {
  control.rollouts = {sample_rollout()};
  EXPECT_EQ(ask("POST", path + "/pause", R"({"now":true})").status, 422U);
  EXPECT_EQ(ask("POST", path + "/pause?full=true").status, 422U);
  EXPECT_EQ(ask("POST", path + "/promote?ful=true").status, 422U);
  EXPECT_EQ(ask("POST", path + "/promote?full=yes").status, 422U);
  EXPECT_EQ(ask("GET", path + "?verbose=1").status, 422U);
  EXPECT_EQ(ask("GET", path + "/explain?verbose=1").status, 422U);
  EXPECT_EQ(ask("GET", path + "/history?limit=1").status, 422U);
  EXPECT_EQ(ask("POST", path + "/stop").status, 404U);
  EXPECT_EQ(field(ask("PUT", path), "Allow"), "POST, GET, HEAD");
  EXPECT_EQ(control.verb, std::nullopt);
}

TEST_F(AdminRollout, WhatControlDeniesIsPassedOn) {
  control.rollouts = {sample_rollout()};
  control.deny = Denial{409, "", "It is holding; undo is for after the promotion."};
  const AdminReply reply = steer("undo");
  EXPECT_EQ(reply.status, 409U);
  EXPECT_TRUE(says(reply, "undo is for after the promotion"));
  EXPECT_EQ(start(R"({"to":"shop-v2"})").status, 409U);
}

}  // namespace
}  // namespace sluice::proxy
