#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proxy/admin_routes.hpp"

/// What each call of the admin interface does (docs/admin.md).
namespace sluice::proxy {

void answer_index(AdminCall call);
void answer_live(AdminCall call);
void answer_ready(AdminCall call);
void answer_metrics(AdminCall call);
void answer_events(AdminCall call);
void answer_status(AdminCall call);
void answer_routes(AdminCall call);
void answer_route(AdminCall call);
void answer_pools(AdminCall call);
void answer_pool(AdminCall call);

void change_split(AdminCall call);
void drain(AdminCall call);
void undrain(AdminCall call);
void replace_backends(AdminCall call);
void add_backend(AdminCall call);
void remove_backend(AdminCall call);

/// The reply to something that was not done.
AdminReply denial_reply(const Denial& denial);

/// True, after answering, when the call has query parameters: it takes none.
bool refused_query(const AdminCall& call);

/// The revision of what a call is about.
using RevisionInForce = Outcome<std::uint64_t> (*)(const AdminCall& call);
/// That of the split of the route in the path.
Outcome<std::uint64_t> split_revision(const AdminCall& call);

/// The revision that Control is to insist on: the one in force, when If-Match names it. Control
/// compares again, because changes that are under way come first. 400 for a malformed field, 412
/// for another revision; `thing` is what has it: "split", "rollout".
Outcome<std::optional<std::uint64_t>> expected_revision(const AdminCall& call,
                                                        const std::string& thing,
                                                        RevisionInForce in_force);

/// Whether If-None-Match names this revision.
bool is_known(const AdminCall& call, std::uint64_t revision);

}  // namespace sluice::proxy
