#pragma once

#include <string>

namespace sluice::proxy::program {

/// Tells the service manager something, such as "READY=1" (sd_notify(3)): one datagram to the
/// socket that NOTIFY_SOCKET names. Does nothing without one, and says nothing when it fails: a
/// service manager that does not listen is no reason not to serve. Any thread.
void tell_service_manager(const std::string& text);

}  // namespace sluice::proxy::program
