#include "proxy/admin_rollout.hpp"

#include "proxy/admin_access.hpp"
#include "proxy/admin_calls.hpp"
#include "proxy/admin_revision.hpp"
#include "proxy/admin_rollout_body.hpp"
#include "proxy/admin_rollout_json.hpp"

namespace sluice::proxy {
namespace {

AdminReply rollout_reply(const RolloutStatus& rollout) {
  AdminReply reply;
  reply.body = to_json(rollout);
  reply.fields.emplace_back("ETag", entity_tag(rollout.revision));
  return reply;
}

Done<RolloutStatus> rollout_answer(AdminAnswer answer) {
  return [answer = std::move(answer)](Outcome<RolloutStatus> rollout) {
    answer(rollout ? rollout_reply(*rollout) : denial_reply(rollout.error()));
  };
}

Outcome<std::uint64_t> rollout_revision(const AdminCall& call) {
  const auto rollout = call.control.rollout(call.names[0]);
  if (!rollout) return rollout.error();
  return rollout->revision;
}

/// The revision of the split to insist on. A start that is repeated because its answer was lost
/// changes nothing, and what it did the first time has changed the split.
Outcome<std::optional<std::uint64_t>> expected_split(const AdminCall& call, const std::string& id) {
  const auto newest = call.control.rollout(call.names[0]);
  if (newest && !id.empty() && newest->id == id) return std::optional<std::uint64_t>{};
  return expected_revision(call, "split", split_revision);
}

void steer(AdminCall call, RolloutVerb verb) {
  if (const auto denial = unexpected_body(call.request.body))
    return call.answer(denial_reply(*denial));
  const auto expected = expected_revision(call, "rollout", rollout_revision);
  if (!expected) return call.answer(denial_reply(expected.error()));
  call.control.steer_rollout(call.names[0], verb, *expected, actor_of(call.request),
                             rollout_answer(std::move(call.answer)));
}

}  // namespace

void start_rollout(AdminCall call) {
  if (refused_query(call)) return;
  const auto base = call.control.rollout_policy(call.names[0]);
  if (!base) return call.answer(denial_reply(base.error()));
  auto order = read_rollout_order(call.request.body, *base);
  if (!order) return call.answer(denial_reply(order.error()));
  const auto expected = expected_split(call, order->id);
  if (!expected) return call.answer(denial_reply(expected.error()));
  call.control.start_rollout(call.names[0], std::move(*order), *expected, actor_of(call.request),
                             [answer = std::move(call.answer)](Outcome<RolloutStatus> rollout) {
                               if (!rollout) return answer(denial_reply(rollout.error()));
                               AdminReply reply = rollout_reply(*rollout);
                               if (rollout->is_new) reply.status = 201;
                               answer(std::move(reply));
                             });
}

void answer_rollout(AdminCall call) {
  if (refused_query(call)) return;
  const auto rollout = call.control.rollout(call.names[0]);
  if (!rollout) return call.answer(denial_reply(rollout.error()));
  AdminReply reply = rollout_reply(*rollout);
  if (is_known(call, rollout->revision)) {
    reply.status = 304;
    reply.body.clear();
  }
  call.answer(std::move(reply));
}

void answer_rollout_explanation(AdminCall call) {
  if (refused_query(call)) return;
  const auto rollout = call.control.rollout(call.names[0]);
  if (!rollout) return call.answer(denial_reply(rollout.error()));
  AdminReply reply;
  reply.body = explanation_json(*rollout);
  call.answer(std::move(reply));
}

void answer_rollout_history(AdminCall call) {
  if (refused_query(call)) return;
  const auto rollouts = call.control.rollout_history(call.names[0]);
  if (!rollouts) return call.answer(denial_reply(rollouts.error()));
  AdminReply reply;
  reply.body = to_json(*rollouts);
  call.answer(std::move(reply));
}

void promote_rollout(AdminCall call) {
  const auto verb = read_promotion(call.target.query);
  if (!verb) return call.answer(denial_reply(verb.error()));
  steer(std::move(call), *verb);
}

void steer_rollout_by(AdminCall call, RolloutVerb verb) {
  if (refused_query(call)) return;
  steer(std::move(call), verb);
}

}  // namespace sluice::proxy
