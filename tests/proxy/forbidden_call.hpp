#pragma once

namespace sluice::proxy::testing {

/// From now on a system call fails with EPERM in the calling thread and in those that it starts, as
/// in a container that forbids it. Not to be taken back, so for a thread of its own. False when the
/// kernel does not let us.
bool forbid_call(int number);

}  // namespace sluice::proxy::testing
