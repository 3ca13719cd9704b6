#include "tests/proxy/admin_dispatch.hpp"

namespace sluice::proxy {
namespace {

class AdminRolloutPolicy : public AdminDispatch {
 protected:
  AdminReply start(const std::string& body) { return ask("POST", "/v1/routes/shop/rollout", body); }
};

TEST_F(AdminRolloutPolicy, PolicyOfTheCallStandsOnThatOfTheRoute) {
  control.policy.bake = milliseconds(1000);
  control.policy.errors.max_rate = 0.001;
  control.policy.guard.max_error_rate = 0.02;
  EXPECT_EQ(start(R"({"to":"shop-v2","policy":{"mode":"observe","steps":[0.5,10,100],
      "step_time":"10s","min_requests":50,"on_inconclusive":"rollback","alpha":1e-2,
      "supersede":"queue","shield":false,"slew":200,"catastrophe":0,"freeze":["Sat - Mon"],
      "errors":{"statuses":["500","503"]},"latency":{"quantiles":[99],"slack":"5ms"},
      "guard":{"max_error_rate":null,"max_p99":"800ms"},
      "mirror":{"time":"1m","share":0.5,"max_body":"64KiB"}}})")
                .status,
            201U);
  RolloutSettings expected;
  expected.bake = milliseconds(1000);
  expected.errors.max_rate = 0.001;
  expected.mode = RolloutMode::observe;
  expected.steps = {50, 1000, 10000};
  expected.step_time = milliseconds(10'000);
  expected.min_requests = 50;
  expected.on_inconclusive = Inconclusive::rollback;
  expected.alpha = 0.01;
  expected.supersede = Supersede::queue;
  expected.shield = false;
  expected.slew = 20'000;
  expected.catastrophe = 0;
  expected.freeze = {"Sat - Mon"};
  expected.errors.statuses = {"500", "503"};
  expected.latency.quantiles = {99};
  expected.latency.slack = milliseconds(5);
  expected.guard.max_p99 = milliseconds(800);
  expected.mirror = {milliseconds(60'000), 0.5, 64 * 1024};
  ASSERT_TRUE(control.rollout_order.policy);
  EXPECT_TRUE(*control.rollout_order.policy == expected);
}

TEST_F(AdminRolloutPolicy, GatesHooksAndQueriesReplaceThoseOfTheRoute) {
  control.policy.gates = {{.before = 100, .manual = true}};
  control.policy.queries = {{.prometheus = "http://old:9090"}};
  start(R"({"to":"shop-v2","policy":{
      "gate":[{"before":25,"hook":"http://h/ok","timeout":"1h","on_timeout":"hold"}],
      "hook":[{"on":["promoted"],"command":["/bin/undo","shop"],"timeout":"1s","retries":0},
              {"on":["held"],"url":"http://h/held"}],
      "query":[{"prometheus":"http://p:9090","expr":"up","bad_when":"< 1","samples":2,
                "interval":"5s","action":"rollback"}]}})");
  RolloutSettings expected;
  expected.gates = {{2500, false, "http://h/ok", milliseconds(3'600'000), RolloutReaction::hold}};
  expected.hooks = {{{"promoted"}, "", {"/bin/undo", "shop"}, milliseconds(1000), 0},
                    {.on = {"held"}, .url = "http://h/held"}};
  expected.queries = {
      {"http://p:9090", "up", "< 1", 2, milliseconds(5000), RolloutReaction::rollback}};
  ASSERT_TRUE(control.rollout_order.policy);
  EXPECT_TRUE(*control.rollout_order.policy == expected);
}

TEST_F(AdminRolloutPolicy, UnacceptablePoliciesAreNamedByTheirKey) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"step_tiem":"1s"})", R"(no member \"policy.step_tiem\"; allowed: mode, steps, )"},
      {R"({"step_time":30})", "policy.step_time is a number; it must be a whole number with a"},
      {R"({"step_time":"30"})", R"(policy.step_time is \"30\"; it must be)"},
      {R"({"mode":"watch"})", R"(policy.mode is \"watch\"; it must be one of act, observe.)"},
      {R"({"mode":1})", "policy.mode is a number; it must be one of act, observe."},
      {R"({"steps":5})", "policy.steps is a number"},
      {R"({"steps":[1,101]})", "policy.steps[1] must be a percentage from 0 to 100"},
      {R"({"steps":[1.234]})", "policy.steps[0] must be a percentage"},
      {R"({"steps":["5%"]})", "policy.steps[0] is a string"},
      {R"({"slew":6000.01})", "policy.slew must be a number of percent points a minute"},
      {R"({"min_requests":-1})", "policy.min_requests must be a whole number from 0"},
      {R"({"min_requests":1.5})", "policy.min_requests must be a whole number"},
      {R"({"catastrophe":4294967296})", "policy.catastrophe must be a whole number"},
      {R"({"alpha":-0.1})", "policy.alpha must be a number that is not negative"},
      {R"({"shield":"yes"})", "policy.shield is a string; it must be true or false"},
      {R"({"freeze":["Sat",1]})", "policy.freeze[1] is a number"},
      {R"({"errors":{"tolerence":1}})",
       R"(no member \"policy.errors.tolerence\"; allowed: statuses, tolerance, max_rate.)"},
      {R"({"guard":true})", "policy.guard is a boolean; it must be an object"},
      {R"({"guard":{"max_p99":800}})", "policy.guard.max_p99 is a number"},
      {R"({"mirror":{"max_body":"1MB"}})", R"(policy.mirror.max_body is \"1MB\")"},
      {R"({"mirror":{"max_body":1024}})", "policy.mirror.max_body is a number"},
      {R"({"gate":{}})", "policy.gate is an object; it must be an array of objects"},
      {R"({"gate":[{"before":5},{"befor":5}]})", R"(no member \"policy.gate[1].befor\")"},
      {R"({"hook":[{"on":"held"}]})", "policy.hook[0].on is a string"},
      {R"({"query":[{"action":"advance"}]})", "must be one of hold, rollback"},
  };
  for (const auto& [policy, detail] : cases) {
    const AdminReply reply = start(R"({"to":"p","policy":)" + policy + "}");
    EXPECT_EQ(reply.status, 422U) << policy;
    EXPECT_TRUE(says(reply, detail)) << policy << " -> " << reply.body;
  }
  EXPECT_TRUE(control.calls.empty());
}

}  // namespace
}  // namespace sluice::proxy
