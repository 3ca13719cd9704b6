#pragma once

#include <optional>
#include <string_view>

#include "core/framing.hpp"
#include "core/head.hpp"

/// Request target and Host (RFC 9112 section 3, RFC 9110 sections 4.2 and 7.2).
namespace sluice::core {

/// Fills scheme, authority and path of `head` from its target and Host fields, or refuses: HTTP/1.1
/// without Host, two Hosts, an invalid or empty Host, userinfo, a fragment, authority-form without
/// CONNECT, asterisk without OPTIONS, white space or a control character in the target, a scheme
/// other than http and https. absolute-form wins over Host, which has to be valid all the same; a
/// query behind an empty path ("http://host?q") is refused, since its origin form is no view of the
/// target. CONNECT is refused with 501 (no tunnel by CONNECT). All else in the target passes
/// unchanged. Pure; views only.
std::optional<Refusal> resolve_target(RequestHead& head);

/// The host of an authority in view form: without port, brackets kept off an IPv6 literal.
std::string_view host_of(std::string_view authority);

}  // namespace sluice::core
