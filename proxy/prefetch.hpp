#pragma once

#include <cstddef>

namespace sluice::proxy {

/// Asks for the cache lines of `object`, which is needed soon. Worth it where a request comes to
/// something that thousands of others have pushed out of the caches meanwhile, and only there:
/// lines asked for together come together, one after the other each costs its own wait.
template <class T>
void prefetch(const T& object) {
  constexpr std::size_t line = 64;
  const char* octets = reinterpret_cast<const char*>(&object);
  for (std::size_t at = 0; at < sizeof(T); at += line) __builtin_prefetch(octets + at);
  __builtin_prefetch(octets + sizeof(T) - 1);
}

}  // namespace sluice::proxy
