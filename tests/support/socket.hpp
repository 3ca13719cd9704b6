#pragma once

#include <string>

#include "tests/support/deadline.hpp"
#include "tests/support/fd.hpp"

/// Sockets by the address text that the configuration uses: "127.0.0.1:80", "[::1]:80" or
/// "unix:/path". All close on exec, and are non-blocking unless they say so. Everything throws
/// Failure.
namespace sluice::support {

/// Port 0 takes any free one; an existing unix socket file is replaced.
Fd listen_on(const std::string& address);

/// A connection that stands. Nagle is off.
Fd connect_to(const std::string& address, Deadline deadline = {});

/// Two sockets of this process that are connected to each other.
struct SocketPair {
  Fd ours;
  Fd peer;
};

/// Unix stream sockets.
SocketPair socket_pair();
/// As the two processes of an upgrade have them.
SocketPair blocking_socket_pair();

/// The address a listening socket got, in the same form; TCP only.
std::string local_address(const Fd& listening);

/// "127.0.0.1:port" (or another host) on which nobody listened a moment ago, outside the range from
/// which the kernel takes ports by itself. No other test gets it while this process runs.
std::string free_address(const std::string& host = "127.0.0.1");

}  // namespace sluice::support
