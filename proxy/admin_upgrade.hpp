#pragma once

#include <string_view>

#include "proxy/admin_routes.hpp"

namespace sluice::proxy {

/// POST /v1/upgrade.
void upgrade(AdminCall call);

/// `{"binary":"/usr/bin/sluice","timeout":"30s"}` or nothing. The denial is for the caller.
Outcome<UpgradeOrder> read_upgrade_order(std::string_view body);

}  // namespace sluice::proxy
