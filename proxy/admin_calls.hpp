#pragma once

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

}  // namespace sluice::proxy
