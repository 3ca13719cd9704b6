#pragma once

#include <array>

#include "conf/keys.hpp"
#include "sluice/settings.hpp"

namespace sluice::conf {

/// The deadlines, in [timeouts] and in [route.NAME.timeouts].
inline constexpr std::array<Key<TimeoutSettings>, 8> timeout_keys{{
    {"head", read_member<&TimeoutSettings::head>},
    {"keep_alive", read_member<&TimeoutSettings::keep_alive>},
    {"body_idle", read_member<&TimeoutSettings::body_idle>},
    {"connect", read_member<&TimeoutSettings::connect>},
    {"first_byte", read_member<&TimeoutSettings::first_byte>},
    {"backend_idle", read_member<&TimeoutSettings::backend_idle>},
    {"total", read_member<&TimeoutSettings::total>},
    {"tunnel_idle", read_member<&TimeoutSettings::tunnel_idle>},
}};

}  // namespace sluice::conf
