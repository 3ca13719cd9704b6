#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/admin_routes.hpp"

/// The calls of the admin interface about settings: reloads and their history (docs/admin.md).
namespace sluice::proxy {

void reload_settings(AdminCall call);
void confirm_reload(AdminCall call);
void answer_reloads(AdminCall call);
void answer_reload(AdminCall call);
void roll_back_settings(AdminCall call);

/// `{"dry_run":true,"confirm":"60s"}`, both optional; an empty body is `{}`.
Outcome<ReloadOrder> read_reload_order(std::string_view body);

/// `{"record":7}`, optional; an empty body is `{}`.
Outcome<std::optional<std::uint64_t>> read_confirmed_record(std::string_view body);

std::string to_json(const ReloadStatus& status);
/// Without the texts.
std::string to_json(const std::vector<ReloadRecord>& records);
std::string to_json(const ReloadRecord& record);

}  // namespace sluice::proxy
