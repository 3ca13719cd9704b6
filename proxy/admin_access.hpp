#pragma once

#include <optional>
#include <string_view>

#include "proxy/admin_message.hpp"
#include "proxy/control.hpp"

/// Who may call the admin interface.
namespace sluice::proxy {

/// True when both are equal. The time it takes depends on the length of `given` alone.
bool equal_in_constant_time(std::string_view given, std::string_view expected);

/// Refuses a request without the token (401), when there is one. Without a token refuses (403) what
/// a web page could make a browser send: a request over TCP whose Host is neither an IP address nor
/// localhost (DNS rebinding), and any request whose Origin is another than the Host it names.
std::optional<AdminReply> refuse_access(const AdminRequest& request, std::string_view token);

/// The caller as the audit log knows it: X-Sluice-Actor, its printable ASCII up to 64 characters
/// without quotes and backslashes, or "admin".
Actor actor_of(const AdminRequest& request);

}  // namespace sluice::proxy
