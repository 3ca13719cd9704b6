#include "proxy/admin_routes.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "proxy/admin_access.hpp"
#include "proxy/admin_calls.hpp"
#include "proxy/admin_reload.hpp"
#include "proxy/admin_rollout.hpp"
#include "proxy/admin_upgrade.hpp"

namespace sluice::proxy {
namespace {

/// The names in the path when it fits the pattern.
std::optional<std::vector<std::string>> match(std::string_view pattern,
                                              const std::vector<std::string>& segments) {
  std::vector<std::string> names;
  std::size_t at = 0;
  pattern.remove_prefix(1);
  while (!pattern.empty()) {
    const std::string_view piece = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(std::min(piece.size() + 1, pattern.size()));
    if (at == segments.size()) return std::nullopt;
    const std::string& segment = segments[at++];
    if (!piece.starts_with('{')) {
      if (segment != piece) return std::nullopt;
    } else {
      if (segment.empty()) return std::nullopt;
      names.push_back(segment);
    }
  }
  return at == segments.size() ? std::optional(std::move(names)) : std::nullopt;
}

/// Probes of a supervisor or balancer reach these by any name and without a token.
bool is_public(const AdminTarget& target) {
  return target.segments.size() == 1 &&
         (target.segments[0] == "livez" || target.segments[0] == "readyz");
}

AdminReply not_allowed(const std::string& method, const std::string& allow) {
  AdminReply reply =
      problem_reply(405, "", "This path does not take " + method + "; use one of: " + allow + ".");
  reply.fields.emplace_back("Allow", allow);
  return reply;
}

constexpr std::array calls = std::to_array<AdminRoute>({
    {"GET", "/", "this list", answer_index},
    {"GET", "/livez", "the process lives", answer_live},
    {"GET", "/readyz", "200 when ready to take traffic, else 503", answer_ready},
    {"GET", "/metrics", "metrics as Prometheus text", answer_metrics},
    {"GET", "/v1/status", "everything at a glance", answer_status},
    {"GET", "/v1/routes", "every route and its split", answer_routes},
    {"GET", "/v1/routes/{route}", "one route and its split", answer_route},
    {"PUT", "/v1/routes/{route}/split", "new weights", change_split},
    {"POST", "/v1/routes/{route}/rollout", "start a rollout", start_rollout},
    {"GET", "/v1/routes/{route}/rollout", "how the newest rollout stands", answer_rollout},
    {"GET", "/v1/routes/{route}/rollout/explain", "why it stands there",
     answer_rollout_explanation},
    {"GET", "/v1/routes/{route}/rollout/history", "rollouts that ended", answer_rollout_history},
    {"POST", "/v1/routes/{route}/rollout/pause", "weights stay", steer_rollout<RolloutVerb::pause>},
    {"POST", "/v1/routes/{route}/rollout/resume", "go on", steer_rollout<RolloutVerb::resume>},
    {"POST", "/v1/routes/{route}/rollout/promote", "the next step now; ?full=true: everything",
     promote_rollout},
    {"POST", "/v1/routes/{route}/rollout/abort", "roll back", steer_rollout<RolloutVerb::abort>},
    {"POST", "/v1/routes/{route}/rollout/undo", "after the promotion: roll back",
     steer_rollout<RolloutVerb::undo>},
    {"POST", "/v1/routes/{route}/rollout/approve", "open the gate that waits",
     steer_rollout<RolloutVerb::approve>},
    {"POST", "/v1/routes/{route}/rollout/retry", "a release that was rolled back once more",
     steer_rollout<RolloutVerb::retry>},
    {"POST", "/v1/upgrade", "a new process takes the place of this one", upgrade},
    {"GET", "/v1/pools", "every pool and its backends", answer_pools},
    {"GET", "/v1/pools/{pool}", "one pool and its backends", answer_pool},
    {"POST", "/v1/pools/{pool}/drain", "drain a pool", drain},
    {"POST", "/v1/pools/{pool}/undrain", "take requests again", undrain},
    {"PUT", "/v1/pools/{pool}/backends", "replace the backends", replace_backends},
    {"POST", "/v1/pools/{pool}/backends", "add a backend", add_backend},
    {"DELETE", "/v1/pools/{pool}/backends/{backend}", "drain, then remove", remove_backend},
    {"POST", "/v1/pools/{pool}/backends/{backend}/drain", "drain a backend", drain},
    {"POST", "/v1/pools/{pool}/backends/{backend}/undrain", "take requests again", undrain},
    {"POST", "/v1/reload", "read the settings anew", reload_settings},
    {"POST", "/v1/reload/confirm", "keep what a reload brought", confirm_reload},
    {"GET", "/v1/reloads", "which settings were in force", answer_reloads},
    {"GET", "/v1/reloads/{record}", "one of them, with its text", answer_reload},
    {"POST", "/v1/reloads/{record}/rollback", "put it in force once more", roll_back_settings},
    {"GET", "/v1/events", "what happens, as server-sent events", answer_events},
});

}  // namespace

const std::vector<AdminRoute>& admin_route_table() {
  static const std::vector<AdminRoute> table(calls.begin(), calls.end());
  return table;
}

AdminRoutes::AdminRoutes(Control& control, AdminOptions options)
    : control_(control), options_(std::move(options)) {}

void AdminRoutes::answer(const AdminRequest& request, AdminAnswer answer) {
  const auto target = parse_admin_target(request.target);
  if (!target)
    return answer(problem_reply(
        400, "", "The path is malformed; write it as /v1/..., with % only before two hex digits."));
  if (!is_public(*target))
    if (auto refusal = refuse_access(request, options_.token)) return answer(std::move(*refusal));

  const std::string_view asked = request.method;
  const std::string_view method = asked == "HEAD" ? "GET" : asked;
  std::string allow;
  for (const AdminRoute& route : admin_route_table()) {
    auto names = match(route.path, target->segments);
    if (!names) continue;
    if (route.method == method)
      return route.run(
          {control_, options_, request, *target, std::move(*names), std::move(answer)});
    if (!allow.empty()) allow += ", ";
    allow += route.method;
    if (route.method == "GET") allow += ", HEAD";
  }
  if (allow.empty())
    return answer(problem_reply(404, "", "There is no such path; GET / lists all calls."));
  answer(not_allowed(request.method, allow));
}

}  // namespace sluice::proxy
