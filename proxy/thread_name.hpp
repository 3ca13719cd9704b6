#pragma once

#include <pthread.h>

namespace sluice::proxy {

/// Names the calling thread, as `top -H`, debuggers and profilers show it. At most 15 octets; the
/// name begins with "sluice-", for the threads may be those of another program. Threads of the host
/// are never named.
inline void name_thread(const char* name) {
  ::pthread_setname_np(::pthread_self(), name);
}

}  // namespace sluice::proxy
